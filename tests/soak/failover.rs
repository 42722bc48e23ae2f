//! A master dies and its replica takes over, again and again: what WAIT confirmed is not lost.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::support::client::Client;
use crate::support::ledger::Ledger;
use crate::support::server::Server;

/// What the threads share.
struct Scene {
    /// The port of the master of the moment.
    master: AtomicU16,
    events: Ledger,
    is_over: AtomicBool,
}

#[test]
fn what_wait_confirmed_survives_a_failover() {
    let [mut master, mut replica] = [Server::start(), Server::start()];
    replica.follow(&master);
    let scene = Scene {
        master: AtomicU16::new(master.port),
        events: Ledger::new("events", 500),
        is_over: AtomicBool::new(false),
    };
    let mut failovers = 0;
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| scene.act(produce));
        }
        scope.spawn(|| scene.act(consume));
        let end = Instant::now() + super::span();
        while Instant::now() < end {
            thread::sleep(Duration::from_millis(fastrand::u64(200..800)));
            master.kill();
            replica.client().ok("REPLICAOF NO ONE");
            scene.master.store(replica.port, Relaxed);
            master.revive();
            master.follow(&replica);
            std::mem::swap(&mut master, &mut replica);
            failovers += 1;
        }
        scene.is_over.store(true, Relaxed);
    });

    let mut client = master.client();
    scene.events.saw_what_is_left(|key| client.ok(&format!("GET {key}")));
    let balance = scene.events.balance();
    println!("failover: {failovers} failovers; {balance}");
    balance.is_balanced(300);
}

impl Scene {
    fn act(&self, step: fn(&Scene, &mut Client, &mut Rng) -> Result<(), String>) {
        let port = || self.master.load(Relaxed);
        super::repeat(&self.is_over, port, |client, random| {
            step(self, client, random).map_err(|error| match error.split(' ').next() {
                // It is the old master, which has come back as a replica.
                Some("READONLY" | "UNBLOCKED") => format!("no reply from a master: {error}"),
                _ => error,
            })
        });
    }
}

/// Whether a replica has all that this connection has written.
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
    let array = reply.inspect_err(|_| scene.events.doubt(key, began))?;
    if array != "(nil)" {
        match is_confirmed(client) {
            Ok(true) => scene.events.saw(&array),
            Ok(false) => scene.events.saw_unconfirmed(&array),
            Err(error) => {
                scene.events.saw_unconfirmed(&array);
                return Err(error);
            }
        }
    }
    Ok(())
}
