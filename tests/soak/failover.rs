//! Again and again, a master is killed or becomes a replica, and its replica takes over. No event that WAIT
//! confirmed is lost.

use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use fastrand::Rng;

use crate::support::client::Client;
use crate::support::ledger::Ledger;
use crate::support::random::Seed;
use crate::support::server::Server;

const PRODUCERS: usize = 4;
const CONSUMERS: usize = 2;

/// What the threads share.
struct Scene {
    /// The port of the current master.
    master: AtomicU16,
    events: Ledger,
    /// How many consumers were waiting when their server became a replica.
    unblocked: AtomicU64,
    is_over: AtomicBool,
}

#[test]
fn confirmed_events_survive_failovers() {
    let seed = Seed::print("failover");
    let mut random = seed.rng(0);
    let [mut master, mut replica] = [Server::start(), Server::start()];
    replica.follow(&master);
    let scene = Scene {
        master: AtomicU16::new(master.port),
        events: Ledger::new("events", 500),
        unblocked: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
    };
    let mut failovers = 0;
    thread::scope(|scope| {
        let _guard = super::SetOnDrop(&scene.is_over);
        let scene = &scene;
        for thread in 1..=PRODUCERS {
            scope.spawn(move || scene.act(seed.rng(thread), produce));
        }
        for thread in 1..=CONSUMERS {
            scope.spawn(move || scene.act(seed.rng(PRODUCERS + thread), consume));
        }
        let end = Instant::now() + super::duration();
        while Instant::now() < end {
            super::sleep(&mut random, 200..800);
            let is_killed = random.bool();
            if is_killed {
                master.kill();
            }
            replica.client().ok("REPLICAOF NO ONE");
            scene.master.store(replica.port, Relaxed);
            if is_killed {
                master.revive();
            }
            master.follow(&replica);
            std::mem::swap(&mut master, &mut replica);
            failovers += 1;
        }
    });

    let mut client = master.client();
    scene.events.note_remaining(|key| client.ok(&format!("GET {key}")));
    let balance = scene.events.balance();
    let unblocked = scene.unblocked.into_inner();
    println!("failover: {failovers} failovers, {unblocked} UNBLOCKED; {balance}");
    balance.assert_balanced(100);
}

impl Scene {
    fn act(&self, random: Rng, step: fn(&Scene, &mut Client, &mut Rng) -> Result<(), String>) {
        let port = || self.master.load(Relaxed);
        super::repeat(&self.is_over, port, random, |client, random| step(self, client, random));
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
    let count = random.choice([1, 3, 1000]).unwrap_or(1);
    let options = random.choice(["", " TRUST", " BLOCK 20"]).unwrap_or_default();
    let name = scene.events.key(key);
    let began = scene.events.now();
    let array = match client.call(&format!("JSONMERGE.TAKE {name} COUNT {count}{options}")) {
        Ok(array) => array,
        Err(error) => {
            scene.events.note_error(key, began, count, &error);
            scene.unblocked.fetch_add(u64::from(error.starts_with("UNBLOCKED")), Relaxed);
            return Err(error);
        }
    };
    if array != "(nil)" {
        let confirmed = is_confirmed(client);
        match confirmed {
            Ok(true) => scene.events.note_reply(began, &array),
            _ => scene.events.note_unconfirmed(began, &array),
        }
        confirmed?;
    }
    Ok(())
}
