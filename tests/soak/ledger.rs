//! A server is killed again and again, and clients disconnect: every acknowledged event is taken once, or
//! is still stored.

use std::collections::HashSet;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::support::client::{Client, line};
use crate::support::ledger::{Balance, Ledger};
use crate::support::random::Seed;
use crate::support::server::{Server, Settings};

const PRODUCERS: usize = 4;

/// Consumers that each own a share of the keys: nobody else takes from these.
const OWNERS: usize = 2;

/// The last share is open to all consumers that use receipts.
const SHARES: usize = OWNERS + 1;

/// What the threads share.
struct Scene {
    port: u16,
    events: Ledger,
    /// Events at keys that expire. They may be lost, but not duplicated or altered.
    expiring: Ledger,
    receipts: Mutex<Receipts>,
    disconnects: AtomicU64,
    is_over: AtomicBool,
}

/// A consumer copies an array to a receipt key in the transaction that takes it, so that a lost reply
/// loses no event.
#[derive(Default)]
struct Receipts {
    /// The number of receipt keys.
    created: u64,
    /// The receipts whose replies have arrived.
    settled: HashSet<String>,
}

#[test]
fn acknowledged_events_survive_crashes_and_disconnects() {
    let seed = Seed::print("ledger");
    let settings = Settings::new().module().with("appendonly yes").with("appendfsync always");
    let mut server = settings.with("auto-aof-rewrite-min-size 1mb").start();
    let scene = Scene {
        port: server.port,
        events: Ledger::new("events", 3000),
        expiring: Ledger::new("expiring", 300),
        receipts: Mutex::default(),
        disconnects: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
    };
    let kills = thread::scope(|scope| {
        let _guard = super::SetOnDrop(&scene.is_over);
        let scene = &scene;
        let mut generators = (1..).map(|thread| seed.rng(thread));
        let mut random = || generators.next().unwrap_or_default();
        for _ in 0..PRODUCERS {
            let random = random();
            scope.spawn(|| scene.act(random, produce));
        }
        for owner in 0..OWNERS {
            let random = random();
            scope.spawn(move || {
                scene.act(random, |scene, client, random| consume(scene, client, random, owner))
            });
        }
        let steps = [consume_with_receipts, use_expiring_keys, disconnect];
        for step in steps {
            let random = random();
            scope.spawn(move || scene.act(random, step));
        }
        kill_repeatedly(&mut server, &mut seed.rng(0))
    });

    note_remaining(&scene, &mut server.client());
    let (events, expiring) = (scene.events.balance(), scene.expiring.balance());
    println!("ledger: {kills} kills, {} disconnects; {events}", scene.disconnects.into_inner());
    println!("ledger of expiring keys: {expiring}");
    events.assert_balanced(1000);
    let expired = expiring.lost;
    Balance { lost: 0, ..expiring }.assert_balanced(100);
    assert!(expired > 0, "no event expired");
}

/// Returns how often the server was killed.
fn kill_repeatedly(server: &mut Server, random: &mut Rng) -> u32 {
    let mut kills = 0;
    let end = Instant::now() + super::duration();
    while Instant::now() < end {
        super::sleep(random, 200..1500);
        server.kill();
        super::sleep(random, 0..50);
        server.revive();
        kills += 1;
    }
    kills
}

impl Scene {
    fn act(&self, random: Rng, step: impl Fn(&Scene, &mut Client, &mut Rng) -> Result<(), String>) {
        let port = || self.port;
        super::repeat(&self.is_over, port, random, |client, random| step(self, client, random));
    }

    fn receipts(&self) -> MutexGuard<'_, Receipts> {
        self.receipts.lock().expect("no thread panicked")
    }
}

fn produce(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let sent = scene.events.send(random);
    let options: &[&str] = random
        .choice([&[][..], &["REPLY", "LEN"], &["TRUST", "REPLY", "SIZE"]])
        .unwrap_or_default();
    append(client, &sent.key, &sent.array, options)?;
    scene.events.acknowledge(&sent);
    Ok(())
}

fn append(client: &mut Client, key: &str, array: &str, options: &[&str]) -> Result<String, String> {
    let arguments = [&["JSONMERGE.APPEND", key, array], options].concat();
    client.call_with(&arguments.into_iter().map(str::as_bytes).collect::<Vec<_>>())
}

