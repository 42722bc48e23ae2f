//! Commands of ours whose bytes were damaged on the way: as RESP they mean anything or nothing.

use std::io::{self, Write as _};
use std::net::Shutdown;
use std::time::Instant;

use fastrand::Rng;
use redis::Value;

use crate::support::client::tcp;
use crate::support::server::Server;

#[test]
fn garbage_on_the_wire_leaves_the_server_up_and_values_whole() {
    let server = Server::start();
    let mut random = Rng::new();
    let mut connections = 0;
    let end = Instant::now() + super::span();
    while Instant::now() < end {
        let mut bytes = Vec::new();
        for _ in 0..random.usize(1..8) {
            bytes.extend(any_command(&mut random));
        }
        damage(&mut random, &mut bytes);
        let mut stream = tcp(server.port);
        // The server may close the connection at any byte that it does not like.
        _ = stream.write_all(&bytes);
        _ = stream.shutdown(Shutdown::Write);
        _ = io::copy(&mut stream, &mut io::sink());
        connections += 1;
    }
    let [commands, errors] =
        ["total_commands_processed", "total_error_replies"].map(|field| server.info(field));
    println!(
        "garbage: {connections} connections, {commands} commands that were some, {errors} errors"
    );
    assert!(connections > 100 && commands > connections && errors > connections / 10);
    let mut client = server.client();
    while let Value::BulkString(key) = client.value_of(&[b"RANDOMKEY"]).expect("RANDOMKEY") {
        client
            .call_with(&[b"JSONMERGE.TAKE", &key])
            .expect("an array, as every value that we write");
    }
}

fn any_command(random: &mut Rng) -> Vec<u8> {
    let key = format!("k{}", random.u32(..5));
    let array = random.choice(["[1]", "[]", "[1,[2,{\"a\":null}],\"\\u00e9\"]", "[1", "{}", ""]);
    let options = random.choice(["", "REPLY LEN", "TRUST REPLY SIZE", "EX 100", "PX 1 PERSIST"]);
    let mut command = redis::cmd("JSONMERGE.APPEND");
    match random.u32(..4) {
        0 => _ = command.arg(random.usize(..10)),
        1 => return redis::cmd("JSONMERGE.TAKE").arg(key).get_packed_command(),
        _ => {
            command.arg(key).arg(array);
            let options = options.unwrap_or_default().split_terminator(' ');
            command.arg(options.collect::<Vec<_>>());
        }
    }
    command.get_packed_command()
}

/// Changes, puts in or takes out some bytes, mostly those that RESP gives a meaning to.
fn damage(random: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..random.usize(..6) {
        let at = random.usize(..bytes.len().max(1));
        let telling = random.choice(b"*$\r\n0123456789-[]\0\xff".to_vec()).unwrap_or_default();
        match random.u32(..6) {
            0 => bytes.insert(at, telling),
            1 => bytes.truncate(at),
            2 => bytes.extend_from_within(at..),
            3 => {
                let noise: Vec<u8> = (0..random.usize(..100)).map(|_| random.u8(..)).collect();
                bytes.splice(at..at, noise);
            }
            _ if at < bytes.len() => bytes[at] = telling,
            _ => {}
        }
    }
}
