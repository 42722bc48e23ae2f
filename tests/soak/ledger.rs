//! Producers and consumers use the commands in every way, clients disconnect, and waiting ones are
//! unblocked: every acknowledged event is taken once and in order, or is still stored. In one of the
//! tests, the server is killed again and again.

use std::collections::HashSet;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::support::client::{Client, line};
use crate::support::ledger::{Balance, Ledger, Sent};
use crate::support::random::Seed;
use crate::support::server::{Server, Settings, wait_until};

const PRODUCERS: usize = 3;
const CONSUMERS: usize = 2;
const WAITERS: usize = 3;

const KEYS: usize = 300;

/// Consumers wait for the first keys.
const KEYS_TO_WAIT_FOR: usize = 20;

const SCRIPT: &str = "return redis.call('JSONMERGE.APPEND', KEYS[1], unpack(ARGV))";

const FUNCTION: &str = "#!lua name=ledger
    redis.register_function('append', function(keys, args)
        return redis.call('JSONMERGE.APPEND', keys[1], unpack(args))
    end)";

/// Takes from the first key, and stores what it took at the second one.
const TAKE_WITH_RECEIPT: &str = "
    local taken = redis.call('JSONMERGE.TAKE', KEYS[1], unpack(ARGV))
    if taken then redis.call('SET', KEYS[2], taken) end
    return taken";

/// What the threads share.
struct Scene {
    port: u16,
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
    /// Consumers that got an array that they waited for.
    served: AtomicU64,
    /// Consumers that disconnected after they got an array that they waited for.
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

/// A step of a client.
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
        run(&format!("ledger and crashes, io-threads {io_threads}"), io_threads, kill_repeatedly);
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

/// Runs all clients while `act` runs, which returns how often it has killed the server. Asserts that the
/// ledgers are balanced, and that servers without the module get the same data from replication and from
/// the AOF.
fn run(name: &str, io_threads: usize, act: fn(&mut Server, &mut Rng) -> u32) {
    let seed = Seed::print(name);
    let persistent = || Settings::new().with("appendonly yes").with("appendfsync always");
    let settings = persistent().module().with(&format!("io-threads {io_threads}"));
    let mut server = settings.with("auto-aof-rewrite-min-size 1mb").start();
    let load = [&b"FUNCTION"[..], b"LOAD", FUNCTION.as_bytes()];
    server.client().call_with(&load).expect("the function is loaded");
    let replica = Server::plain();
    replica.follow(&server);
    let scene = Scene {
        port: server.port,
        events: Ledger::new("events", KEYS),
        expiring: Ledger::new("expiring", KEYS),
        receipts: Mutex::default(),
        counts: Counts::default(),
        is_over: AtomicBool::new(false),
    };
    let kills = thread::scope(|scope| {
        let _guard = super::SetOnDrop(&scene.is_over);
        let scene = &scene;
        let steps: [(usize, Step); 8] = [
            (PRODUCERS, produce),
            (CONSUMERS, consume),
            (CONSUMERS, consume_with_receipts),
            (WAITERS, wait),
            (1, wait_and_leave),
            (1, unblock),
            (1, use_expiring_keys),
            (1, disconnect),
        ];
        let steps = steps.into_iter().flat_map(|(number, step)| vec![step; number]);
        for (thread, step) in steps.enumerate() {
            scope.spawn(move || scene.act(seed.rng(thread + 1), step));
        }
        act(&mut server, &mut seed.rng(0))
    });

    let mut client = server.client();
    note_remaining(&scene, &mut client);
    let (events, expiring) = (scene.events.balance(), scene.expiring.balance());
    println!("{name}: {kills} kills, {:?}; {events}", scene.counts);
    println!("{name}: expiring keys: {expiring}");
    events.assert_balanced(100);
    Balance { lost: 0, ..expiring }.assert_balanced(1);
    assert!(expiring.lost > 0, "no event expired");
    assert!(scene.counts.served.load(Relaxed) > 0, "no consumer was served after it had waited");
    if kills == 0 {
        // The counters start again with the server.
        let [added, taken] =
            ["added", "taken"].map(|what| client.info(&format!("jsonmerge_elements_{what}")));
        let left = events.left + expiring.left;
        let set = scene.counts.set.load(Relaxed);
        assert_eq!(added + set, taken + left + expiring.lost, "{set} set, {left} left");
        let in_lost_replies = taken - events.taken - expiring.taken;
        let possible = events.in_lost_replies..=events.events - events.taken - events.left;
        assert!(possible.contains(&in_lost_replies), "{in_lost_replies} in lost replies");
    }

    let digest = client.ok("DEBUG DIGEST");
    wait_until("the replica has the data of the server", || {
        replica.client().ok("DEBUG DIGEST") == digest
    });
    let plain = server.restart_as(persistent());
    assert_eq!(plain.client().ok("DEBUG DIGEST"), digest, "the AOF has other data");
}

impl Scene {
    fn act(&self, random: Rng, step: Step) {
        let port = || self.port;
        super::repeat(&self.is_over, port, random, |client, random| step(self, client, random));
    }

