//! The examples of each client, with RESP2 and RESP3, on a server and on a cluster.
//!
//! The examples have tests in their own directories. They run here as child processes, with what
//! scripts/setup-clients has installed.

mod readme;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::support::cluster::Cluster;
use crate::support::server::{PATIENCE, Server, wait_until};

const PROTOCOLS: [&str; 2] = ["2", "3"];

/// An example, and the commands that run its tests and its programs.
struct Example {
    directory: PathBuf,
    test: &'static str,
    produce: &'static str,
    consume: &'static str,
}

/// Returns where the copy of the directory `examples` is.
fn copies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients")
}

impl Example {
    fn new(name: &str, [test, produce, consume]: [&'static str; 3]) -> Self {
        Example { directory: copies().join("examples").join(name), test, produce, consume }
    }

    fn node(name: &str) -> Self {
        Example::new(
            name,
            [
                // Node 20 searches directories, and newer versions do not.
                "node --test dist/test/cluster.test.js dist/test/jsonmerge.test.js",
                "node dist/src/producer.js",
                "node dist/src/consumer.js",
            ],
        )
    }

    fn python() -> Self {
        Example::new(
            "redis-py",
            [
                "venv/bin/python -m unittest",
                "venv/bin/python producer.py",
                "venv/bin/python consumer.py",
            ],
        )
    }

    fn rust() -> Self {
        Example::new(
            "rust",
            ["cargo test --locked", "target/debug/producer", "target/debug/consumer"],
        )
    }

    /// The programs with an asynchronous connection. The tests are those of [`Example::rust`].
    fn rust_async() -> Self {
        Example {
            produce: "target/debug/producer_async",
            consume: "target/debug/consumer_async",
            ..Example::rust()
        }
    }

    /// Asserts that the tests pass with both protocols, and that each command went to the right node of the
    /// cluster at once.
    fn pass(&self) {
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

    /// Runs the producer on events, one per line. Returns what it printed, or why it failed.
    fn produce(&self, server: &Server, events: &str) -> Result<String, String> {
        let output = self.run(self.produce, &[("REDIS_URL", &url(server))], events);
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).expect("text")),
            false => Err(shown(&output)),
        }
    }

    /// Starts the consumer, and returns once it waits for events.
    fn consume(&self, server: &Server) -> Consumer {
        let waiting = server.info("blocked_clients");
        let mut process = self.start(self.consume, &[("REDIS_URL", &url(server))]);
        let lines = lines(&mut process);
        let consumer = Consumer { process, lines };
        wait_until("the consumer waits", || server.info("blocked_clients") > waiting);
        consumer
    }

    fn run(&self, command: &str, environment: &[(&str, &str)], input: &str) -> Output {
        let mut process = self.start(command, environment);
        // The write fails if the process has ended without reading.
        let _ = process.stdin.take().expect("a pipe").write_all(input.as_bytes());
        process.wait_with_output().expect("the process ends")
    }

    fn start(&self, command: &str, environment: &[(&str, &str)]) -> Child {
        let mut words = command.split(' ');
        let program = words.next().expect("a program");
        let program = match program.contains('/') {
            true => self.directory.join(program),
            false => program.into(),
        };
        Command::new(&program)
            .args(words)
            .current_dir(&self.directory)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program:?}: {error}: run scripts/setup-clients"))
    }
}

/// Returns the lines that a process prints, as soon as it prints them.
fn lines(process: &mut Child) -> Receiver<String> {
    let stdout = BufReader::new(process.stdout.take().expect("a pipe"));
    let (sender, lines) = channel();
    thread::spawn(move || {
        stdout.lines().try_for_each(|line| sender.send(line.expect("text") + "\n"))
    });
    lines
}

/// A running consumer. Dropping it kills the process.
struct Consumer {
    process: Child,
    lines: Receiver<String>,
}

impl Consumer {
    /// Returns the next lines that it prints.
    fn read(&self, count: usize) -> String {
        (0..count).map(|_| self.lines.recv_timeout(*PATIENCE).expect("a line")).collect()
    }

