//! A server is killed under load, while it rewrites its AOF and saves its RDB file, and its AOF may lose
//! its last bytes. A server without the module then loads the files. It must have every write before some
//! point, and no write after it.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use fastrand::Rng;

use crate::support::client::Client;
use crate::support::random::Seed;
use crate::support::server::{Server, Settings};

const WRITERS: usize = 4;
const KEYS: usize = 5;

/// How the server writes its AOF.
#[derive(Clone, Copy, Debug)]
struct Mode {
    fsync: &'static str,
    preamble: &'static str,
    /// Whether the AOF loses its last bytes, as if they had not been flushed to disk.
    is_truncated: bool,
}

/// What a writer knows about a key. It alone appends 1, 2, 3, ... to the key, one or several at a time, and
/// takes some or all of them now and then.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The last number that the server acknowledged.
    acknowledged: u64,
    /// The last number that was sent.
    sent: u64,
    /// The last number that was taken.
    taken: u64,
    /// The last number of each TAKE. A stored array begins after one of them, or with 1.
    ends: Vec<u64>,
    /// If the last command was a TAKE whose reply was lost, the last number that it can have taken.
    taken_in_lost_reply: Option<u64>,
}

#[test]
fn after_a_crash_a_plain_server_loads_all_writes_up_to_some_point() {
    let mut random = Seed::print("crash").rng(0);
    let modes = [
        Mode { fsync: "always", preamble: "yes", is_truncated: false },
        Mode { fsync: "always", preamble: "no", is_truncated: false },
        Mode { fsync: "everysec", preamble: "yes", is_truncated: true },
        Mode { fsync: "everysec", preamble: "no", is_truncated: true },
    ];
    let end = Instant::now() + super::duration();
    let (mut crashes, mut appends, mut stored) = (0, 0, 0);
    while crashes == 0 || Instant::now() < end {
        for mode in modes {
            let (server, known) = crash(mode, &mut random);
            appends += known.iter().flatten().map(|known| known.acknowledged).sum::<u64>();
            stored += check(mode, server, &known, &mut random);
            crashes += 1;
        }
    }
    println!(
        "crash: {crashes} crashes, {appends} numbers acknowledged, {stored} numbers stored after crashes"
    );
    assert!(appends > 1000 && stored > 100, "too little to test");
}

fn settings(mode: Mode) -> Settings {
    Settings::new()
        .with("appendonly yes")
        .with(&format!("appendfsync {}", mode.fsync))
        .with(&format!("aof-use-rdb-preamble {}", mode.preamble))
        .with("aof-load-truncated yes")
}

/// Kills a server under load, and returns it and what each writer knows.
fn crash(mode: Mode, random: &mut Rng) -> (Server, Vec<[Known; KEYS]>) {
    let mut server = settings(mode).module().start();
    let known: Vec<_> =
        (0..WRITERS).map(|_| Mutex::new(std::array::from_fn(|_| Known::default()))).collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _guard = super::SetOnDrop(&is_over);
        for (writer, known) in known.iter().enumerate() {
            let (is_over, port, random) = (&is_over, server.port, random.fork());
            scope.spawn(move || {
                let mut known = known.lock().expect("no thread panicked");
                super::repeat(
                    is_over,
                    || port,
                    random,
                    |client, random| write(client, random, writer, &mut known),
                );
            });
        }
        let mut client = server.client();
        for command in ["BGREWRITEAOF", "BGSAVE SCHEDULE", "BGREWRITEAOF"] {
            super::sleep(random, 20..150);
            // This fails while an earlier one is running.
            _ = client.call(command);
        }
        super::sleep(random, 0..100);
        server.kill();
    });
    (
        server,
        known.into_iter().map(|known| known.into_inner().expect("no thread panicked")).collect(),
    )
}

