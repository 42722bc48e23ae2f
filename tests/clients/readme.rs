//! The sessions in examples/README.md, typed from top to bottom in one shell.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Receiver;

use super::{copies, lines, url};
use crate::support::server::{PATIENCE, Server};
use crate::support::session::blocks;

#[test]
#[ignore = "make test-clients"]
fn sessions_agree_with_the_examples() {
    let sessions = blocks(include_str!("../../examples/README.md"), "console");
    let commands: Vec<&str> =
        sessions.iter().flat_map(|session| session.split("$ ").skip(1)).collect();
    assert_eq!(commands.len(), 11);
    let server = Server::start();
    let mut shell = Shell::start(&server);
    for command in commands {
        let (typed, shown) = command.split_once('\n').expect("a line");
        shell.type_in(typed);
        for line in shown.lines() {
            match line {
                "^C" => assert!(shell.signal("INT"), "{typed}"),
                _ => assert_eq!(shell.read(), line, "{typed}"),
            }
        }
        assert_eq!(shell.read(), "status 0", "{typed}");
    }
}

/// A shell with a process group of its own. Dropping it kills the group.
struct Shell {
    process: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Shell {
    fn start(server: &Server) -> Self {
        let mut process = Command::new("sh")
            .current_dir(copies())
            .env("REDIS_URL", url(server))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh is on the PATH");
        let input = process.stdin.take().expect("a pipe");
        let lines = lines(&mut process);
        let mut shell = Shell { process, input, lines };
        // As in a terminal, show errors too, and let Ctrl-C end the command but not the shell.
        writeln!(shell.input, "exec 2>&1; trap : INT").expect("the shell reads");
        shell
    }

    /// Types a command. After its output, the shell prints its exit status.
    fn type_in(&mut self, command: &str) {
        writeln!(self.input, "{command}\necho \"status $?\"").expect("the shell reads");
    }

    fn read(&self) -> String {
        let line = self.lines.recv_timeout(*PATIENCE).expect("a line");
        line.trim_end_matches('\n').to_owned()
    }

    /// Sends a signal to the shell and to the command that it runs, as Ctrl-C does. Returns whether it could.
    fn signal(&self, name: &str) -> bool {
        let group = format!("-{}", self.process.id());
        let kill = Command::new("kill").args(["-s", name, "--", &group]).status();
        kill.is_ok_and(|status| status.success())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.signal("KILL");
        let _ = self.process.wait();
    }
}
