//! Producers and consumers use the commands in every way, clients disconnect, and waiting clients are
//! unblocked. Every acknowledged event is taken once and in order, or is still stored. In one of the
//! tests, the server is killed again and again.

mod consume;
mod produce;

use std::collections::HashSet;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use consume::{
    Take, any_take, any_take_with_receipt, consume, consume_with_receipts, wait, wait_and_leave,
};
use produce::{produce, unblock, words};

use crate::support::client::Client;
use crate::support::ledger::{Balance, Ledger};
use crate::support::random::Seed;
use crate::support::server::{Server, Settings, wait_until};

const PRODUCERS: usize = 3;
const CONSUMERS: usize = 2;
const WAITERS: usize = 3;

const KEYS: usize = 300;

/// Consumers wait for the first keys.
const KEYS_TO_WAIT_FOR: usize = 20;

const FUNCTION: &str = "#!lua name=ledger
    redis.register_function('append', function(keys, args)
        return redis.call('JSONMERGE.APPEND', keys[1], unpack(args))
    end)";

/// What the threads share.
pub(super) struct Scene {
    /// The port of the current master.
    pub(super) port: AtomicU16,
    events: Ledger,
    /// Events at keys that expire. They may be lost, but not duplicated or altered.
    expiring: Ledger,
    receipts: Mutex<Receipts>,
    counts: Counts,
    is_over: AtomicBool,
}

/// How often something happened.
#[derive(Debug, Default)]
struct Counts {
    disconnects: AtomicU64,
    /// Consumers that received the array that they waited for.
    served: AtomicU64,
    /// Consumers that received the array that they waited for, and disconnected.
    served_and_gone: AtomicU64,
    timeouts: AtomicU64,
    unblocked: AtomicU64,
    /// Events that SET stored.
    set: AtomicU64,
}

/// A consumer copies an array to a receipt key in the transaction or script that takes it, so that a
/// lost reply loses no event.
#[derive(Default)]
struct Receipts {
    /// The number of receipt keys.
    created: u64,
    /// The receipts whose replies have arrived.
    settled: HashSet<String>,
}

/// One step of a client.
type Step = fn(&Scene, &mut Client, &mut Rng) -> Result<(), String>;

#[test]
fn acknowledged_events_are_taken_once_or_left() {
    for io_threads in [1, 4] {
        run(&format!("ledger, io-threads {io_threads}"), io_threads, |_, _| {
            thread::sleep(super::duration() / 2);
            0
        });
    }
}

#[test]
fn acknowledged_events_survive_crashes_and_disconnects() {
    for io_threads in [1, 4] {
        let setting = format!("io-threads {io_threads}");
        if Settings::new().with(&setting).start().replies_before_aof() {
            println!(
                "not tested: crashes with {setting}, because this server may lose acknowledged writes"
            );
        } else {
            run(&format!("ledger and crashes, {setting}"), io_threads, kill_repeatedly);
        }
    }
}

/// Returns how often the server was killed.
fn kill_repeatedly(server: &mut Server, random: &mut Rng) -> u32 {
    let mut kills = 0;
    let end = Instant::now() + super::duration() / 2;
    while Instant::now() < end {
        super::sleep(random, 200..1500);
        server.kill();
        super::sleep(random, 0..50);
        server.revive();
        kills += 1;
    }
    kills
}

/// Runs all clients while `act` runs. `act` returns how often it killed the server. Asserts that the ledgers
/// are balanced, and that servers without the module get the same data from replication and from the AOF.
fn run(name: &str, io_threads: usize, act: fn(&mut Server, &mut Rng) -> u32) {
    let seed = Seed::print(name);
    let persistent = || Settings::new().with("appendonly yes").with("appendfsync always");
    let settings = persistent().module().with(&format!("io-threads {io_threads}"));
    let mut server = settings.with("auto-aof-rewrite-min-size 1mb").start();
    let scene = Scene::new(&server);
    let replica = Server::plain();
    replica.follow(&server);
    let steps = [STEPS, &[(1, wait_and_leave), (1, unblock)]].concat();
    let kills = scene.run(seed, &steps, || act(&mut server, &mut seed.rng(0)));

    let mut client = server.client();
    let [events, expiring] = scene.balance(&mut client, &format!("{name}: {kills} kills"));
    if kills == 0 {
        // What the server counted comes first, because the ledger has to infer which take an event was in if
        // the reply was lost. The counters start at 0 again when the server restarts.
        let [added, taken] =
            ["added", "taken"].map(|what| client.info(&format!("jsonmerge_elements_{what}")));
        let left = events.left + expiring.left;
        let set = scene.counts.set.load(Relaxed);
        assert_eq!(added + set, taken + left + expiring.lost, "{set} set, {left} left");
        let in_lost_replies = taken - events.taken - expiring.taken;
        let possible = events.in_lost_replies..=events.events - events.taken - events.left;
        assert!(possible.contains(&in_lost_replies), "{in_lost_replies} in lost replies");
    }
    assert_balanced(&events, &expiring);
    assert!(scene.counts.served.load(Relaxed) > 0, "no consumer was served after it had waited");

    let digest = client.ok("DEBUG DIGEST");
    wait_until("the replica has the data of the server", || {
        replica.client().ok("DEBUG DIGEST") == digest
    });
    let plain = server.restart_as(persistent());
    assert_eq!(plain.client().ok("DEBUG DIGEST"), digest, "the AOF has different data");
}