    fn receipts(&self) -> MutexGuard<'_, Receipts> {
        self.receipts.lock().expect("no thread panicked")
    }

    fn any_key_to_wait_for(&self, random: &mut Rng) -> usize {
        random.usize(..KEYS_TO_WAIT_FOR)
    }
}

fn produce(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let sent = scene.events.send(random);
    let Sent { key, array, .. } = &sent;
    let append: &[&str] = match random.u32(..8) {
        0 => &["EVAL", SCRIPT, "1"],
        1 => &["FCALL", "append", "1"],
        2 => return produce_two(scene, client, random, sent),
        3 => return set_if_missing(scene, client, &sent),
        _ => &["JSONMERGE.APPEND"],
    };
    let options = any_options(random);
    words(client, &[append, &[key, array], options].concat())?;
    scene.events.acknowledge(&sent);
    Ok(())
}

/// Returns options of APPEND. No key that gets a TTL expires during the test.
fn any_options(random: &mut Rng) -> &'static [&'static str] {
    let options: [&[_]; 9] = [
        &[],
        &["REPLY", "JSON", "TRUST"],
        &["REPLY", "LEN"],
        &["TRUST", "REPLY", "SIZE"],
        &["EX", "100000", "REPLY", "LEN"],
        &["REPLY", "SIZE", "PX", "100000000"],
        &["EXAT", "100000000000", "TRUST", "REPLY", "SIZE"],
        &["PXAT", "100000000000000"],
        &["PERSIST", "REPLY", "SIZE"],
    ];
    random.choice(options).unwrap_or_default()
}

fn words(client: &mut Client, words: &[&str]) -> Result<String, String> {
    client.call_with(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>())
}

/// Appends two batches in a transaction.
fn produce_two(
    scene: &Scene,
    client: &mut Client,
    random: &mut Rng,
    first: Sent,
) -> Result<(), String> {
    let both = [first, scene.events.send(random)];
    let mut transaction = redis::pipe();
    transaction.atomic();
    for Sent { key, array, .. } in &both {
        let options = any_options(random);
        transaction.cmd("JSONMERGE.APPEND").arg(key).arg(array).arg(options);
    }
    transaction.exec(&mut client.0).map_err(|error| line(&error))?;
    both.iter().for_each(|sent| scene.events.acknowledge(sent));
    Ok(())
}

/// Stores a batch as producers do that know nothing about the module. It wakes nobody.
fn set_if_missing(scene: &Scene, client: &mut Client, sent: &Sent) -> Result<(), String> {
    match words(client, &["SET", &sent.key, &sent.array, "NX"])?.as_str() {
        "OK" => {
            scene.events.acknowledge(sent);
            scene.counts.set.fetch_add(sent.len() as u64, Relaxed);
        }
        _ => scene.events.note_not_run(sent),
    }
    Ok(())
}

