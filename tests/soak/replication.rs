//! Replicas without the module, one of them a replica of the other, whose links break under load: they
//! end with the same bytes.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::support::client::Client;
use crate::support::server::{Server, Settings, wait_until};

const KEYS: usize = 200;

#[test]
fn plain_replicas_end_with_the_same_bytes() {
    let master = Settings::new().module().with("repl-backlog-size 1mb").start();
    // The first only loses its link: what it has it got as a stream.
    let [replica, restarted, chained] = [Server::plain(), Server::plain(), Server::plain()];
    let mut client = master.client();
    fill(&mut client);
    replica.follow(&master);
    restarted.follow(&master);
    chained.follow(&replica);

    let is_over = AtomicBool::new(false);
    let appends = thread::scope(|scope| {
        let writers = [(); 3].map(|()| {
            scope.spawn(|| {
                let mut appends = 0;
                super::repeat(
                    &is_over,
                    || master.port,
                    |client, random| {
                        appends += 1;
                        write(client, random)
                    },
                );
                appends
            })
        });
        let end = Instant::now() + super::span();
        while Instant::now() < end {
            thread::sleep(Duration::from_millis(fastrand::u64(50..300)));
            match fastrand::u32(..4) {
                // The link breaks, and the replica asks for what it missed.
                0 => _ = master.client().ok("CLIENT KILL TYPE replica"),
                1 => _ = replica.client().ok("CLIENT KILL TYPE replica"),
                // It has been something else meanwhile, and gets all again.
                2 => start_over(&restarted, &master),
                _ => start_over(&chained, &replica),
            }
        }
        is_over.store(true, Relaxed);
        writers.map(|writer| writer.join().expect("a writer")).iter().sum::<u64>()
    });

    client.ok("DEBUG SET-ACTIVE-EXPIRE 0");
    let digest = client.ok("DEBUG DIGEST");
    for server in [&replica, &restarted, &chained] {
        wait_until("the replica has the master's bytes", || {
            server.client().ok("DEBUG DIGEST") == digest
        });
    }
    let [full, partial] = ["sync_full", "sync_partial_ok"]
        .map(|field| [&master, &replica].map(|server| server.info(field)).iter().sum::<u64>());
    println!("replication: {appends} commands, {full} full and {partial} partial resyncs");
    assert!(appends > 1000 && full > 2 && partial > 0);
}

/// Enough that a full resync takes a while.
fn fill(client: &mut Client) {
    let array = format!("[\"{}\"]", "x".repeat(20_000));
    for key in 0..KEYS {
        client.ok(&format!("SET k{key} {array}"));
    }
}

fn write(client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let key = random.usize(..KEYS);
    let number = random.u64(..);
    let command = match random.u32(..10) {
        0 => format!("JSONMERGE.TAKE k{key}"),
        1 => format!("JSONMERGE.APPEND k{key} [{number}] PX {}", random.u32(1..300)),
        2 => format!("JSONMERGE.APPEND k{key} [] PERSIST REPLY SIZE"),
        3 => format!("JSONMERGE.APPEND k{key} [{number},[]] TRUST REPLY SIZE EX 1000"),
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
