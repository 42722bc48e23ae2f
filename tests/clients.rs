//! The example of each client library, with RESP2 and RESP3, on a server and on a cluster.
//!
//! The examples in other languages have their own tests, which run here as child processes. They need what
//! scripts/setup-clients installs.

mod rust;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::cluster::Cluster;
use crate::support::server::Server;

const PROTOCOLS: [&str; 2] = ["2", "3"];

/// An example, and the commands that run its tests and its programs.
struct Example {
    directory: PathBuf,
    program: String,
    test: &'static [&'static str],
    produce: &'static [&'static str],
    consume: &'static [&'static str],
}

/// Returns a path in the project's directory.
fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

impl Example {
    /// Returns an example in TypeScript, which scripts/setup-clients has compiled.
    fn node(name: &str) -> Self {
        Example {
            directory: path("target/clients").join(name),
            program: "node".into(),
            test: &["--test", "dist/test/"],
            produce: &["dist/src/producer.js"],
            consume: &["dist/src/consumer.js"],
        }
    }

    /// Returns an example in Python, whose requirements scripts/setup-clients has installed.
    fn python(name: &str) -> Self {
        let python = path("target/clients").join(name).join("venv/bin/python");
        Example {
            directory: path("examples").join(name),
            program: python.to_str().expect("the path is UTF-8").into(),
            test: &["-m", "unittest"],
            produce: &["producer.py"],
            consume: &["consumer.py"],
        }
    }

    /// Returns the example of the `redis` crate, whose tests are in [`rust`].
    fn rust() -> Self {
        Example {
            directory: path(""),
            program: env!("CARGO").into(),
            test: &[],
            produce: &["run", "--quiet", "--locked", "--example", "producer"],
            consume: &["run", "--quiet", "--locked", "--example", "consumer"],
        }
    }

    /// Asserts that its tests pass with both protocols, and that the cluster redirected no command.
    fn assert_tests_pass(&self) {
        let cluster = Cluster::start();
        for protocol in PROTOCOLS {
            let server = Server::start();
            let output = self.run(
                self.test,
                &[
                    ("REDIS_URL", &url(&server)),
                    ("REDIS_CLUSTER_URL", &url(&cluster.shards[0][0])),
                    ("REDIS_RESP", protocol),
                ],
                "",
            );
            assert!(output.status.success(), "RESP{protocol}\n{}", shown(&output));
        }
        assert_eq!(cluster.errors("MOVED"), 0);
    }

    /// Runs the producer on events, one on each line. Returns what it printed, or why it failed.
    fn produce(&self, server: &Server, events: &str) -> Result<String, String> {
        let output = self.run(self.produce, &[("REDIS_URL", &url(server))], events);
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).expect("the output is UTF-8")),
            false => Err(shown(&output)),
        }
    }

    /// Runs the consumer, and returns what it printed.
    fn consume(&self, server: &Server) -> String {
        let output = self.run(self.consume, &[("REDIS_URL", &url(server))], "");
        assert!(output.status.success() && output.stderr.is_empty(), "{}", shown(&output));
        String::from_utf8(output.stdout).expect("the output is UTF-8")
    }

    fn run(&self, arguments: &[&str], environment: &[(&str, &str)], input: &str) -> Output {
        let mut process = Command::new(&self.program)
            .args(arguments)
            .current_dir(&self.directory)
            .envs(environment.iter().copied())
            // Python must not write bytecode to the source directory.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}: run scripts/setup-clients", self.program));
        // The write fails if the process has ended without reading its input.
        let _ = process.stdin.take().expect("the input is a pipe").write_all(input.as_bytes());
        process.wait_with_output().expect("the process ends")
    }
}

fn examples() -> [Example; 4] {
    [
        Example::node("node-redis"),
        Example::node("ioredis"),
        Example::python("redis-py"),
        Example::rust(),
    ]
}

fn url(server: &Server) -> String {
    format!("redis://127.0.0.1:{}", server.port)
}

fn shown(output: &Output) -> String {
    let [out, err] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    format!("{}\n{out}\n{err}", output.status)
}

#[test]
#[ignore = "make test-clients"]
fn node_redis() {
    Example::node("node-redis").assert_tests_pass();
}

#[test]
#[ignore = "make test-clients"]
fn ioredis() {
    Example::node("ioredis").assert_tests_pass();
}

#[test]
#[ignore = "make test-clients"]
fn redis_py() {
    Example::python("redis-py").assert_tests_pass();
}

#[test]
#[ignore = "make test-clients"]
fn every_consumer_receives_what_every_producer_sent() {
    // Every consumer prints JSON in this form, so its output equals the input.
    const EVENTS: &str = r#"{"id":1,"name":"Grüße, 日本 🎉","tags":[]}
{"id":9007199254740991,"name":"a/b","tags":["x","y"],"details":{"deep":[[],{}],"none":null}}
"#;
    let examples = examples();
    let server = Server::start();
    for consumer in &examples {
        for (before, producer) in examples.iter().enumerate() {
            let length = 2 * before + 2;
            assert_eq!(producer.produce(&server, EVENTS), Ok(format!("{length}\n")));
        }
        assert_eq!(consumer.consume(&server), EVENTS.repeat(examples.len()));
        assert_eq!(consumer.consume(&server), "");
    }
}

#[test]
#[ignore = "make test-clients"]
fn an_invalid_event_does_not_reach_the_server() {
    let examples = examples();
    for example in &examples {
        let server = Server::start();
        let events =
            "{\"id\":1,\"name\":\"a\",\"tags\":[]}\n{\"id\":2,\"name\":\"\",\"tags\":[]}\n";
        example.produce(&server, events).expect_err("the producer rejects the second event");
        let mut client = server.client();
        assert_eq!(client.ok("DBSIZE"), "(integer) 0");
        assert!(!client.ok("INFO commandstats").contains("jsonmerge"));
    }
}
