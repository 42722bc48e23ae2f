//! A server with its own port and directory. It ends when its [`Server`] is dropped.
//!
//! - `REDIS_SERVER`: the server to run, Redis or Valkey. Default: the one that is on the PATH.
//! - `JSONMERGE_MODULE`: the module to load. Default: the one that cargo built with the tests.
//! - `JSONMERGE_SERVER_CONF`: lines for the configuration of every server to test. Default: none.
//! - `JSONMERGE_PATIENCE`: how many seconds a test waits for anything before it fails. Default: 20.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
#[cfg(target_os = "linux")]
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::client::Client;
use super::programs;

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

/// The configuration of a server that has not been started.
pub struct Settings {
    program: OsString,
    lines: Vec<String>,
    directory: TempDir,
}

impl Server {
    /// Starts a server that has loaded the module, without persistence.
    pub fn start() -> Self {
        Settings::new().module().start()
    }

    /// Starts a server without the module.
    pub fn plain() -> Self {
        Settings::new().start()
    }

    /// Connects with RESP2.
    pub fn client(&self) -> Client {
        Client::connect(self.port, "resp2").expect("the server answers")
    }

    /// Connects with RESP3.
    pub fn client_resp3(&self) -> Client {
        Client::connect(self.port, "resp3").expect("the server answers")
    }

    /// Returns whether a module can add its commands to ACL categories: since Redis 7.2.
    pub fn has_categories(&self) -> bool {
        !self.version_is_7_0()
    }

    /// Returns whether this is Redis 7.0.
    pub fn version_is_7_0(&self) -> bool {
        self.client().ok("INFO server").contains("redis_version:7.0.")
    }

    /// Returns whether the server may reply before it writes the AOF, even with `appendfsync always`.
    ///
    /// Redis 8 does with I/O threads, with any write command: its `beforeSleep` writes the AOF, then runs
    /// commands that the threads have read, then sends the replies.
    pub fn replies_before_aof(&self) -> bool {
        let mut client = self.client();
        client.ok("INFO server").contains("redis_version:8.")
            && client.ok("CONFIG GET io-threads") != "(io-threads 1)"
    }

    /// Returns the value of a numeric field of INFO.
    pub fn info(&self, field: &str) -> u64 {
        self.client().info(field)
    }

    /// Returns the directory with the server's files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the text of the server's log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory().join("log")).unwrap_or_default()
    }

    /// Shuts the server down, unless it was killed, and starts another with its data files.
    pub fn restart_as(self, settings: Settings) -> Server {
        let mut server = self;
        if let Ok(None) = server.process.try_wait() {
            server.shut_down();
        }
        let files = fs::read_dir(server.directory()).expect("the directory is readable");
        for file in files.map(|file| file.expect("the file is listed")) {
            if file.file_name() != "log" {
                let to = settings.directory.path().join(file.file_name());
                fs::rename(file.path(), to).expect("both directories are on one disk");
            }
        }
        settings.start()
    }

    /// Makes the server a replica of `master`, and waits until it has synchronized.
    pub fn follow(&self, master: &Server) {
        self.client().ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
        self.wait_until_synchronized();
    }

    /// Waits until this server is a replica and has synchronized with its master.
    pub fn wait_until_synchronized(&self) {
        let mut client = self.client();
        wait_until("the replica is connected to its master", || {
            client.ok("INFO replication").contains("master_link_status:up")
        });
    }

    /// Kills the server, as a crash does: it cannot write any more data.
    pub fn kill(&mut self) {
        self.process.kill().expect("the process receives the signal");
        self.process.wait().expect("the process ends");
    }

    /// Starts a server again that was killed, with the same port and files.
    pub fn revive(&mut self) {
        self.process = spawn(&self.program, self.directory.path(), self.port);
        self.wait_until_ready();
    }

    /// Shuts the server down and starts it again, with the same port and files.
    pub fn restart(&mut self) {
        self.shut_down();
        self.revive();
    }

    fn shut_down(&mut self) {
        let shutdown =
            Client::connect(self.port, "resp2").map(|mut client| client.call("SHUTDOWN"));
        assert!(shutdown.is_ok(), "cannot connect to shut down: {}", self.log());
        wait_until("the server shuts down", || matches!(self.process.try_wait(), Ok(Some(_))));
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + *PATIENCE;
        while !is_ready(self.port) {
            let ended = self.process.try_wait().expect("the process has a status");
            assert!(ended.is_none(), "the server ended, {ended:?}:\n{}", self.log());
            let port = self.port;
            assert!(
                Instant::now() < deadline,
                "the server does not answer on port {port}:\n{}",
                self.log()
            );
            sleep(Duration::from_millis(10));
        }
    }

    /// Sends SHUTDOWN, and returns when the server has ended or refused, or after [`PATIENCE`].
    fn ask_to_end(&self) -> io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(*PATIENCE))?;
        stream.write_all(b"SHUTDOWN NOSAVE NOW FORCE\r\n")?;
        stream.read(&mut [0]).map(drop)
    }
}

