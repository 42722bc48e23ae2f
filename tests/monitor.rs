//! MONITOR and INFO show operators only the commands themselves, without nested calls.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use crate::support::client::{Client, tcp};
use crate::support::server::Server;

/// Calls on stored values of every encoding, including both kinds of failure.
const COMMANDS: &[&str] = &[
    "JSONMERGE.APPEND k [1]",
    "JSONMERGE.APPEND k [2] REPLY LEN",
    "JSONMERGE.APPEND k [] EX 100",
    "JSONMERGE.APPEND k [3] TRUST PERSIST",
    "JSONMERGE.APPEND k [4] PXAT 1",
    "JSONMERGE.APPEND short [1]",
    "JSONMERGE.APPEND number [1]",
    "JSONMERGE.APPEND long []",
    "JSONMERGE.TAKE short",
    "JSONMERGE.TAKE number",
    "JSONMERGE.TAKE long",
    "JSONMERGE.TAKE missing",
    "JSONMERGE.APPEND k {}",
];

fn server_with_values() -> Server {
    let server = Server::start();
    let long = format!("[\"{}\"]", "x".repeat(1000));
    server.client().ok(&format!("MSET short [0] number 12 long {long}"));
    server
}

fn call_all(client: &mut Client) {
    for command in COMMANDS {
        _ = client.call(command);
    }
}

/// Returns the commands that MONITOR shows before `mark`, as words separated by spaces.
fn monitored(monitor: &mut BufReader<TcpStream>, mark: &str) -> Vec<String> {
    let mut commands = Vec::new();
    loop {
        let mut line = String::new();
        monitor.read_line(&mut line).expect("the server sends what it runs");
        let Some((_, command)) = line.trim_end().split_once("] ") else { continue };
        let command = command.trim_matches('"').replace("\" \"", " ");
        if command == mark {
            return commands;
        }
        commands.push(command);
    }
}

#[test]
fn monitor_shows_the_commands_alone() {
    let server = server_with_values();
    let mut client = server.client();
    let mut monitor = BufReader::new(tcp(server.port));
    monitor.get_mut().write_all(b"MONITOR\r\n").expect("the server reads");
    let mut reply = String::new();
    monitor.read_line(&mut reply).expect("the server replies");
    assert_eq!(reply, "+OK\r\n");
    call_all(&mut client);
    client.ok("ECHO mark");
    assert_eq!(monitored(&mut monitor, "ECHO mark"), COMMANDS);
}

#[test]
fn commandstats_shows_the_commands_alone() {
    let server = server_with_values();
    let mut client = server.client();
    client.ok("CONFIG RESETSTAT");
    call_all(&mut client);
    let stats = client.ok("INFO commandstats");
    let mut calls: Vec<&str> =
        stats.lines().filter_map(|line| line.strip_prefix("cmdstat_")?.split(',').next()).collect();
    calls.retain(|call| !call.starts_with("config|resetstat:"));
    calls.sort_unstable();
    let [appends, takes] = ["APPEND", "TAKE"].map(|name| {
        let name = format!("JSONMERGE.{name} ");
        COMMANDS.iter().filter(|command| command.starts_with(&name)).count()
    });
    let expected =
        [format!("jsonmerge.append:calls={appends}"), format!("jsonmerge.take:calls={takes}")];
    assert_eq!(calls, expected);
}

/// Core's APPEND and SETRANGE look up keys for writing, which counts as neither a hit nor a miss.
#[test]
fn commands_count_as_neither_keyspace_hits_nor_misses() {
    let server = server_with_values();
    let mut client = server.client();
    client.ok("CONFIG RESETSTAT");
    for command in ["APPEND core x", "APPEND core x", "SETRANGE core 0 y"] {
        client.ok(command);
    }
    call_all(&mut client);
    assert_eq!([client.info("keyspace_hits"), client.info("keyspace_misses")], [0, 0]);
}

#[test]
fn slowlog_shows_the_commands_alone() {
    let server = server_with_values();
    let mut client = server.client();
    client.expect(&[("CONFIG SET slowlog-log-slower-than 0", "OK"), ("SLOWLOG RESET", "OK")]);
    call_all(&mut client);
    client.ok("CONFIG SET slowlog-log-slower-than -1");
    let log = client.ok("SLOWLOG GET -1");
    for command in ["GET", "SET", "SETRANGE", "UNLINK", "PEXPIREAT", "PERSIST"] {
        assert!(!log.contains(&format!(" ({command} ")), "{command}: {log}");
    }
    assert_eq!(log.matches("(JSONMERGE.").count(), COMMANDS.len(), "{log}");
}