/// The clients, and how many of each. They can go on when another server becomes the master. CLIENT UNBLOCK
/// crashes Redis 7.0 during FAILOVER.
pub(super) const STEPS: &[(usize, Step)] = &[
    (PRODUCERS, produce),
    (CONSUMERS, consume),
    (CONSUMERS, consume_with_receipts),
    (WAITERS, wait),
    (1, use_expiring_keys),
    (1, disconnect),
];

impl Scene {
    /// Prepares a server for the clients.
    pub(super) fn new(server: &Server) -> Self {
        let load = [&b"FUNCTION"[..], b"LOAD", FUNCTION.as_bytes()];
        server.client().call_with(&load).expect("the function is loaded");
        Scene {
            port: AtomicU16::new(server.port),
            events: Ledger::new("events", KEYS),
            expiring: Ledger::new("expiring", KEYS),
            receipts: Mutex::default(),
            counts: Counts::default(),
            is_over: AtomicBool::new(false),
        }
    }

    /// Runs clients while `act` runs, and returns what it returns.
    pub(super) fn run<T>(&self, seed: Seed, steps: &[(usize, Step)], act: impl FnOnce() -> T) -> T {
        thread::scope(|scope| {
            let _guard = super::SetOnDrop(&self.is_over);
            let steps = steps.iter().flat_map(|(number, step)| vec![*step; *number]);
            for (thread, step) in steps.enumerate() {
                scope.spawn(move || self.act(seed.rng(thread + 1), step));
            }
            act()
        })
    }

    /// Notes what is still stored. Prints and returns the balance of the events that do not expire and of those
    /// that do.
    fn balance(&self, client: &mut Client, what: &str) -> [Balance; 2] {
        note_remaining(self, client);
        let [events, expiring] = [&self.events, &self.expiring].map(Ledger::balance);
        println!("{what}, {:?}; {events}; expiring keys: {expiring}", self.counts);
        [events, expiring]
    }

    /// Asserts that the ledgers are balanced, and returns the balance of the events that do not expire.
    #[track_caller]
    pub(super) fn assert_balanced(&self, client: &mut Client, what: &str) -> Balance {
        let [events, expiring] = self.balance(client, what);
        assert_balanced(&events, &expiring);
        events
    }

    fn act(&self, random: Rng, step: Step) {
        let port = || self.port();
        super::repeat(&self.is_over, port, random, |client, random| step(self, client, random));
    }

    fn port(&self) -> u16 {
        self.port.load(Relaxed)
    }

    fn receipts(&self) -> MutexGuard<'_, Receipts> {
        self.receipts.lock().expect("no thread panicked")
    }

    fn any_key_to_wait_for(&self, random: &mut Rng) -> usize {
        random.usize(..KEYS_TO_WAIT_FOR)
    }
}

#[track_caller]
fn assert_balanced(events: &Balance, expiring: &Balance) {
    events.assert_balanced(50);
    Balance { lost: 0, ..expiring.clone() }.assert_balanced(1);
    assert!(expiring.lost > 0, "no event expired");
}

/// Appends with a TTL, or takes.
fn use_expiring_keys(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    if random.bool() {
        let sent = scene.expiring.send(random);
        let milliseconds = random.u32(1..500).to_string();
        let options = ["REPLY", "LEN", "PX", &milliseconds];
        words(client, &[&["JSONMERGE.APPEND", &sent.key, &sent.array], &options[..]].concat())?;
        scene.expiring.acknowledge(&sent);
        return Ok(());
    }
    let key = scene.expiring.key(scene.expiring.any_key(random));
    let began = scene.expiring.now();
    let options = any_take(random).0.join(" ");
    let reply = client.call(format!("JSONMERGE.TAKE {key} {options}").trim_end())?;
    scene.expiring.note_reply(began, &reply);
    Ok(())
}

/// Sends a command or a part of one, and closes the connection without waiting for the reply.
fn disconnect(scene: &Scene, _: &mut Client, random: &mut Rng) -> Result<(), String> {
    scene.counts.disconnects.fetch_add(1, Relaxed);
    thread::sleep(Duration::from_millis(1));
    let mut stream = TcpStream::connect(("127.0.0.1", scene.port())).map_err(no_reply)?;
    let is_complete = random.bool();
    let command = if random.bool() {
        let sent = scene.events.send(random);
        if !is_complete {
            scene.events.note_not_run(&sent);
        }
        redis::cmd("JSONMERGE.APPEND").arg(&sent.key).arg(&sent.array).get_packed_command()
    } else {
        match any_take_with_receipt(scene, random).0 {
            Take::Transaction(transaction) => transaction.get_packed_pipeline(),
            Take::Script(script) => script.get_packed_command(),
        }
    };
    let size = if is_complete { command.len() } else { random.usize(..command.len()) };
    stream.write_all(&command[..size]).map_err(no_reply)
}

fn no_reply(error: io::Error) -> String {
    format!("no reply: {error}")
}

/// Notes the values that are still stored, and the receipts whose replies were lost. Deletes the keys that
/// expire.
fn note_remaining(scene: &Scene, client: &mut Client) {
    // The server may still have to run the commands of clients that have disconnected.
    wait_until("the server has no other client", || {
        client.ok("CLIENT LIST TYPE normal").lines().count() == 1
    });
    scene.expiring.note_remaining(|key| client.ok(&format!("GETDEL {key}")));
    let mut get = |key: &str| client.ok(&format!("GET {key}"));
    let receipts = scene.receipts();
    let created = (1..=receipts.created).map(|number| format!("receipt:{number}"));
    for receipt in created.filter(|receipt| !receipts.settled.contains(receipt)) {
        // The time at which the array was taken is unknown.
        scene.events.note_receipt(&get(&receipt));
    }
    scene.events.note_remaining(get);
}