impl Drop for Server {
    /// Shuts the server down, because valgrind reports leaks only after a regular end. Kills it if it
    /// hangs, or if the default user may not shut it down.
    fn drop(&mut self) {
        // If it has ended, its port may belong to another server by now.
        if matches!(self.process.try_wait(), Ok(None)) {
            let _ = self.ask_to_end();
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("--- log of the server on port {}\n{}", self.port, self.log());
        }
    }
}

impl Settings {
    /// Returns the settings of the server to test, without the module. A test can override a line of
    /// `JSONMERGE_SERVER_CONF`, because the server uses the last line for a config.
    pub fn new() -> Self {
        Settings::of(programs::find("server"))
            .with("enable-debug-command yes")
            .with("enable-module-command yes")
            .with(&env::var("JSONMERGE_SERVER_CONF").unwrap_or_default())
    }

    /// Returns the settings of a given server, which may be older than the module supports.
    pub fn of(program: OsString) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory is created");
        Settings { program, lines: Vec::new(), directory }
            .with("bind 127.0.0.1")
            .with("save \"\"")
            .with("repl-diskless-sync-delay 0")
            .with("logfile log")
    }

    /// Reads the lines of a redis.conf, except `loadmodule`: its path is not that of the tested module.
    pub fn from_file(path: &str) -> Self {
        let conf = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        conf.lines()
            .filter(|line| !line.starts_with("loadmodule"))
            .fold(Settings::new(), Settings::with)
    }

    /// Adds a line to redis.conf.
    pub fn with(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// Adds the `loadmodule` line.
    pub fn module(self) -> Self {
        let load = format!("loadmodule \"{}\"", module_path().display());
        self.with(&load)
    }

    /// Enables cluster mode.
    pub fn cluster_node(self) -> Self {
        self.with("cluster-enabled yes").with(&format!("cluster-port {}", free_port()))
    }

    /// Starts the server, and waits until it has loaded its data.
    pub fn start(self) -> Server {
        let conf = self.directory.path().join("redis.conf");
        fs::write(&conf, self.lines.join("\n")).expect("redis.conf is written");
        let port = free_port();
        let process = spawn(&self.program, self.directory.path(), port);
        let mut server = Server { program: self.program, process, port, directory: self.directory };
        server.wait_until_ready();
        server
    }
}

fn spawn(program: &OsStr, directory: &Path, port: u16) -> Child {
    let mut command = Command::new(program);
    command
        .arg("redis.conf")
        .args(["--port", &port.to_string()])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    #[cfg(target_os = "linux")]
    die_with_parent(&mut command);
    command
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {program:?} (see REDIS_SERVER): {error}"))
}

/// Has the kernel kill the process when the thread that starts it ends, so that a server does not
/// survive a test program that is killed.
#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    // SAFETY: between fork and exec, the closure only makes a system call.
    unsafe {
        command.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        });
    }
}

/// Returns whether the server on this port answers and has loaded its data.
pub fn is_ready(port: u16) -> bool {
    Client::connect(port, "resp2")
        .is_ok_and(|mut client| client.call("PING").as_deref() == Ok("PONG"))
}

/// Polls until `happened` returns true. `what` says what the test waits for, for the panic message.
pub fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + *PATIENCE;
    while !happened() {
        assert!(Instant::now() < deadline, "timed out after {:?}, waiting until {what}", *PATIENCE);
        sleep(Duration::from_millis(10));
    }
}

/// Returns the path of the module to test: `JSONMERGE_MODULE`, or what cargo built with this program.
pub fn module_path() -> PathBuf {
    if let Some(path) = path_in("JSONMERGE_MODULE") {
        return path;
    }
    let program = env::current_exe().expect("the program has a path");
    let name = format!("{}jsonmerge{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    let mut candidates =
        program.ancestors().skip(1).map(|directory| directory.join("deps").join(&name));
    candidates
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is not in a directory above {program:?}"))
}

/// Returns the absolute path of the file that an environment variable names, if it is set.
pub fn path_in(variable: &str) -> Option<PathBuf> {
    let path = env::var_os(variable)?;
    Some(fs::canonicalize(&path).unwrap_or_else(|error| panic!("{variable}={path:?}: {error}")))
}

/// Returns a free port below the range of ephemeral ports. Within that range, a client that connects to
/// a server that is down could get the server's port as its own, and connect to itself.
fn free_port() -> u16 {
    let mut ports = std::iter::repeat_with(|| fastrand::u16(10_000..32_000)).take(1000);
    let free = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.expect("a port is free")
}
