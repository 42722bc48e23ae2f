//! A server that is killed at any moment, while it rewrites its AOF and saves its RDB, and whose AOF
//! may lose its end: a server without the module loads what is left, and it is a whole prefix of
//! what was done.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::support::client::Client;
use crate::support::server::{Server, Settings};

const WRITERS: usize = 4;
const KEYS: usize = 5;

/// How the AOF is kept.
#[derive(Clone, Copy, Debug)]
struct Mode {
    fsync: &'static str,
    preamble: &'static str,
    /// Whether the file loses its last bytes, as with a disk that was not flushed.
    is_cut: bool,
}

/// What one writer knows of a key of its own, onto which it appends 1, 2, 3, ... and takes now and then.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The last number of which a reply told that it is stored.
    acknowledged: u64,
    /// The last number that was sent.
    sent: u64,
    /// The last number of the last array that was taken.
    taken: u64,
    /// What was the last number whenever a take was sent: an array can begin behind these alone.
    ends: Vec<u64>,
    /// Whether a take was sent since, whose reply did not come.
    is_take_in_doubt: bool,
}

#[test]
fn a_crash_leaves_a_whole_prefix_that_a_plain_server_loads() {
    let modes = [
        Mode { fsync: "always", preamble: "yes", is_cut: false },
        Mode { fsync: "always", preamble: "no", is_cut: false },
        Mode { fsync: "everysec", preamble: "yes", is_cut: true },
        Mode { fsync: "everysec", preamble: "no", is_cut: true },
    ];
    let end = Instant::now() + super::span();
    let (mut crashes, mut appends, mut left) = (0, 0, 0);
    while crashes == 0 || Instant::now() < end {
        for mode in modes {
            let (server, known) = crash(mode);
            appends += known.iter().flatten().map(|known| known.acknowledged).sum::<u64>();
            left += check(mode, server, &known);
            crashes += 1;
        }
    }
    println!(
        "crash: {crashes} crashes, {appends} appends acknowledged, {left} numbers still stored and in order"
    );
    assert!(appends > 1000 && left > 100);
}

fn settings(mode: Mode) -> Settings {
    Settings::new()
        .with("appendonly yes")
        .with(&format!("appendfsync {}", mode.fsync))
        .with(&format!("aof-use-rdb-preamble {}", mode.preamble))
        .with("aof-load-truncated yes")
}

/// Kills a server under load, and tells what its writers know.
fn crash(mode: Mode) -> (Server, Vec<[Known; KEYS]>) {
    let mut server = settings(mode).module().start();
    let known: Vec<_> =
        (0..WRITERS).map(|_| Mutex::new(std::array::from_fn(|_| Known::default()))).collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for (writer, known) in known.iter().enumerate() {
            let (is_over, port) = (&is_over, server.port);
            scope.spawn(move || {
                let mut known = known.lock().expect("its only writer");
                super::repeat(
                    is_over,
                    || port,
                    |client, random| write(client, random, writer, &mut known),
                );
            });
        }
        let mut client = server.client();
        for command in ["BGREWRITEAOF", "BGSAVE SCHEDULE", "BGREWRITEAOF"] {
            thread::sleep(Duration::from_millis(fastrand::u64(20..150)));
            // Refused while another one goes on.
            _ = client.call(command);
        }
        thread::sleep(Duration::from_millis(fastrand::u64(0..100)));
        server.kill();
        is_over.store(true, Relaxed);
    });
    (server, known.into_iter().map(|known| known.into_inner().expect("no writer failed")).collect())
}

fn write(
    client: &mut Client,
    random: &mut Rng,
    writer: usize,
    known: &mut [Known; KEYS],
) -> Result<(), String> {
    let key = random.usize(..KEYS);
    let known = &mut known[key];
    if random.u32(..50) == 0 {
        known.is_take_in_doubt = true;
        known.ends.push(known.acknowledged);
        let array = client.call(&format!("JSONMERGE.TAKE {writer}:{key}"))?;
        known.is_take_in_doubt = false;
        known.taken = known.acknowledged;
        let last = numbers(&array).last().copied();
        assert_eq!(last.unwrap_or(known.taken), known.taken);
        return Ok(());
    }
    known.sent += 1;
    client.call(&format!("JSONMERGE.APPEND {writer}:{key} [{}] REPLY SIZE", known.sent))?;
    known.acknowledged = known.sent;
    Ok(())
}

fn numbers(array: &str) -> Vec<u64> {
    match array {
        "(nil)" => Vec::new(),
        array => serde_json::from_str(array).unwrap_or_else(|error| panic!("{array}: {error}")),
    }
}

/// Starts a server without the module on the files, and returns how many numbers are left.
fn check(mode: Mode, server: Server, known: &[[Known; KEYS]]) -> u64 {
    if mode.is_cut {
        let file = last_aof(&server);
        let size = fs::metadata(&file).expect("an AOF").len();
        let file = OpenOptions::new().write(true).open(file).expect("an AOF");
        file.set_len(size - fastrand::u64(..=size.min(3000))).expect("a shorter AOF");
    }
    let plain = server.restart_as(settings(mode));
    let mut client = plain.client();
    let mut left = 0;
    for (writer, keys) in known.iter().enumerate() {
        for (key, known) in keys.iter().enumerate() {
            let stored = numbers(&client.ok(&format!("GET {writer}:{key}")));
            left += stored.len() as u64;
            for pair in stored.windows(2) {
                assert_eq!(pair[0] + 1, pair[1], "{mode:?}: {stored:?}");
            }
            assert!(stored.last().is_none_or(|last| *last <= known.sent), "{mode:?}");
            if let Some(first) = stored.first() {
                assert!(*first == 1 || known.ends.contains(&(first - 1)), "{mode:?}: {stored:?}");
            }
            let is_whole = match (stored.first(), stored.last()) {
                (Some(first), Some(last)) => {
                    *first == known.taken + 1 && *last >= known.acknowledged
                }
                _ => known.taken == known.acknowledged,
            };
            assert!(
                is_whole || known.is_take_in_doubt && stored.is_empty() || mode.fsync != "always",
                "{mode:?}: {stored:?} is left of {known:?}"
            );
        }
    }
    left
}

/// The file that the server wrote to last.
fn last_aof(server: &Server) -> PathBuf {
    let directory = fs::read_dir(server.directory().join("appendonlydir")).expect("an AOF");
    let number = |file: &PathBuf| -> Option<u32> {
        let name = file.file_name()?.to_str()?;
        name.strip_prefix("appendonly.aof.")?.strip_suffix(".incr.aof")?.parse().ok()
    };
    let files = directory.map(|file| file.expect("a file").path());
    files.filter(|file| number(file).is_some()).max_by_key(number).expect("an AOF")
}