/// The options of a TAKE, and how many elements it takes at most.
fn any_take(random: &mut Rng) -> (Vec<String>, usize) {
    let count = match random.u32(..10) {
        0 => return (Vec::new(), usize::MAX),
        1 => 1000,
        _ => random.usize(1..6),
    };
    let trust = random.bool().then(|| "TRUST".to_owned());
    (["COUNT".to_owned(), count.to_string()].into_iter().chain(trust).collect(), count)
}

/// Takes, or takes from two keys in a transaction, in which BLOCK does not wait.
fn consume(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let takes: Vec<_> = (0..if random.u32(..4) == 0 { 2 } else { 1 })
        .map(|_| (scene.events.any_key(random), any_take(random)))
        .collect();
    let mut pipeline = redis::pipe();
    if takes.len() > 1 {
        pipeline.atomic();
    }
    for (key, (options, _)) in &takes {
        pipeline.cmd("JSONMERGE.TAKE").arg(scene.events.key(*key)).arg(options);
        if takes.len() > 1 {
            pipeline.arg("BLOCK").arg(0);
        }
    }
    let began = scene.events.now();
    let replies: redis::RedisResult<Vec<Option<String>>> = pipeline.query(&mut client.0);
    match replies {
        Ok(arrays) => {
            arrays.iter().flatten().for_each(|array| scene.events.note_reply(began, array))
        }
        Err(error) => {
            takes.iter().for_each(|(key, (_, count))| {
                scene.events.note_lost_reply(*key, began, *count);
            });
            return Err(line(&error));
        }
    }
    Ok(())
}

/// Waits for a key for a short time.
fn wait(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let key = scene.any_key_to_wait_for(random);
    let (options, count) = any_take(random);
    let (name, options) = (scene.events.key(key), options.join(" "));
    let milliseconds = random.u32(1..200);
    let (began, start) = (scene.events.now(), Instant::now());
    match client.call(format!("JSONMERGE.TAKE {name} BLOCK {milliseconds} {options}").trim_end()) {
        Ok(reply) => {
            scene.events.note_reply(began, &reply);
            let waited = start.elapsed();
            if reply == "(nil)" {
                let is_timeout = waited >= Duration::from_millis(milliseconds.into());
                let count =
                    if is_timeout { &scene.counts.timeouts } else { &scene.counts.unblocked };
                count.fetch_add(1, Relaxed);
            } else if waited > Duration::from_millis(5) {
                scene.counts.served.fetch_add(1, Relaxed);
            }
            Ok(())
        }
        Err(error) => {
            scene.events.note_lost_reply(key, began, count);
            Err(error)
        }
    }
}

/// Waits for a key on another connection, and closes it, before or after the array arrives.
fn wait_and_leave(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let protocol = random.choice(["resp2", "resp3"]).unwrap_or_default();
    let mut waiter =
        Client::connect(scene.port, protocol).map_err(|error| format!("no reply: {error}"))?;
    let info = waiter.call("CLIENT INFO")?;
    let mut fields = info.split(' ');
    let [id, address] = [fields.next(), fields.next()].map(|field| field.expect("id and addr"));
    let (key, (options, count)) = (scene.any_key_to_wait_for(random), any_take(random));
    let mut take = redis::cmd("JSONMERGE.TAKE");
    take.arg(scene.events.key(key)).arg(options).arg("BLOCK").arg(0);
    let began = scene.events.now();
    let is_sent = waiter.0.send_packed_command(&take.get_packed_command());
    super::sleep(random, 0..20);
    let is_reply_read = random.bool();
    waiter.0.set_read_timeout(Some(Duration::from_millis(1))).expect("the timeout is set");
    if let (Ok(()), true, Ok(reply)) = (is_sent, is_reply_read, waiter.0.recv_response()) {
        scene.events.note_reply(began, &crate::support::client::text(&reply));
        scene.counts.served_and_gone.fetch_add(1, Relaxed);
        return Ok(());
    }
    drop(waiter);
    scene.counts.disconnects.fetch_add(1, Relaxed);
    // Until the server has noticed it, it may still serve the client.
    let list = format!("CLIENT LIST {}", id.replace("id=", "ID "));
    let is_gone = loop {
        match client.call(&list) {
            Ok(clients) if clients.contains(&format!("{address} ")) => {}
            gone => break gone.map(drop),
        }
    };
    scene.events.note_lost_reply(key, began, count);
    is_gone
}

