//! The commands that a server sends to its replicas and writes to its AOF.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use redis::{Parser, Value};

use super::client::{Client, tcp, text};
use super::server::Server;

/// A connection that receives the replication stream, as a replica does.
pub struct ReplicationStream {
    stream: BufReader<TcpStream>,
    parser: Parser,
    marks: u32,
}

impl ReplicationStream {
    /// Connects, and reads the snapshot that precedes the stream.
    pub fn attach(server: &Server) -> Self {
        server.client().ok("CONFIG SET repl-diskless-sync no");
        let mut stream = BufReader::new(tcp(server.port));
        stream.get_mut().write_all(b"SYNC\r\n").expect("the server reads");
        let mut line = String::new();
        while !line.starts_with('$') {
            line.clear();
            stream.read_line(&mut line).expect("the size of the snapshot follows");
        }
        let size: u64 = line.trim_start_matches('$').trim().parse().expect("the size is a number");
        let snapshot = std::io::copy(&mut stream.by_ref().take(size), &mut std::io::sink());
        assert_eq!(snapshot.expect("the snapshot follows"), size);
        ReplicationStream { stream, parser: Parser::new(), marks: 0 }
    }

    /// Returns the commands since the last call, except SELECT, PING and REPLCONF.
    pub fn commands(&mut self, client: &mut Client) -> Vec<String> {
        self.marks += 1;
        let mark = format!("PUBLISH mark {}", self.marks);
        client.ok(&mark);
        let mut commands = Vec::new();
        loop {
            let command = self.next();
            match command.split(' ').next() {
                _ if command == mark => return commands,
                Some("SELECT" | "PING" | "ping" | "REPLCONF") => {}
                _ => commands.push(command),
            }
        }
    }

    fn next(&mut self) -> String {
        command(&self.parser.parse_value(&mut self.stream).expect("the stream contains a command"))
    }
}

/// Returns the commands in the incremental files of a server's AOF, except SELECT.
pub fn aof(server: &Server) -> Vec<String> {
    let directory = server.directory().join("appendonlydir");
    let files = fs::read_dir(directory)
        .expect("the server has an AOF")
        .map(|file| file.expect("the file is listed").path());
    let incremental = files.filter(|file| file.to_string_lossy().ends_with(".incr.aof"));
    let bytes: Vec<u8> =
        incremental.flat_map(|file| fs::read(file).expect("the AOF is readable")).collect();
    let (mut rest, mut commands) = (bytes.as_slice(), Vec::new());
    let mut parser = Parser::new();
    while let Ok(value) = parser.parse_value(&mut rest) {
        commands.push(command(&value));
    }
    commands.retain(|command| !command.starts_with("SELECT"));
    commands
}

fn command(value: &Value) -> String {
    text(value).trim_start_matches('(').trim_end_matches(')').to_owned()
}
