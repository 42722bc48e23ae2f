//! Producers, consumers, clients that hang up and a server that is killed again and again: what was
//! acknowledged is taken once, or still stored.

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
use crate::support::server::{Server, Settings};

const PRODUCERS: usize = 4;

/// Of the keys, consumers of this number own a share each, so that nobody else takes from them.
const OWNERS: usize = 2;

/// Two of three keys have an owner, and the others are anybody's who leaves a receipt.
const SHARES: usize = OWNERS + 1;

/// What the threads share.
struct Scene {
    port: u16,
    events: Ledger,
    /// Events at keys that expire: they may get lost, but come neither twice nor altered.
    expiring: Ledger,
    receipts: Mutex<Receipts>,
    hang_ups: AtomicU64,
    is_over: AtomicBool,
}

/// Consumers who want to survive a lost reply copy what they take, in one transaction with the take.
#[derive(Default)]
struct Receipts {
    given: u64,
    /// Those whose reply arrived.
    noted: HashSet<String>,
}

#[test]
fn acknowledged_events_are_taken_once_or_still_stored() {
    let settings = Settings::new().module().with("appendonly yes").with("appendfsync always");
    let mut server = settings.with("auto-aof-rewrite-min-size 1mb").start();
    let scene = Scene {
        port: server.port,
        events: Ledger::new("events", 3000),
        expiring: Ledger::new("expiring", 300),
        receipts: Mutex::default(),
        hang_ups: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
    };
    let kills = thread::scope(|scope| {
        let scene = &scene;
        for _ in 0..PRODUCERS {
            scope.spawn(|| scene.act(produce));
        }
        for owner in 0..OWNERS {
            scope.spawn(move || {
                scene.act(|scene, client, random| consume(scene, client, random, owner))
            });
        }
        scope.spawn(|| scene.act(consume_with_receipts));
        scope.spawn(|| scene.act(produce_and_consume_what_expires));
        scope.spawn(|| scene.act(hang_up));
        let kills = kill_now_and_then(&mut server);
        scene.is_over.store(true, Relaxed);
        kills
    });

    note_what_is_left(&scene, &mut server.client());
    let (events, expiring) = (scene.events.balance(), scene.expiring.balance());
    println!("ledger: {kills} kills, {} hang-ups; {events}", scene.hang_ups.into_inner());
    println!("ledger of keys that expire: {expiring}");
    events.is_balanced(1000);
    let may_expire = expiring.lost;
    Balance { lost: 0, ..expiring }.is_balanced(100);
    assert!(may_expire > 0, "nothing expired");
}

fn kill_now_and_then(server: &mut Server) -> u32 {
    let mut kills = 0;
    let end = Instant::now() + super::span();
    while Instant::now() < end {
        thread::sleep(Duration::from_millis(fastrand::u64(200..1500)));
        server.kill();
        thread::sleep(Duration::from_millis(fastrand::u64(0..50)));
        server.revive();
        kills += 1;
    }
    kills
}

impl Scene {
    fn act(&self, step: impl Fn(&Scene, &mut Client, &mut Rng) -> Result<(), String>) {
        super::repeat(&self.is_over, || self.port, |client, random| step(self, client, random));
    }

    fn receipts(&self) -> MutexGuard<'_, Receipts> {
        self.receipts.lock().expect("no thread failed")
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

/// Takes from the keys that this consumer owns. A lost reply may be that of a take that was done.
fn consume(
    scene: &Scene,
    client: &mut Client,
    random: &mut Rng,
    owner: usize,
) -> Result<(), String> {
    let key = any_key_of_share(scene, random, owner);
    let began = scene.events.now();
    match client.call(&format!("JSONMERGE.TAKE {}", scene.events.key(key))) {
        Ok(array) if array == "(nil)" => {}
        Ok(array) => scene.events.saw(&array),
        Err(error) => {
            scene.events.doubt(key, began);
            return Err(error);
        }
    }
    Ok(())
}

fn any_key_of_share(scene: &Scene, random: &mut Rng, share: usize) -> usize {
    scene.events.any_key(random) / SHARES * SHARES + share
}

/// Takes with a receipt, so that a lost reply loses nothing.
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
        scene.events.saw(&array);
        scene.receipts().noted.insert(receipt.clone());
        client.call(&format!("UNLINK {receipt}"))?;
    }
    Ok(())
}

fn key_and_receipt(scene: &Scene, random: &mut Rng) -> (String, String) {
    let key = scene.events.key(any_key_of_share(scene, random, OWNERS));
    let mut receipts = scene.receipts();
    receipts.given += 1;
    (key, format!("receipt:{}", receipts.given))
}

fn take_with_receipt(key: &str, receipt: &str) -> redis::Pipeline {
    let mut transaction = redis::pipe();
    transaction.atomic().cmd("COPY").arg(key).arg(receipt).cmd("JSONMERGE.TAKE").arg(key);
    transaction
}

fn produce_and_consume_what_expires(
    scene: &Scene,
    client: &mut Client,
    random: &mut Rng,
) -> Result<(), String> {
    if random.bool() {
        let sent = scene.expiring.send(random);
        let milliseconds = random.u32(1..500).to_string();
        append(client, &sent.key, &sent.array, &["REPLY", "LEN", "PX", &milliseconds])?;
        scene.expiring.acknowledge(&sent);
        return Ok(());
    }
    let key = scene.expiring.key(scene.expiring.any_key(random));
    match client.call(&format!("JSONMERGE.TAKE {key}"))?.as_str() {
        "(nil)" => {}
        array => scene.expiring.saw(array),
    }
    Ok(())
}

/// Sends a command, or a part of one, and closes the connection without waiting for the reply.
fn hang_up(scene: &Scene, _: &mut Client, random: &mut Rng) -> Result<(), String> {
    scene.hang_ups.fetch_add(1, Relaxed);
    thread::sleep(Duration::from_millis(1));
    let mut stream = TcpStream::connect(("127.0.0.1", scene.port)).map_err(no_reply)?;
    let is_whole = random.bool();
    let command = if random.bool() {
        let sent = scene.events.send(random);
        if !is_whole {
            scene.events.cut(&sent);
        }
        redis::cmd("JSONMERGE.APPEND").arg(&sent.key).arg(&sent.array).get_packed_command()
    } else {
        let (key, receipt) = key_and_receipt(scene, random);
        take_with_receipt(&key, &receipt).get_packed_pipeline()
    };
    let size = if is_whole { command.len() } else { random.usize(..command.len()) };
    stream.write_all(&command[..size]).map_err(no_reply)
}

fn no_reply(error: io::Error) -> String {
    format!("no reply: {error}")
}

/// What is still there was not taken; a receipt that nobody has noted stands for a reply that was lost.
fn note_what_is_left(scene: &Scene, client: &mut Client) {
    let mut get = |key: &str| client.ok(&format!("GET {key}"));
    scene.events.saw_what_is_left(&mut get);
    scene.expiring.saw_what_is_left(&mut get);
    let receipts = scene.receipts();
    let given = (1..=receipts.given).map(|number| format!("receipt:{number}"));
    for receipt in given.filter(|receipt| !receipts.noted.contains(receipt)) {
        scene.events.saw_at(&get(&receipt));
    }
}