/// Appends to a key that clients wait for, and ends the waiting of a client in the same moment.
fn unblock(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    super::sleep(random, 0..10);
    let clients = client.call("CLIENT LIST")?;
    let waiting = clients.lines().filter(|client| client.contains(" cmd=jsonmerge.take "));
    let ids: Vec<_> =
        waiting.filter_map(|client| client.strip_prefix("id=")?.split(' ').next()).collect();
    let Some(id) = random.choice(ids) else { return Ok(()) };
    let sent = scene.events.send_to(scene.any_key_to_wait_for(random));
    let mut pipeline = redis::pipe();
    let append = |pipeline: &mut redis::Pipeline| {
        pipeline.cmd("JSONMERGE.APPEND").arg(&sent.key).arg(&sent.array);
    };
    let unblock = |pipeline: &mut redis::Pipeline| {
        pipeline.cmd("CLIENT").arg("UNBLOCK").arg(id).arg("TIMEOUT");
    };
    match random.bool() {
        true => (append(&mut pipeline), unblock(&mut pipeline)),
        false => (unblock(&mut pipeline), append(&mut pipeline)),
    };
    pipeline.exec(&mut client.0).map_err(|error| line(&error))?;
    scene.events.acknowledge(&sent);
    Ok(())
}

/// Takes with a receipt, and deletes the receipt after the reply has arrived.
fn consume_with_receipts(
    scene: &Scene,
    client: &mut Client,
    random: &mut Rng,
) -> Result<(), String> {
    let (take, receipt) = any_take_with_receipt(scene, random);
    let began = scene.events.now();
    let array = match &take {
        Take::Transaction(transaction) => {
            let reply: redis::RedisResult<(i64, Option<String>)> = transaction.query(&mut client.0);
            reply.map(|(_, array)| array)
        }
        Take::Script(script) => script.query(&mut client.0),
    };
    if let Some(array) = array.map_err(|error| line(&error))? {
        scene.events.note_reply(began, &array);
        scene.receipts().settled.insert(receipt.clone());
        client.call(&format!("UNLINK {receipt}"))?;
    }
    Ok(())
}

/// A TAKE with a receipt.
enum Take {
    Transaction(redis::Pipeline),
    Script(redis::Cmd),
}

fn any_take_with_receipt(scene: &Scene, random: &mut Rng) -> (Take, String) {
    let key = scene.events.key(scene.events.any_key(random));
    let receipt = {
        let mut receipts = scene.receipts();
        receipts.created += 1;
        format!("receipt:{}", receipts.created)
    };
    let take = match any_take(random) {
        (options, _) if options.is_empty() => {
            let mut transaction = redis::pipe();
            transaction.atomic().cmd("COPY").arg(&key).arg(&receipt);
            transaction.cmd("JSONMERGE.TAKE").arg(&key);
            Take::Transaction(transaction)
        }
        (options, _) => {
            let mut script = redis::cmd("EVAL");
            script.arg(TAKE_WITH_RECEIPT).arg(2).arg(&key).arg(&receipt).arg(options);
            Take::Script(script)
        }
    };
    (take, receipt)
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
    let mut stream = TcpStream::connect(("127.0.0.1", scene.port)).map_err(no_reply)?;
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
        // It was taken at any time.
        scene.events.note_receipt(&get(&receipt));
    }
    scene.events.note_remaining(get);
}
