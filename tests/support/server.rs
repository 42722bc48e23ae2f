//! A redis-server of one's own: a free port, a directory of its own, ended when it goes out of scope.
//!
//! `REDIS_SERVER` names another server (Redis or Valkey), `JSONMERGE_MODULE` another build of the
//! module than the one that cargo has just made, `JSONMERGE_PATIENCE` the seconds to wait for a server
//! that is slow.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::client::Client;

/// How long a test waits for anything before it fails.
pub static PATIENCE: LazyLock<Duration> = LazyLock::new(|| {
    let seconds = env::var("JSONMERGE_PATIENCE").unwrap_or("20".into());
    Duration::from_secs(seconds.parse().expect("JSONMERGE_PATIENCE is a number of seconds"))
});

/// A running server.
pub struct Server {
    program: OsString,
    process: Child,
    pub port: u16,
    directory: TempDir,
}

/// What a server is started with.
pub struct Settings {
    program: OsString,
    lines: Vec<String>,
    directory: TempDir,
}

impl Server {
    /// A server with the module and without persistence.
    pub fn start() -> Self {
        Settings::new().module().start()
    }

    /// A server without the module.
    pub fn plain() -> Self {
        Settings::new().start()
    }

    pub fn client(&self) -> Client {
        Client::connect(self.port, "resp2").expect("a server that answers")
    }

    pub fn client_resp3(&self) -> Client {
        Client::connect(self.port, "resp3").expect("a server that answers")
    }

    /// Whether the server lets a module's command into ACL categories: Redis and Valkey from 7.2 on.
    pub fn has_categories(&self) -> bool {
        !self.version_is_7_0()
    }

    pub fn version_is_7_0(&self) -> bool {
        self.client().ok("INFO server").contains("redis_version:7.0.")
    }

    /// Returns the value of a numeric field of INFO.
    pub fn info(&self, field: &str) -> u64 {
        self.client().info(field)
    }

    /// Where it keeps its files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.directory().join("log")).unwrap_or_default()
    }

    /// Ends the server as SIGTERM does, unless it was killed, and starts another on the same files.
    pub fn restart_as(self, settings: Settings) -> Server {
        let mut server = self;
        if let Ok(None) = server.process.try_wait() {
            server.shut_down();
        }
        let files = fs::read_dir(server.directory()).expect("the server's directory");
        for file in files.map(|file| file.expect("a file")) {
            if file.file_name() != "log" {
                let to = settings.directory.path().join(file.file_name());
                fs::rename(file.path(), to).expect("a directory on the same disk");
            }
        }
        settings.start()
    }

    /// Makes the server a replica of another, and waits until it has all data.
    pub fn follow(&self, master: &Server) {
        let mut client = self.client();
        client.ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
        wait_until("the replica follows", || {
            client.ok("INFO replication").contains("master_link_status:up")
        });
    }

    /// Ends the server as a crash would: it has no chance to write anything more.
    pub fn kill(&mut self) {
        self.process.kill().expect("a server that runs");
        self.process.wait().expect("its end");
    }

    /// Starts a server that was killed again, at the same port and on the same files.
    pub fn revive(&mut self) {
        self.process = spawn(&self.program, self.directory.path(), self.port);
        self.wait_until_ready();
    }

    fn shut_down(&mut self) {
        let shutdown =
            Client::connect(self.port, "resp2").map(|mut client| client.call("SHUTDOWN"));
        assert!(shutdown.is_ok(), "no connection: {}", self.log());
        wait_until("the server ends", || matches!(self.process.try_wait(), Ok(Some(_))));
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + *PATIENCE;
        while !is_ready(self.port) {
            let ended = self.process.try_wait().expect("a process to ask for");
            assert!(ended.is_none(), "the server ended with {ended:?}:\n{}", self.log());
            let port = self.port;
            assert!(Instant::now() < deadline, "no answer at port {port}:\n{}", self.log());
            sleep(Duration::from_millis(10));
        }
    }

    /// Returns when the server ends, which closes the connection, or refuses, or too much time has passed.
    fn ask_to_end(&self) -> io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(*PATIENCE))?;
        stream.write_all(b"SHUTDOWN NOSAVE NOW FORCE\r\n")?;
        stream.read(&mut [0]).map(drop)
    }
}

impl Drop for Server {
    /// Ends the server in order, for only then does valgrind tell what it leaves behind. One that does
    /// not obey is killed: it hangs, or does not let everybody end it.
    fn drop(&mut self) {
        // The port of one that has ended may be another's by now.
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = self.ask_to_end();
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("--- log of the server at port {}\n{}", self.port, self.log());
        }
    }
}

impl Settings {
    pub fn new() -> Self {
        Settings::of(env::var_os("REDIS_SERVER").unwrap_or("redis-server".into()))
            .with("enable-debug-command yes")
            .with("enable-module-command yes")
    }

    /// Of another server, older than the module supports.
    pub fn of(program: OsString) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Settings { program, lines: Vec::new(), directory }
            .with("bind 127.0.0.1")
            .with("save \"\"")
            .with("repl-diskless-sync-delay 0")
            .with("logfile log")
    }

    /// The lines of a redis.conf, but for the module's file, which is the caller's.
    pub fn from_file(path: &str) -> Self {
        let conf = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        conf.lines()
            .filter(|line| !line.starts_with("loadmodule"))
            .fold(Settings::new(), Settings::with)
    }

    /// Adds a line of redis.conf.
    pub fn with(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    pub fn module(self) -> Self {
        let load = format!("loadmodule {}", module_path().display());
        self.with(&load)
    }

    /// A node of a cluster.
    pub fn cluster_node(self) -> Self {
        self.with("cluster-enabled yes").with(&format!("cluster-port {}", free_port()))
    }

    /// Starts the server and waits until it answers.
    pub fn start(self) -> Server {
        let conf = self.directory.path().join("redis.conf");
        fs::write(&conf, self.lines.join("\n")).expect("a directory to write to");
        let port = free_port();
        let process = spawn(&self.program, self.directory.path(), port);
        let mut server = Server { program: self.program, process, port, directory: self.directory };
        server.wait_until_ready();
        server
    }
}

fn spawn(program: &OsStr, directory: &Path, port: u16) -> Child {
    Command::new(program)
        .arg("redis.conf")
        .args(["--port", &port.to_string()])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server on the PATH, or REDIS_SERVER=/path/to/it")
}

/// Whether a server at this port answers, and has loaded its data.
pub fn is_ready(port: u16) -> bool {
    Client::connect(port, "resp2")
        .is_ok_and(|mut client| client.call("PING").as_deref() == Ok("PONG"))
}

/// Waits for something that another process does.
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + *PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "not within {:?}: {what}", *PATIENCE);
        sleep(Duration::from_millis(10));
    }
}

/// The module: `JSONMERGE_MODULE`, or the one that cargo built beside this program.
pub fn module_path() -> PathBuf {
    if let Some(path) = env::var_os("JSONMERGE_MODULE") {
        return fs::canonicalize(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    }
    let program = env::current_exe().expect("a program with a path");
    let name = format!("{}jsonmerge{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let mut candidates =
        program.ancestors().skip(1).map(|directory| directory.join("deps").join(&name));
    candidates.find(|path| path.exists()).unwrap_or_else(|| panic!("no {name} near {program:?}"))
}

/// A free port, below those that the system gives to outgoing connections: somebody who tries to reach
/// a server that is down could be given its port, and talk to himself.
fn free_port() -> u16 {
    let mut ports = std::iter::repeat_with(|| fastrand::u16(10_000..32_000)).take(1000);
    let free = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.expect("a free port")
}
