//! The memo changes nothing but time: servers with 0, 2 and the default number of slots get the same
//! random commands, ours and all those of others that can touch a string, and answer the same.
//!
//! The values are arrays of single digits and larger than what is always checked, so that one byte
//! makes another array of the same size, of as many elements or of fewer, or none at all.

use fastrand::Rng;

use crate::support::client::Client;
use crate::support::server::{Server, Settings};

const COMMANDS: usize = 6000;

type Command = Vec<Vec<u8>>;

#[test]
fn replies_and_values_are_the_same_with_any_number_of_slots() {
    let seed = match std::env::var("JSONMERGE_SEED") {
        Ok(seed) => seed.parse().expect("JSONMERGE_SEED must be a number"),
        Err(_) => fastrand::u64(..),
    };
    eprintln!("JSONMERGE_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let servers = ["0", "2", "16384"].map(server_with_slots);
    let mut clients = servers.each_ref().map(Server::client);
    let mut succeeded = 0;
    for step in 0..COMMANDS {
        for command in commands(&mut random) {
            let replies = clients.each_mut().map(|client| call(client, &command));
            let shown: Vec<_> =
                command.iter().map(|word| word.escape_ascii().to_string()).collect();
            assert_eq!(replies[0], replies[1], "2 slots, seed {seed}, step {step}: {shown:?}");
            assert_eq!(replies[0], replies[2], "16384 slots, seed {seed}, step {step}: {shown:?}");
            succeeded += usize::from(shown[0].starts_with("JSONMERGE") && replies[0].is_ok());
        }
    }
    assert!(succeeded > COMMANDS / 10, "only {succeeded} of our commands were not refused");
    for database in ["0", "1"] {
        let digests = clients.each_mut().map(|client| {
            client.ok(&format!("SELECT {database}"));
            ["k0", "k1", "k2", "k3"].map(|key| client.call(&format!("GET {key}")))
        });
        assert_eq!(digests[0], digests[1]);
        assert_eq!(digests[0], digests[2]);
    }
    let digests = clients.each_mut().map(|client| client.ok("DEBUG DIGEST"));
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[0], digests[2]);
}

fn server_with_slots(slots: &str) -> Server {
    let server =
        Settings::new().module().with(&format!("jsonmerge.verified-slots {slots}")).start();
    server.client().ok("DEBUG SET-ACTIVE-EXPIRE 0");
    server
}

fn call(client: &mut Client, command: &Command) -> Result<String, String> {
    client.call_with(&command.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// One command, or a transaction.
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

/// Changes one byte of an array of digits: another digit, a comma that goes, or no JSON any more.
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

/// The value of another key, written by a script, with one more append of ours.
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

/// RESTORE of a string, in the form of RDB version 9 and without a checksum.
fn restore(key: &str, array: &str) -> Command {
    let size = u16::try_from(array.len()).expect("a short array");
    let [high, low] = size.to_be_bytes();
    let dump = [&[0, 0x40 | high, low], array.as_bytes(), &[9, 0], &[0; 8]].concat();
    let command = [b"RESTORE", key.as_bytes(), b"0", &dump, b"REPLACE"];
    command.map(<[u8]>::to_vec).to_vec()
}

/// An array of single digits, of one of these numbers of elements.
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
