//! What a server sends to its replicas and writes to its AOF: the commands, literally.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use redis::{Parser, Value};

use super::client::{Client, tcp, text};
use super::server::Server;

/// A connection that the server takes for a replica.
pub struct ReplicationStream {
    stream: BufReader<TcpStream>,
    parser: Parser,
    marks: u32,
}

impl ReplicationStream {
    /// Attaches to the server's replication stream, behind the snapshot that SYNC begins with.
    pub fn attach(server: &Server) -> Self {
        server.client().ok("CONFIG SET repl-diskless-sync no");
        let mut stream = BufReader::new(tcp(server.port));
        stream.get_mut().write_all(b"SYNC\r\n").expect("a server that listens");
        let mut line = String::new();
        while !line.starts_with('$') {
            line.clear();
            stream.read_line(&mut line).expect("a snapshot");
        }
        let size: u64 = line.trim_start_matches('$').trim().parse().expect("its size");
        let snapshot = std::io::copy(&mut stream.by_ref().take(size), &mut std::io::sink());
        assert_eq!(snapshot.expect("a snapshot"), size);
        ReplicationStream { stream, parser: Parser::new(), marks: 0 }
    }

    /// The commands since the last time, without SELECT and PING.
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
        command(&self.parser.parse_value(&mut self.stream).expect("a command in the stream"))
    }
}

/// The commands in a server's AOF behind its base file, without SELECT.
pub fn aof(server: &Server) -> Vec<String> {
    let directory = server.directory().join("appendonlydir");
    let files = fs::read_dir(directory).expect("an AOF").map(|file| file.expect("a file").path());
    let incremental = files.filter(|file| file.to_string_lossy().ends_with(".incr.aof"));
    let bytes: Vec<u8> =
        incremental.flat_map(|file| fs::read(file).expect("an AOF file")).collect();
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
