//! How a TAKE with COUNT is announced to replicas, WATCH, client-side caches and subscribers, and that a
//! refused one is not.

use crate::support::client::Client;
use crate::support::pushes::Pushes;
use crate::support::server::{Server, Settings};
use crate::support::stream::{ReplicationStream, aof};

/// Everything that observes a change to the key `k`.
struct Witnesses {
    client: Client,
    watcher: Client,
    events: Pushes,
    cache: Pushes,
    stream: ReplicationStream,
}

impl Witnesses {
    fn of(server: &Server) -> Self {
        let events = Pushes::events(server);
        Witnesses {
            client: server.client(),
            watcher: server.client(),
            cache: Pushes::tracking(server),
            stream: ReplicationStream::attach(server),
            events,
        }
    }

    /// Makes the key, sends a command, and returns its reply, the effects and the events.
    fn call(
        &mut self,
        setup: &[&[u8]],
        command: &str,
    ) -> (Result<String, String>, Vec<String>, Vec<String>) {
        self.client.ok("DEL k");
        self.client.call_with(setup).expect("the setup succeeds");
        self.watcher.ok("WATCH k");
        self.cache.ok("DUMP k");
        self.stream.commands(&mut self.client);
        self.events.drain();
        self.cache.drain();

        let reply = self.client.call(command);

        let (effects, events) = (self.stream.commands(&mut self.client), self.events.drain());
        let has_changed = !effects.is_empty();
        let invalidated: &[&str] = if has_changed { &["invalidate (k)"] } else { &[] };
        assert_eq!(self.cache.drain(), invalidated, "{command}");
        let exec = if has_changed { "(nil)" } else { "(PONG)" };
        self.watcher.expect(&[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", exec)]);
        (reply, effects, events)
    }
}

#[test]
fn take_count_propagates_its_effect_and_raises_an_event() {
    let server = Server::start();
    let mut witnesses = Witnesses::of(&server);
    let large = format!("[1, 2,\"{}\"]", "x".repeat(5000));
    let first_is_large = format!("[\"{}\",2,3]", "x".repeat(5000));
    const TAKE: &str = "jsonmerge.take k";
    const DEL: &str = "del k";
    for (stored, options, effect, event) in [
        ("[1,2,3]", "COUNT 1", "SET k [2,3] KEEPTTL", TAKE),
        ("[1,2,3]", "COUNT 2 TRUST", "SET k [3] KEEPTTL", TAKE),
        ("\n[ 1 , 2 ]\n", "COUNT 1", "SET k [2 ]\n KEEPTTL", TAKE),
        ("[1,2,3]", "COUNT 3", "UNLINK k", DEL),
        ("[1,2,3]", "COUNT 4 TRUST", "UNLINK k", DEL),
        ("[1,2,3]", "TRUST", "UNLINK k", DEL),
        ("[]", "COUNT 1", "UNLINK k", DEL),
        ("[1,]", "COUNT 1 TRUST", "SET k [,] KEEPTTL", TAKE),
        // Spaces from the first element taken to the first that is left.
        (&large, "COUNT 1", "SETRANGE k 1    ", TAKE),
        (&large, "COUNT 2 TRUST", "SETRANGE k 1      ", TAKE),
        (&large, "COUNT 3", "UNLINK k", DEL),
        (&first_is_large, "COUNT 1", "SET k [2,3] KEEPTTL", TAKE),
    ] {
        for ttl in [&[][..], &[&b"PXAT"[..], b"9999999999999"]] {
            let setup = [&[&b"SET"[..], b"k", stored.as_bytes()], ttl].concat();
            let command = format!("JSONMERGE.TAKE k {options}");
            let (reply, effects, events) = witnesses.call(&setup, &command);
            assert!(reply.is_ok(), "{stored:.20?} {options}: {reply:?}");
            assert_eq!(effects, [effect], "{stored:.20?} {options}");
            assert_eq!(events, [event], "{stored:.20?} {options}");
        }
    }
}

/// Returns everything that a client can see of the key.
fn state(client: &mut Client) -> Vec<String> {
    ["TYPE k", "OBJECT ENCODING k", "PEXPIRETIME k", "DUMP k"].map(|look| client.ok(look)).to_vec()
}

#[test]
fn take_that_fails_changes_nothing() {
    let server = Server::start();
    let mut witnesses = Witnesses::of(&server);
    let large = format!("[1,x,\"{}\"]", "x".repeat(5000));
    for (stored, options) in [
        ("[1,x]", "COUNT 1"),
        ("[1,x]", "COUNT 2 TRUST"),
        ("[x,1]", "COUNT 1 TRUST"),
        ("[1,]", "COUNT 1"),
        ("[,]", "COUNT 1 TRUST"),
        ("{}", "COUNT 1"),
        ("12345", "COUNT 1 TRUST"),
        ("", "COUNT 1 BLOCK 0"),
        ("[1,2]", "COUNT 0"),
        ("[1,2]", "COUNT 1 COUNT 1"),
        ("[1,2]", "BLOCK -1"),
        ("[1,2]", "TRUST FOO"),
        (&large, "COUNT 1"),
        (&large, "COUNT 2 TRUST"),
    ] {
        let setup = [b"SET", &b"k"[..], stored.as_bytes(), b"PXAT", b"9999999999999"];
        witnesses.client.call_with(&setup).expect("SET");
        let mut before = state(&mut witnesses.client);
        let (reply, effects, events) =
            witnesses.call(&setup, &format!("JSONMERGE.TAKE k {options}"));
        assert!(reply.is_err(), "{stored:.20} {options}: {reply:?}");
        assert_eq!((effects, events), (vec![], vec![]), "{stored:.20} {options}");
        let mut after = state(&mut witnesses.client);
        // Reading a short string makes it raw.
        (before[1], after[1]) = Default::default();
        assert_eq!(after, before, "{stored:.20} {options}");
    }
}

/// Neither a null reply nor a wait nor a timeout is a change.
#[test]
fn take_block_against_a_missing_key_propagates_nothing() {
    let server = Server::start();
    let mut client = server.client();
    let mut stream = ReplicationStream::attach(&server);
    client.expect(&[("JSONMERGE.TAKE k COUNT 1", "(nil)"), ("JSONMERGE.TAKE k BLOCK 20", "(nil)")]);
    assert_eq!(stream.commands(&mut client), [""; 0]);
}

#[test]
fn an_aof_with_take_count_loads_without_the_module() {
    let server = Settings::new().module().with("appendonly yes").with("appendfsync always").start();
    let mut client = server.client();
    let long = "x".repeat(5000);
    client.ok(&format!("JSONMERGE.APPEND k [1,2,\"{long}\",3] PXAT 9999999999999 REPLY LEN"));
    client.expect(&[
        ("JSONMERGE.TAKE k COUNT 1", "[1]"),
        ("JSONMERGE.TAKE k COUNT 1 TRUST", "[2]"),
        ("JSONMERGE.TAKE k COUNT 1", &format!("[\"{long}\"]")),
        ("JSONMERGE.APPEND k [4]", "[3,4]"),
        ("JSONMERGE.TAKE k COUNT 1", "[3]"),
    ]);
    assert_eq!(
        aof(&server)[3..],
        [
            "EXEC",
            "SETRANGE k 1   ",
            "SETRANGE k 3   ",
            "SET k [3] KEEPTTL",
            "SETRANGE k 2 ,4]",
            "SET k [4] KEEPTTL"
        ]
    );
    let digest = client.ok("DEBUG DIGEST");
    let plain = server.restart_as(Settings::new().with("appendonly yes"));
    plain.client().expect(&[
        ("GET k", "[4]"),
        ("PEXPIRETIME k", "(integer) 9999999999999"),
        ("DEBUG DIGEST", &digest),
    ]);
}

/// The traffic to drain an array is proportional to the size of the array, not to the number of calls.
#[test]
fn take_count_drains_ten_megabytes_with_at_most_25_megabytes_of_traffic() {
    let server = Settings::new().module().with("repl-backlog-size 1mb").start();
    let mut client = server.client();
    let _replica = ReplicationStream::attach(&server);
    for (size, count) in [(100, 1000), (100, 99), (1000, 10)] {
        let element = |n: usize| format!("\"{n:0width$}\"", width = size - 2);
        let len = 10_000_000 / size;
        let elements: Vec<_> = (0..len).map(element).collect();
        let value = format!("[{}]", elements.join(","));
        client.call_with(&[b"SET", b"k", value.as_bytes()]).expect("SET");
        let before = client.info("master_repl_offset");
        let start = std::time::Instant::now();
        let (mut taken, mut calls) = (0, 0);
        let command = format!("JSONMERGE.TAKE k COUNT {count} TRUST");
        loop {
            let reply = client.ok(&command);
            if reply == "(nil)" {
                break;
            }
            let got: Vec<&str> = reply[1..reply.len() - 1].split(',').map(str::trim).collect();
            assert_eq!(got, elements[taken..taken + got.len()], "{taken}");
            (taken, calls) = (taken + got.len(), calls + 1);
        }
        assert_eq!(taken, len);
        let bytes = client.info("master_repl_offset") - before;
        println!(
            "{len} elements of {size} bytes by COUNT {count}: {calls} calls, {bytes} bytes propagated, {:?}",
            start.elapsed()
        );
        assert!(bytes * 10 <= 25 * value.len() as u64, "{bytes} bytes for {}", value.len());
    }
}