    /// Asks it to stop, and returns the lines that have not been read.
    fn stop(mut self) -> String {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").arg(id).status().expect("kill is on the PATH").success());
        wait_until("the consumer ends", || matches!(self.process.try_wait(), Ok(Some(_))));
        let mut errors = String::new();
        let stderr = self.process.stderr.as_mut().expect("a pipe");
        stderr.read_to_string(&mut errors).expect("text");
        let status = self.process.wait().expect("a status");
        assert!(status.success() && errors.is_empty(), "{status}\n{errors}");
        self.lines.iter().collect()
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn examples() -> [Example; 5] {
    [
        Example::node("node-redis"),
        Example::node("ioredis"),
        Example::python(),
        Example::rust(),
        Example::rust_async(),
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
    Example::node("node-redis").pass();
}

#[test]
#[ignore = "make test-clients"]
fn ioredis() {
    Example::node("ioredis").pass();
}

#[test]
#[ignore = "make test-clients"]
fn redis_py() {
    Example::python().pass();
}

#[test]
#[ignore = "make test-clients"]
fn types_of_redis_py() {
    let mypy = "venv/bin/python -m mypy --strict check_types.py consumer.py producer.py";
    let output = Example::python().run(mypy, &[], "");
    assert!(output.status.success(), "{}", shown(&output));
}

#[test]
#[ignore = "make test-clients"]
fn redis_crate() {
    Example::rust().pass();
}

#[test]
#[ignore = "make test-clients"]
fn every_consumer_receives_what_every_producer_sent() {
    // All examples print JSON in the same form, so the lines can be compared.
    const EVENTS: &str = r#"{"id":1,"name":"Grüße, 日本 🎉","tags":[]}
{"id":9007199254740993,"name":"a/b","tags":["x","y"],"details":{"deep":[[],{}],"none":null,"price":1.0}}
"#;
    let examples = examples();
    let server = Server::start();
    for consumer in &examples {
        let consumer = consumer.consume(&server);
        for producer in &examples {
            assert_eq!(producer.produce(&server, EVENTS), Ok("2\n".into()));
            assert_eq!(consumer.read(2), EVENTS);
        }
        assert_eq!(consumer.stop(), "");
    }
}

#[test]
#[ignore = "make test-clients"]
fn consumers_share_the_stored_events() {
    let examples = examples();
    let server = Server::start();
    let consumers = examples.each_ref().map(|example| example.consume(&server));
    // Each consumer takes up to 100 events, in the order in which they began to wait.
    let event = |id| format!("{{\"id\":{id},\"name\":\"a\",\"tags\":[]}}\n");
    let events: Vec<String> = (100..420).map(event).collect();
    let [producer, ..] = &examples;
    assert_eq!(producer.produce(&server, &events.concat()), Ok("320\n".into()));
    wait_until("everything is taken", || server.client().ok("DBSIZE") == "(integer) 0");
    let printed = consumers.map(Consumer::stop);
    // One consumer may have been between two takes at that moment.
    assert!(printed.iter().filter(|lines| !lines.is_empty()).count() >= 3);
    let mut lines: Vec<&str> =
        printed.iter().flat_map(|lines| lines.split_inclusive('\n')).collect();
    lines.sort_unstable();
    assert_eq!(lines, events);
}

#[test]
#[ignore = "make test-clients"]
fn producers_against_an_invalid_event_send_nothing() {
    let examples = examples();
    for example in &examples {
        let server = Server::start();
        let events =
            "{\"id\":1,\"name\":\"a\",\"tags\":[]}\n{\"id\":2,\"name\":\"\",\"tags\":[]}\n";
        example.produce(&server, events).expect_err("an error");
        let mut client = server.client();
        assert_eq!(client.ok("DBSIZE"), "(integer) 0");
        assert!(!client.ok("INFO commandstats").contains("jsonmerge"));
    }
}
