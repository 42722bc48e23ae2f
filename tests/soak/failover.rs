//! A master is killed and its replica takes over, again and again: no event that WAIT confirmed is lost.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use fastrand::Rng;

use crate::support::client::Client;
use crate::support::ledger::Ledger;
use crate::support::random::Seed;
use crate::support::server::Server;

const PRODUCERS: usize = 4;

/// What the threads share.
struct Scene {
    /// The port of the current master.
    master: AtomicU16,
    events: Ledger,
    is_over: AtomicBool,
}

#[test]
fn events_that_wait_confirmed_survive_failovers() {
    let seed = Seed::print("failover");
    let mut random = seed.rng(0);
    let [mut master, mut replica] = [Server::start(), Server::start()];
    replica.follow(&master);
    let scene = Scene {
        master: AtomicU16::new(master.port),
        events: Ledger::new("events", 500),
        is_over: AtomicBool::new(false),
    };
    let mut failovers = 0;
    thread::scope(|scope| {
        let _guard = super::SetOnDrop(&scene.is_over);
        let scene = &scene;
        for thread in 1..=PRODUCERS {
            scope.spawn(move || scene.act(seed.rng(thread), produce));
        }
        scope.spawn(|| scene.act(seed.rng(PRODUCERS + 1), consume));
        let end = Instant::now() + super::duration();
        while Instant::now() < end {
            super::sleep(&mut random, 200..800);
            master.kill();
            replica.client().ok("REPLICAOF NO ONE");
            scene.master.store(replica.port, Relaxed);
            master.revive();
            master.follow(&replica);
            std::mem::swap(&mut master, &mut replica);
            failovers += 1;
        }
    });

    let mut client = master.client();
    scene.events.note_remaining(|key| client.ok(&format!("GET {key}")));
    let balance = scene.events.balance();
    println!("failover: {failovers} failovers; {balance}");
    balance.assert_balanced(300);
}

impl Scene {
    fn act(&self, random: Rng, step: fn(&Scene, &mut Client, &mut Rng) -> Result<(), String>) {
        let port = || self.master.load(Relaxed);
        super::repeat(&self.is_over, port, random, |client, random| {
            step(self, client, random).map_err(|error| match error.split(' ').next() {
                // The old master has become a replica.
                Some("READONLY" | "UNBLOCKED") => format!("no reply from a master: {error}"),
                _ => error,
            })
        });
    }
}

/// Returns whether a replica has received all writes of this connection.
fn is_confirmed(client: &mut Client) -> Result<bool, String> {
    client.call("WAIT 1 100").map(|replicas| replicas == "(integer) 1")
}

fn produce(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let sent = scene.events.send(random);
    client.call(&format!("JSONMERGE.APPEND {} {} REPLY LEN", sent.key, sent.array))?;
    if is_confirmed(client)? {
        scene.events.acknowledge(&sent);
    }
    Ok(())
}

fn consume(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let key = scene.events.any_key(random);
    let began = scene.events.now();
    let reply = client.call(&format!("JSONMERGE.TAKE {}", scene.events.key(key)));
    let array = reply.inspect_err(|_| scene.events.note_lost_reply(key, began))?;
    if array != "(nil)" {
        match is_confirmed(client) {
            Ok(true) => scene.events.note_taken(&array),
            Ok(false) => scene.events.note_unconfirmed(&array),
            Err(error) => {
                scene.events.note_unconfirmed(&array);
                return Err(error);
            }
        }
    }
    Ok(())
}
