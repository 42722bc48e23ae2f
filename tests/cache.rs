//! The validation cache changes no reply and no value, only the time a command takes.

use fastrand::Rng;
use jsonmerge::cache::{DEFAULT_ENTRIES, MIN_ENTRIES};

use crate::info::{field, has_cache};
use crate::support::client::Client;
use crate::support::random::Seed;
use crate::support::server::{Server, Settings};

const CONFIG: &str = "jsonmerge.validation-cache-entries";

/// The number of random commands.
const COMMANDS: usize = 6000;

type Command = Vec<Vec<u8>>;

/// Sends the same random commands to servers with different numbers of entries: the module's commands, and
/// all of core's that can change a string.
///
/// The values are arrays of single digits that are long enough to be cached. A change of one byte makes a
/// different array of the same size, with as many elements or fewer, or a text that is not JSON.
#[test]
fn commands_return_and_store_the_same_with_any_number_of_cache_entries() {
    let mut random = Seed::print("cache").rng(0);
    let entries = [0, MIN_ENTRIES, 2 * MIN_ENTRIES, DEFAULT_ENTRIES];
    let servers = entries.map(server_with_entries);
    let mut clients = servers.each_ref().map(Server::client);
    let mut successes = 0;
    for step in 0..COMMANDS {
        for command in commands(&mut random) {
            let replies = clients.each_mut().map(|client| call(client, &command));
            let shown: Vec<_> =
                command.iter().map(|word| word.escape_ascii().to_string()).collect();
            assert_same(&replies, &entries, &format!("step {step}: {shown:?}"));
            successes += usize::from(shown[0].starts_with("JSONMERGE") && replies[0].is_ok());
        }
    }
    assert!(successes > COMMANDS / 10, "only {successes} commands of the module succeeded");
    for database in ["0", "1"] {
        let values = clients.each_mut().map(|client| {
            client.ok(&format!("SELECT {database}"));
            ["k0", "k1", "k2", "k3"].map(|key| client.call(&format!("GET {key}")))
        });
        assert_same(&values, &entries, "GET");
    }
    assert_same(&clients.each_mut().map(|client| client.ok("DEBUG DIGEST")), &entries, "digest");
    if has_cache(&mut clients[3]) {
        let hits = clients.each_mut().map(|client| field(client, "cache_hits"));
        assert!(hits[0] == 0 && hits[1..].iter().all(|hits| *hits > 0), "hits: {hits:?}");
    }
}

#[track_caller]
fn assert_same<T: PartialEq + std::fmt::Debug>(results: &[T], entries: &[usize], context: &str) {
    for (result, entries) in results.iter().zip(entries) {
        assert_eq!(results[0], *result, "0 and {entries} entries, {context}");
    }
}

fn server_with_entries(entries: usize) -> Server {
    let server = Settings::new().module().with(&format!("{CONFIG} {entries}")).start();
    server.client().ok("DEBUG SET-ACTIVE-EXPIRE 0");
    server
}

/// `JSONMERGE_HAS_CACHE` is 1 or 0 if the test runs on a known processor, and says whether it has the
/// instructions that the cache needs.
#[test]
fn a_processor_without_the_instructions_disables_the_cache_and_the_log_says_so() {
    let server = Server::start();
    let is_enabled = has_cache(&mut server.client());
    if let Ok(expected) = std::env::var("JSONMERGE_HAS_CACHE") {
        assert_eq!(is_enabled, expected == "1");
    }
    assert_eq!(server.log().contains("the validation cache is disabled"), !is_enabled);
}

#[test]
fn info_reports_the_entries_in_use_and_the_size_of_the_table() {
    let server = Server::start();
    let mut client = server.client();
    if !has_cache(&mut client) {
        return;
    }
    let mut observer = server.client();
    let mut state = || ["cache_entries", "cache_bytes"].map(|name| field(&mut observer, name));
    let array = format!("[\"{}\"]", "x".repeat(1000));
    let [_, bytes] = state();
    let [default, minimum] = [DEFAULT_ENTRIES, MIN_ENTRIES].map(|entries| entries as i64);
    assert_eq!(bytes, 16 * default);
    for (command, entries) in [
        (format!("JSONMERGE.APPEND a {array}"), 1),
        (format!("JSONMERGE.APPEND b {}", array.replace('x', "y")), 2),
        ("JSONMERGE.APPEND a [1]".into(), 2),
        ("JSONMERGE.APPEND a [1]".into(), 2),
        ("JSONMERGE.APPEND short [1]".into(), 2),
        ("JSONMERGE.TAKE a".into(), 1),
        ("JSONMERGE.APPEND b [1] PXAT 1".into(), 0),
    ] {
        client.ok(&command);
        assert_eq!(state(), [entries, bytes], "{command}");
    }
    client.ok(&format!("JSONMERGE.APPEND a {array}"));
    for entries in [minimum, 0, 4 * default, default] {
        client.ok(&format!("CONFIG SET {CONFIG} {entries}"));
        assert_eq!(state(), [0, 16 * entries]);
    }
}

