//! Replicas without the module lose their connections under load, and still end up with the master's data.
//! One of them is a replica of another replica.

use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use fastrand::Rng;

use crate::support::client::Client;
use crate::support::random::Seed;
use crate::support::server::{Server, Settings, wait_until};

const KEYS: usize = 200;

#[test]
fn plain_replicas_end_up_with_the_data_of_the_master() {
    let seed = Seed::print("replication");
    let mut random = seed.rng(0);
    let master = Settings::new().module().with("repl-backlog-size 1mb").start();
    // The first replica only loses its connection, so it gets its data from the replication stream.
    let [replica, restarted, chained] = [Server::plain(), Server::plain(), Server::plain()];
    let mut client = master.client();
    fill(&mut client);
    replica.follow(&master);
    restarted.follow(&master);
    chained.follow(&replica);

    let is_over = AtomicBool::new(false);
    let appends = thread::scope(|scope| {
        let guard = super::SetOnDrop(&is_over);
        let (is_over, master) = (&is_over, &master);
        let writers = [1, 2, 3].map(|thread| {
            scope.spawn(move || {
                let mut appends = 0;
                super::repeat(
                    is_over,
                    || master.port,
                    seed.rng(thread),
                    |client, random| {
                        appends += 1;
                        write(client, random)
                    },
                );
                appends
            })
        });
        let end = Instant::now() + super::duration();
        while Instant::now() < end {
            super::sleep(&mut random, 50..300);
            match random.u32(..4) {
                // The replica reconnects and gets the part of the stream that it missed.
                0 => _ = master.client().ok("CLIENT KILL TYPE replica"),
                1 => _ = replica.client().ok("CLIENT KILL TYPE replica"),
                // The replica becomes a master for a moment, so it then gets all data again.
                2 => start_over(&restarted, master),
                _ => start_over(&chained, &replica),
            }
        }
        drop(guard);
        writers.map(|writer| writer.join().expect("no thread panicked")).iter().sum::<u64>()
    });

    client.ok("DEBUG SET-ACTIVE-EXPIRE 0");
    let digest = client.ok("DEBUG DIGEST");
    for server in [&replica, &restarted, &chained] {
        wait_until("the replica has the data of the master", || {
            server.client().ok("DEBUG DIGEST") == digest
        });
    }
    let [full, partial] = ["sync_full", "sync_partial_ok"]
        .map(|field| [&master, &replica].map(|server| server.info(field)).iter().sum::<u64>());
    println!("replication: {appends} commands, {full} full and {partial} partial resyncs");
    assert!(appends > 1000 && full > 2 && partial > 0, "too little to test");
}

/// Writes so much data that a full resync takes some time.
fn fill(client: &mut Client) {
    let array = array_of(200);
    for key in 0..KEYS {
        client.ok(&format!("SET k{key} {array}"));
    }
}

/// Returns an array of long strings.
fn array_of(len: usize) -> String {
    let element = format!("\"{}\"", "x".repeat(100));
    format!("[{}]", vec![element; len].join(","))
}

fn write(client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let key = random.usize(..KEYS);
    let number = random.u64(..);
    let command = match random.u32(..50) {
        0 => format!("JSONMERGE.TAKE k{key}"),
        1..8 => format!("JSONMERGE.TAKE k{key} COUNT {}", random.u32(1..30)),
        8..15 => format!("JSONMERGE.TAKE k{key} COUNT {} TRUST BLOCK 1", random.u32(1..30)),
        15..20 => format!("JSONMERGE.APPEND k{key} {} REPLY SIZE", array_of(30)),
        20 => format!("JSONMERGE.APPEND k{key} [{number}] PX {}", random.u32(1..300)),
        21..26 => format!("JSONMERGE.APPEND k{key} [] PERSIST REPLY SIZE"),
        26..31 => format!("JSONMERGE.APPEND k{key} [{number},[]] TRUST REPLY SIZE EX 1000"),
        _ => format!("JSONMERGE.APPEND k{key} [{number},{{}}] REPLY LEN"),
    };
    client.call(&command).map(|_| ())
}

fn start_over(replica: &Server, master: &Server) {
    let mut client = replica.client();
    client.ok("REPLICAOF NO ONE");
    client.ok("FLUSHALL");
    client.ok(&format!("REPLICAOF 127.0.0.1 {}", master.port));
}
