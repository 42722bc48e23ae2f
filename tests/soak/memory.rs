//! Rounds of appends and takes, a million of them in `make soak`: the memory goes back to what it was.

use fastrand::Rng;

use crate::support::client::Client;
use crate::support::server::Server;

/// Rounds sent at once.
const PIPELINE: usize = 500;

#[test]
fn rounds_of_append_and_take_leave_no_memory_behind() {
    let server = Server::start();
    let mut client = server.client();
    let rounds = if super::soak_seconds().is_some() { 1_000_000 } else { 50_000 };
    let mut random = Rng::new();
    // Whatever the server allocates once, and the slots of the memo, which were there from the start.
    run(&mut client, &mut random, PIPELINE * 10);
    let before = server.info("used_memory");
    run(&mut client, &mut random, rounds);
    let grown = server.info("used_memory").saturating_sub(before);
    println!("memory: {grown} bytes more after {rounds} rounds of append, append and take");
    assert!(grown < 300_000, "{grown} bytes in {rounds} rounds");
}

fn run(client: &mut Client, random: &mut Rng, rounds: usize) {
    for _ in 0..rounds / PIPELINE {
        let mut pipeline = redis::pipe();
        let mut expected = Vec::new();
        for _ in 0..PIPELINE {
            let key = random.u32(..1000);
            let element = format!("\"{}\"", "x".repeat(random.usize(..400)));
            let array = format!("[{element}]");
            for options in [&["REPLY", "LEN"][..], &["TRUST", "REPLY", "SIZE", "EX", "1000"]] {
                pipeline.cmd("JSONMERGE.APPEND").arg(key).arg(&array).arg(options).ignore();
            }
            pipeline.cmd("JSONMERGE.TAKE").arg(key);
            expected.push(format!("[{element},{element}]"));
        }
        let taken: Vec<String> = pipeline.query(&mut client.0).expect("replies");
        assert!(taken == expected);
    }
    assert_eq!(client.ok("DBSIZE"), "(integer) 0");
}
