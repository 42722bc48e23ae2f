//! Appends and takes leak no memory: 50,000 rounds, or a million if `SOAK_SECONDS` is set.

use fastrand::Rng;

use crate::support::client::Client;
use crate::support::random::Seed;
use crate::support::server::Server;

/// The number of rounds in a pipeline.
const PIPELINE: usize = 500;

#[test]
fn append_and_take_leak_no_memory() {
    let server = Server::start();
    let mut client = server.client();
    let rounds = if super::soak_seconds().is_some() { 1_000_000 } else { 50_000 };
    let mut random = Seed::print("memory").rng(0);
    // Warm-up: the server allocates some memory only once.
    run(&mut client, &mut random, PIPELINE * 10);
    let before = server.info("used_memory");
    run(&mut client, &mut random, rounds);
    let grown = server.info("used_memory").saturating_sub(before);
    println!(
        "memory: used_memory grew by {grown} bytes in {rounds} rounds of two appends and a take"
    );
    assert!(grown < 300_000, "used_memory grew by {grown} bytes");
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
        let taken: Vec<String> = pipeline.query(&mut client.0).expect("no command fails");
        assert!(taken == expected);
    }
    assert_eq!(client.ok("DBSIZE"), "(integer) 0");
}
