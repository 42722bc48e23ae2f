//! A redis-server of one's own: a free port, a directory of its own, ended when it goes out of scope.
//!
//! `REDIS_SERVER` names another server (Redis or Valkey), `JSONMERGE_MODULE` another build of the
//! module than the one that cargo has just made.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::client::Client;

/// How long a test waits for anything before it fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
pub struct Server {
    process: Child,
    pub port: u16,
    directory: TempDir,
}

/// What a server is started with.
pub struct Settings {
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

    /// Where it keeps its files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.directory().join("log")).unwrap_or_default()
    }

    /// Ends the server as SIGTERM does, and starts another on the same files.
    pub fn restart_as(self, settings: Settings) -> Server {
        let mut server = self;
        server.shut_down();
        let files = fs::read_dir(server.directory()).expect("the server's directory");
        for file in files.map(|file| file.expect("a file")) {
            if file.file_name() != "log" {
                let to = settings.directory.path().join(file.file_name());
                fs::rename(file.path(), to).expect("a directory on the same disk");
            }
        }
        settings.start()
    }

    fn shut_down(&mut self) {
        let shutdown =
            Client::connect(self.port, "resp2").map(|mut client| client.call("SHUTDOWN"));
        assert!(shutdown.is_ok(), "no connection: {}", self.log());
        wait_until("the server ends", || matches!(self.process.try_wait(), Ok(Some(_))));
    }

    fn is_ready(&mut self) -> bool {
        Client::connect(self.port, "resp2")
            .is_ok_and(|mut client| client.call("PING").as_deref() == Ok("PONG"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("--- log of the server at port {}\n{}", self.port, self.log());
        }
    }
}

impl Settings {
    pub fn new() -> Self {
        let settings =
            Settings { lines: Vec::new(), directory: tempfile::tempdir().expect("a directory") };
        settings
            .with("bind 127.0.0.1")
            .with("save \"\"")
            .with("repl-diskless-sync-delay 0")
            .with("enable-debug-command yes")
            .with("enable-module-command yes")
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

    /// Starts the server and waits until it answers.
    pub fn start(self) -> Server {
        let conf = self.directory.path().join("redis.conf");
        fs::write(&conf, self.lines.join("\n")).expect("a directory to write to");
        let port = free_port();
        let process = Command::new(env::var_os("REDIS_SERVER").unwrap_or("redis-server".into()))
            .arg(&conf)
            .args(["--port", &port.to_string()])
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server on the PATH, or REDIS_SERVER=/path/to/it");
        let mut server = Server { process, port, directory: self.directory };
        let deadline = Instant::now() + PATIENCE;
        while !server.is_ready() {
            let ended = server.process.try_wait().expect("a process to ask for");
            assert!(ended.is_none(), "the server ended with {ended:?}:\n{}", server.log());
            assert!(Instant::now() < deadline, "no answer at port {port}:\n{}", server.log());
            sleep(Duration::from_millis(10));
        }
        server
    }
}

/// Waits for something that another process does.
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
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

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