fn write(
    client: &mut Client,
    random: &mut Rng,
    writer: usize,
    known: &mut [Known; KEYS],
) -> Result<(), String> {
    let key = random.usize(..KEYS);
    let known = &mut known[key];
    if random.u32(..5) == 0 {
        let (count, end) = match random.u32(..10) {
            0 => (String::new(), known.acknowledged),
            _ => {
                let count = random.u64(1..100);
                (format!(" COUNT {count}"), known.acknowledged.min(known.taken + count))
            }
        };
        known.taken_in_lost_reply = Some(end);
        known.ends.push(end);
        let array = client.call(&format!("JSONMERGE.TAKE {writer}:{key}{count}"))?;
        assert_eq!(numbers(&array), (known.taken + 1..=end).collect::<Vec<_>>());
        known.taken_in_lost_reply = None;
        known.taken = end;
        return Ok(());
    }
    let start = known.sent + 1;
    known.sent += random.u64(1..40);
    let added: Vec<_> = (start..=known.sent).collect();
    client.call(&format!("JSONMERGE.APPEND {writer}:{key} {} REPLY SIZE", json(&added)))?;
    known.acknowledged = known.sent;
    Ok(())
}

fn json(numbers: &[u64]) -> String {
    serde_json::to_string(numbers).expect("numbers are JSON")
}

fn numbers(array: &str) -> Vec<u64> {
    match array {
        "(nil)" => Vec::new(),
        array => serde_json::from_str(array).unwrap_or_else(|error| panic!("{array}: {error}")),
    }
}

/// Starts a server without the module on the files, asserts that its values are possible after the
/// crash, and returns how many numbers they contain.
fn check(mode: Mode, server: Server, known: &[[Known; KEYS]], random: &mut Rng) -> u64 {
    if mode.is_truncated {
        let file = last_aof(&server);
        let size = fs::metadata(&file).expect("the AOF exists").len();
        let file = OpenOptions::new().write(true).open(file).expect("the AOF is writable");
        file.set_len(size - random.u64(..=size.min(3000))).expect("the AOF is truncated");
    }
    let plain = server.restart_as(settings(mode));
    let must_be_complete = mode.fsync == "always" && !plain.replies_before_aof();
    let mut client = plain.client();
    let mut count = 0;
    for (writer, keys) in known.iter().enumerate() {
        for (key, known) in keys.iter().enumerate() {
            let stored = numbers(&client.ok(&format!("GET {writer}:{key}")));
            count += stored.len() as u64;
            for pair in stored.windows(2) {
                assert_eq!(pair[0] + 1, pair[1], "{mode:?}: {stored:?}");
            }
            assert!(stored.last().is_none_or(|last| *last <= known.sent), "{mode:?}: {stored:?}");
            if let Some(first) = stored.first() {
                assert!(*first == 1 || known.ends.contains(&(first - 1)), "{mode:?}: {stored:?}");
            }
            let is_complete = [Some(known.taken), known.taken_in_lost_reply].iter().flatten().any(
                |taken| match (stored.first(), stored.last()) {
                    (Some(first), Some(last)) => *first == taken + 1 && *last >= known.acknowledged,
                    _ => *taken == known.acknowledged,
                },
            );
            assert!(
                is_complete || !must_be_complete,
                "{mode:?}: stored {stored:?}, known {known:?}"
            );
        }
    }
    count
}

/// Returns the file that the server wrote to last.
fn last_aof(server: &Server) -> PathBuf {
    let directory =
        fs::read_dir(server.directory().join("appendonlydir")).expect("the server has an AOF");
    let number = |file: &PathBuf| -> Option<u32> {
        let name = file.file_name()?.to_str()?;
        name.strip_prefix("appendonly.aof.")?.strip_suffix(".incr.aof")?.parse().ok()
    };
    let files = directory.map(|file| file.expect("the file is listed").path());
    files
        .filter(|file| number(file).is_some())
        .max_by_key(number)
        .expect("the AOF has an incremental file")
}
