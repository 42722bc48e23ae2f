//! The module is loaded while clients work, and refuses to unload. No event is lost.
//!
//! Each round has its own server, because a loaded module stays loaded.

use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::support::client::{Client, line};
use crate::support::ledger::Ledger;
use crate::support::random::Seed;
use crate::support::server::{Server, Settings, module_path};

const PRODUCERS: usize = 3;

/// How many appends a producer pipelines. Servers with I/O threads look these commands up in advance.
const PIPELINE: usize = 10;

/// How often each round tries to unload the module.
const UNLOADS: usize = 30;

const REFUSED: &str = "ERR Error unloading module: operation not possible.";

/// What the threads share.
struct Scene {
    port: u16,
    is_over: AtomicBool,
}

/// One step of a client.
type Step = fn(&Ledger, &mut Client, &mut Rng) -> Result<(), String>;

#[test]
fn load_and_refused_unload_under_traffic_lose_no_event() {
    let seed = Seed::print("loading");
    let events = Ledger::new("events", 100);
    let end = Instant::now() + super::duration();
    let (mut rounds, mut refused_loads) = (0, 0);
    while rounds == 0 || Instant::now() < end {
        refused_loads += round(seed, rounds, &events);
        rounds += 1;
    }
    let balance = events.balance();
    let refused_unloads = rounds * UNLOADS;
    println!(
        "loading: {rounds} servers, {refused_loads} loads and {refused_unloads} unloads refused; {balance}"
    );
    balance.assert_balanced(1000);
}

/// Starts a server, loads the module and tries to unload it while clients work. Returns how many loads
/// were refused.
fn round(seed: Seed, number: usize, events: &Ledger) -> usize {
    let threads = number * (PRODUCERS + 2);
    let mut random = seed.rng(threads);
    let io_threads = random.choice([1, 4]).unwrap_or(1);
    let server = Settings::new().with(&format!("io-threads {io_threads}")).start();
    let mut admin = server.client();
    let scene = Scene { port: server.port, is_over: AtomicBool::new(false) };
    let refused_loads = thread::scope(|scope| {
        let _guard = super::SetOnDrop(&scene.is_over);
        let scene = &scene;
        let start_clients = || {
            for thread in 1..=PRODUCERS {
                scope.spawn(move || scene.act(events, seed.rng(threads + thread), produce));
            }
            scope.spawn(move || scene.act(events, seed.rng(threads + PRODUCERS + 1), consume));
        };
        // Redis 8 crashes when it loads any module whose commands its I/O threads are looking up.
        let is_loaded_under_traffic = io_threads == 1;
        if is_loaded_under_traffic {
            start_clients();
        }
        let refused_loads = load(&server, &mut admin, &mut random);
        if !is_loaded_under_traffic {
            start_clients();
        }
        for attempt in 0..UNLOADS {
            super::sleep(&mut random, 0..10);
            if attempt == UNLOADS / 2 {
                set_io_threads(&mut admin, 5 - io_threads);
            }
            match random.bool() {
                true => assert_unload_refused(&mut admin),
                false => assert_pipelined_unload_refused(&mut admin),
            }
        }
        refused_loads
    });
    assert!(server.log().contains("does not unload: "), "{}", server.log());
    events.note_remaining(|key| admin.ok(&format!("GET {key}")));
    refused_loads
}

/// Loads the module in one of two ways. Tries to load it with invalid arguments before that, and once more
/// after it. Returns how many loads were refused.
fn load(server: &Server, admin: &mut Client, random: &mut Rng) -> usize {
    let path = module_path();
    let path = path.display();
    let mut wrong = [
        format!("MODULE LOAD {path} no-such-config 1"),
        format!("MODULE LOADEX {path} ARGS no-such-config 1"),
        // The server loads the module, then unloads it because of the arguments.
        format!("MODULE LOADEX {path} CONFIG jsonmerge.no-such-config 1"),
    ];
    random.shuffle(&mut wrong);
    let mut is_loaded = false;
    for load in &wrong {
        super::sleep(random, 0..20);
        admin.call(load).expect_err(load);
        is_loaded = admin.ok("MODULE LIST").contains("jsonmerge");
        // Redis 7.0 accepts that the module refuses to unload, and replies with the same error.
        assert!(!is_loaded || server.version_is_7_0(), "loaded by {load}");
    }
    super::sleep(random, 0..20);
    if !is_loaded {
        let load = random.choice(["LOAD", "LOADEX"]).unwrap_or_default();
        admin.ok(&format!("MODULE {load} {path}"));
    }
    admin.call(&format!("MODULE LOAD {path}")).expect_err("the module is loaded");
    wrong.len() + 1
}

/// Changes the number of I/O threads, if the server allows that while it runs.
fn set_io_threads(admin: &mut Client, number: u32) {
    if let Err(error) = admin.call(&format!("CONFIG SET io-threads {number}")) {
        assert!(error.contains("immutable config"), "{error}");
    }
}

fn assert_unload_refused(admin: &mut Client) {
    assert_eq!(admin.call("MODULE UNLOAD jsonmerge"), Err(REFUSED.into()));
}

/// The server may look up TAKE before it runs MODULE UNLOAD.
fn assert_pipelined_unload_refused(admin: &mut Client) {
    let mut pipeline = redis::pipe();
    pipeline.ignore_errors().cmd("PING");
    pipeline.cmd("MODULE").arg("UNLOAD").arg("jsonmerge");
    pipeline.cmd("JSONMERGE.TAKE").arg("missing");
    let replies: Vec<redis::RedisResult<Option<String>>> =
        pipeline.query(&mut admin.0).expect("the server replies");
    let replies: Vec<_> =
        replies.into_iter().map(|reply| reply.map_err(|error| line(&error))).collect();
    assert_eq!(replies, [Ok(Some("PONG".into())), Err(REFUSED.into()), Ok(None)]);
}

impl Scene {
    fn act(&self, events: &Ledger, random: Rng, step: Step) {
        let port = || self.port;
        super::repeat(&self.is_over, port, random, |client, random| step(events, client, random));
    }
}

fn produce(events: &Ledger, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let batches: Vec<_> = (0..PIPELINE).map(|_| events.send(random)).collect();
    let mut pipeline = redis::pipe();
    pipeline.ignore_errors();
    for sent in &batches {
        pipeline.cmd("JSONMERGE.APPEND").arg(&sent.key).arg(&sent.array).arg("REPLY").arg("LEN");
    }
    let replies: Vec<redis::RedisResult<u64>> =
        pipeline.query(&mut client.0).map_err(|error| line(&error))?;
    for (sent, reply) in batches.iter().zip(replies) {
        match reply {
            Ok(_) => events.acknowledge(sent),
            Err(error) => expect_unknown_command(line(&error))?,
        }
    }
    Ok(())
}

/// Takes with GETDEL until the module is loaded.
fn consume(events: &Ledger, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let key = events.key(events.any_key(random));
    let began = events.now();
    let taken = client.call(&format!("JSONMERGE.TAKE {key}")).or_else(|error| {
        expect_unknown_command(error)?;
        client.call(&format!("GETDEL {key}"))
    })?;
    events.note_reply(began, &taken);
    Ok(())
}

/// Waits a moment if the error says that the module is not loaded.
///
/// # Errors
/// Returns any other error.
fn expect_unknown_command(error: String) -> Result<(), String> {
    if !error.starts_with("ERR unknown command") {
        return Err(error);
    }
    thread::sleep(Duration::from_millis(1));
    Ok(())
}