fn call(client: &mut Client, command: &Command) -> Result<String, String> {
    client.call_with(&command.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// Returns one command, or the commands of a transaction.
fn commands(random: &mut Rng) -> Vec<Command> {
    if random.u32(..20) > 0 {
        return vec![one(random)];
    }
    let inside =
        (0..random.usize(1..5)).map(|_| one(random)).filter(|command| command[0] != b"DEBUG");
    [words("MULTI")].into_iter().chain(inside.collect::<Vec<_>>()).chain([words("EXEC")]).collect()
}

fn one(random: &mut Rng) -> Command {
    let key = key(random);
    match random.u32(..100) {
        0..30 => append(random, &key),
        30..36 => words(&format!("JSONMERGE.TAKE {key}")),
        36..48 => words(&format!("SET {key} {}", array(random, &[127, 128, 128, 300]))),
        48..66 => edit(random, &key),
        66 => words(&format!("SETBIT {key} {} {}", random.u32(..4000), random.u32(..2))),
        67 => {
            words(&format!("BITFIELD {key} SET u8 #{} {}", random.u32(..400), random.u32(48..58)))
        }
        68 => words(&format!("APPEND {key} {}", random.choice([",1]", "]", "0"]).unwrap_or("1"))),
        69 => words(&format!("INCR {key}")),
        70..73 => {
            words(&format!("MSET {key} {} k0 {}", array(random, &[128]), array(random, &[128])))
        }
        73..75 => words(&format!("GETSET {key} {}", array(random, &[128]))),
        75..78 => words(&format!("RENAME {key} {}", self::key(random))),
        78..82 => words(&format!("COPY {key} {} REPLACE", self::key(random))),
        82..84 => words(&format!("COPY {key} {key} DB 1 REPLACE")),
        84..86 => words(&format!("MOVE {key} 1")),
        86..88 => words("SWAPDB 0 1"),
        88 => words(&format!("DEL {key}")),
        89 => words(&format!("PEXPIREAT {key} 1")),
        90 => words(&format!("GETEX {key} EX 1000")),
        91 if random.u32(..10) == 0 => words("FLUSHDB"),
        92 if random.u32(..5) == 0 => words("DEBUG RELOAD"),
        93..96 => restore(&key, &array(random, &[128])),
        _ => script(random, &key),
    }
}

fn append(random: &mut Rng, key: &str) -> Command {
    let array = array(random, &[0, 1, 2, 30]);
    let options = [
        "",
        "",
        " REPLY LEN",
        " REPLY LEN",
        " TRUST REPLY SIZE",
        " EX 1000",
        " PERSIST",
        " PXAT 1",
    ];
    let option = random.choice(options).unwrap_or_default();
    words(&format!("JSONMERGE.APPEND {key} {array}{option}"))
}

/// Changes one byte of an array of digits to a different digit, or to a byte that removes an element or makes
/// the text invalid.
fn edit(random: &mut Rng, key: &str) -> Command {
    let element = random.usize(..128);
    let (offset, byte) = match random.u32(..8) {
        0..5 => (1 + 2 * element, random.u32(1..10).to_string()),
        5 => (2 + 2 * element, random.u32(1..10).to_string()),
        6 => (1 + 2 * element, "x".into()),
        _ => (2 + 2 * element, ",".into()),
    };
    words(&format!("SETRANGE {key} {offset} {byte}"))
}

/// Returns a script that copies the value of another key, and appends to it before and after SETRANGE.
fn script(random: &mut Rng, key: &str) -> Command {
    let script = "local value = redis.call('GET', KEYS[2]) or '[]'
        redis.call('SET', KEYS[1], value)
        redis.pcall('JSONMERGE.APPEND', KEYS[1], ARGV[1])
        redis.call('SETRANGE', KEYS[1], ARGV[2], '7')
        return redis.pcall('JSONMERGE.APPEND', KEYS[1], ARGV[1], 'REPLY', 'LEN')";
    let offset = random.usize(1..200).to_string();
    let arguments = ["EVAL", script, "2", key, &self::key(random), &array(random, &[1]), &offset];
    arguments.map(|argument| argument.as_bytes().to_vec()).to_vec()
}

/// Returns a RESTORE command for a string, in the format of RDB version 9, without a checksum.
fn restore(key: &str, array: &str) -> Command {
    let size = u16::try_from(array.len()).expect("the array is short");
    let [high, low] = size.to_be_bytes();
    let dump = [&[0, 0x40 | high, low], array.as_bytes(), &[9, 0], &[0; 8]].concat();
    let command = [b"RESTORE", key.as_bytes(), b"0", &dump, b"REPLACE"];
    command.map(<[u8]>::to_vec).to_vec()
}

/// Returns an array of single digits with one of these numbers of elements.
fn array(random: &mut Rng, lens: &[usize]) -> String {
    let len = random.choice(lens).copied().unwrap_or(1);
    let digits: Vec<String> = (0..len).map(|_| random.u32(1..4).to_string()).collect();
    format!("[{}]", digits.join(","))
}

fn key(random: &mut Rng) -> String {
    format!("k{}", random.u32(..4))
}

fn words(command: &str) -> Command {
    command.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}