/// Takes from a key that this consumer owns. If the reply is lost, the server may have run TAKE or not.
fn consume(
    scene: &Scene,
    client: &mut Client,
    random: &mut Rng,
    owner: usize,
) -> Result<(), String> {
    let key = any_key_of_share(scene, random, owner);
    let began = scene.events.now();
    match client.call(&format!("JSONMERGE.TAKE {}", scene.events.key(key))) {
        Ok(reply) => scene.events.note_value(&reply),
        Err(error) => {
            scene.events.note_lost_reply(key, began);
            return Err(error);
        }
    }
    Ok(())
}

fn any_key_of_share(scene: &Scene, random: &mut Rng, share: usize) -> usize {
    scene.events.any_key(random) / SHARES * SHARES + share
}

/// Takes with a receipt, and deletes the receipt after the reply has arrived.
fn consume_with_receipts(
    scene: &Scene,
    client: &mut Client,
    random: &mut Rng,
) -> Result<(), String> {
    let (key, receipt) = key_and_receipt(scene, random);
    let reply: redis::RedisResult<(i64, Option<String>)> =
        take_with_receipt(&key, &receipt).query(&mut client.0);
    let (_, array) = reply.map_err(|error| line(&error))?;
    if let Some(array) = array {
        scene.events.note_taken(&array);
        scene.receipts().settled.insert(receipt.clone());
        client.call(&format!("UNLINK {receipt}"))?;
    }
    Ok(())
}

fn key_and_receipt(scene: &Scene, random: &mut Rng) -> (String, String) {
    let key = scene.events.key(any_key_of_share(scene, random, OWNERS));
    let mut receipts = scene.receipts();
    receipts.created += 1;
    (key, format!("receipt:{}", receipts.created))
}

fn take_with_receipt(key: &str, receipt: &str) -> redis::Pipeline {
    let mut transaction = redis::pipe();
    transaction.atomic().cmd("COPY").arg(key).arg(receipt).cmd("JSONMERGE.TAKE").arg(key);
    transaction
}

/// Appends with a TTL, or takes.
fn use_expiring_keys(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    if random.bool() {
        let sent = scene.expiring.send(random);
        let milliseconds = random.u32(1..500).to_string();
        append(client, &sent.key, &sent.array, &["REPLY", "LEN", "PX", &milliseconds])?;
        scene.expiring.acknowledge(&sent);
        return Ok(());
    }
    let key = scene.expiring.key(scene.expiring.any_key(random));
    scene.expiring.note_value(&client.call(&format!("JSONMERGE.TAKE {key}"))?);
    Ok(())
}

/// Sends a command or a part of one, and closes the connection without waiting for the reply.
fn disconnect(scene: &Scene, _: &mut Client, random: &mut Rng) -> Result<(), String> {
    scene.disconnects.fetch_add(1, Relaxed);
    thread::sleep(Duration::from_millis(1));
    let mut stream = TcpStream::connect(("127.0.0.1", scene.port)).map_err(no_reply)?;
    let is_complete = random.bool();
    let command = if random.bool() {
        let sent = scene.events.send(random);
        if !is_complete {
            scene.events.note_cut(&sent);
        }
        redis::cmd("JSONMERGE.APPEND").arg(&sent.key).arg(&sent.array).get_packed_command()
    } else {
        let (key, receipt) = key_and_receipt(scene, random);
        take_with_receipt(&key, &receipt).get_packed_pipeline()
    };
    let size = if is_complete { command.len() } else { random.usize(..command.len()) };
    stream.write_all(&command[..size]).map_err(no_reply)
}

fn no_reply(error: io::Error) -> String {
    format!("no reply: {error}")
}

/// Notes the values that are still stored, and the receipts whose replies were lost.
fn note_remaining(scene: &Scene, client: &mut Client) {
    let mut get = |key: &str| client.ok(&format!("GET {key}"));
    scene.events.note_remaining(&mut get);
    scene.expiring.note_remaining(&mut get);
    let receipts = scene.receipts();
    let created = (1..=receipts.created).map(|number| format!("receipt:{number}"));
    for receipt in created.filter(|receipt| !receipts.settled.contains(receipt)) {
        scene.events.note_value(&get(&receipt));
    }
}
