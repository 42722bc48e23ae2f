//! Sessions with redis-cli as documents show them, typed in once more.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::server::Server;

const PROMPT: &str = "127.0.0.1:6379> ";

/// The blocks of code in a language.
pub fn blocks<'d>(document: &'d str, language: &str) -> Vec<&'d str> {
    let open = format!("```{language}\n");
    let blocks = document.split(open.as_str()).skip(1);
    blocks.map(|block| block.split_once("```").expect("the end of the block").0).collect()
}

/// Types in what a session shows, and compares what redis-cli prints, on a server of its own.
#[track_caller]
pub fn replay(session: &str) {
    let server = Server::start();
    for step in session.split(PROMPT).skip(1) {
        let (command, shown) = step.split_once('\n').expect("a reply");
        assert_eq!(type_in(&server, command), shown.trim_end(), "{command}");
    }
}

/// What redis-cli prints for a line that is typed into it.
fn type_in(server: &Server, line: &str) -> String {
    let mut cli = Command::new("redis-cli")
        .args(["--no-raw", "-p", &server.port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-cli on the PATH");
    writeln!(cli.stdin.take().expect("a pipe"), "{line}").expect("a redis-cli that reads");
    let output = cli.wait_with_output().expect("a redis-cli that ends");
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}
