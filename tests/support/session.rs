//! Sessions with redis-cli as documents show them, typed in once more.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::server::Server;

/// The blocks of code in a language.
pub fn blocks<'d>(document: &'d str, language: &str) -> Vec<&'d str> {
    let open = format!("```{language}\n");
    let blocks = document.split(open.as_str()).skip(1);
    blocks.map(|block| block.split_once("```").expect("the end of the block").0).collect()
}

/// Types in what a session shows, and compares what redis-cli prints, on a server of its own.
#[track_caller]
pub fn replay(session: &str) {
    type_in(&Server::start(), session);
}

/// The same on a server that is there. Returns the number of lines that were typed.
#[track_caller]
pub fn type_in(server: &Server, session: &str) -> usize {
    let typed: Vec<&str> = session.lines().filter_map(command).collect();
    let shown: Vec<&str> = session.lines().filter(|line| command(line).is_none()).collect();
    let printed = redis_cli(server, &typed.join("\n"));
    let printed: Vec<&str> = printed.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(printed, shown);
    typed.len()
}

/// What stands behind a prompt of redis-cli.
fn command(line: &str) -> Option<&str> {
    let typed = |prompt: &str| line.strip_prefix(prompt);
    typed("127.0.0.1:6379> ").or_else(|| typed("127.0.0.1:6379(TX)> "))
}

fn redis_cli(server: &Server, typed: &str) -> String {
    let mut cli = Command::new("redis-cli")
        .args(["--no-raw", "-p", &server.port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-cli on the PATH");
    writeln!(cli.stdin.take().expect("a pipe"), "{typed}").expect("a redis-cli that reads");
    let output = cli.wait_with_output().expect("a redis-cli that ends");
    String::from_utf8(output.stdout).expect("text").replace('\r', "")
}
