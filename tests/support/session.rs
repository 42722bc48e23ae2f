//! Runs the redis-cli sessions that the documents show, and compares the output.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::programs;
use super::server::Server;

/// Returns the code blocks of a Markdown document in this language.
pub fn blocks<'d>(document: &'d str, language: &str) -> Vec<&'d str> {
    let open = format!("```{language}\n");
    let blocks = document.split(open.as_str()).skip(1);
    blocks.map(|block| block.split_once("```").expect("the code block ends").0).collect()
}

/// Runs a session on a server of its own, and asserts that redis-cli prints what the session shows.
#[track_caller]
pub fn replay(session: &str) {
    type_in(&Server::start(), session);
}

/// Like [`replay`], but on a given server. Returns the number of commands.
#[track_caller]
pub fn type_in(server: &Server, session: &str) -> usize {
    let typed: Vec<&str> = session.lines().filter_map(command).collect();
    let shown: Vec<&str> = session.lines().filter(|line| command(line).is_none()).collect();
    let printed = redis_cli(server, &typed.join("\n"));
    let printed: Vec<&str> = printed.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(printed, shown);
    typed.len()
}

/// Returns the command after the prompt of redis-cli, or `None` if the line is output.
fn command(line: &str) -> Option<&str> {
    let typed = |prompt: &str| line.strip_prefix(prompt);
    typed("127.0.0.1:6379> ").or_else(|| typed("127.0.0.1:6379(TX)> "))
}

fn redis_cli(server: &Server, typed: &str) -> String {
    let mut cli = Command::new(programs::find("cli"))
        .args(["--no-raw", "-p", &server.port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-cli or valkey-cli is on the PATH");
    writeln!(cli.stdin.take().expect("stdin is a pipe"), "{typed}").expect("redis-cli reads");
    let output = cli.wait_with_output().expect("redis-cli exits");
    String::from_utf8(output.stdout).expect("the output is UTF-8").replace('\r', "")
}
