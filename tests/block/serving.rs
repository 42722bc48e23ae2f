//! Which client gets what, and which commands serve no client.

use std::io::{BufReader, Write as _};
use std::time::Instant;

use redis::Parser;

use super::{Waiter, wait_for_waiters};
use crate::support::client::{tcp, text};
use crate::support::pushes::Pushes;
use crate::support::server::{Server, wait_until};
use crate::support::stream::ReplicationStream;

/// (the options of each waiting client, the appends, each client's reply or `None` if it keeps waiting, what
/// is left)
type Row = (
    &'static [&'static str],
    &'static [&'static str],
    &'static [Option<&'static str>],
    &'static str,
);

const SERVED: &[Row] = &[
    // Each append serves the client that has waited longest.
    (&["", "", ""], &["[1]", "[2]", "[3]"], &[Some("[1]"), Some("[2]"), Some("[3]")], "(nil)"),
    (&["", ""], &["[1,2,3]"], &[Some("[1,2,3]"), None], "(nil)"),
    // A client also takes `[]`.
    (&["", ""], &["[]"], &[Some("[]"), None], "(nil)"),
    (&[" COUNT 3", ""], &["[]"], &[Some("[]"), None], "(nil)"),
    // The next client takes from the rest.
    (
        &[" COUNT 2", " COUNT 2", "", ""],
        &["[1,2,3,4,5]"],
        &[Some("[1,2]"), Some("[3,4]"), Some("[5]"), None],
        "(nil)",
    ),
    (&[" COUNT 1", " COUNT 1 TRUST"], &["[1,2,3]"], &[Some("[1]"), Some("[2]")], "[3]"),
    (&[" COUNT 3", " COUNT 1"], &["[1,2,3]"], &[Some("[1,2,3]"), None], "(nil)"),
    (
        &[" TRUST", " TRUST"],
        &["[1] TRUST REPLY SIZE", "[2] REPLY LEN"],
        &[Some("[1]"), Some("[2]")],
        "(nil)",
    ),
    // The rest goes to the next client before the next append runs.
    (&[" COUNT 1", " COUNT 1"], &["[1,2]", "[3]"], &[Some("[1]"), Some("[2]")], "[3]"),
    // An append with an expire time in the past creates no key.
    (&[""], &["[1] PXAT 1", "[2] PX 50000"], &[Some("[2]")], "(nil)"),
];

#[test]
fn take_block_serves_the_clients_in_the_order_in_which_they_began_to_wait() {
    let server = Server::start();
    let mut producer = server.client();
    for (options, appends, replies, left) in SERVED {
        let start =
            |options: &&str| Waiter::start(&server, &format!("JSONMERGE.TAKE k BLOCK 0{options}"));
        let mut waiters: Vec<_> = options.iter().map(start).collect();
        for append in *appends {
            producer.ok(&format!("JSONMERGE.APPEND k {append}"));
        }
        let shown = format!("{options:?} {appends:?}");
        for (waiter, reply) in waiters.iter_mut().zip(*replies) {
            match reply {
                Some(reply) => assert_eq!(waiter.reply(), *reply, "{shown}"),
                None => assert!(waiter.is_waiting(&server), "{shown}"),
            }
        }
        assert_eq!(producer.ok("GET k"), *left, "{shown}");
        producer.ok("DEL k");
        drop(waiters);
        wait_for_waiters(&server, 0);
    }
}

/// The appends of a transaction or script serve clients together, once it has ended.
#[test]
fn take_block_serves_after_the_transaction_or_script_that_appends() {
    let server = Server::start();
    let mut producer = server.client();
    let start = |command: &str| Waiter::start(&server, command);
    let [mut first, mut second] =
        ["", " COUNT 1"].map(|count| start(&format!("JSONMERGE.TAKE k BLOCK 0{count}")));
    producer.expect(&[
        ("MULTI", "OK"),
        ("JSONMERGE.APPEND k [1]", "QUEUED"),
        ("JSONMERGE.TAKE k", "QUEUED"),
        ("JSONMERGE.APPEND k [2]", "QUEUED"),
        ("JSONMERGE.APPEND k [3]", "QUEUED"),
        ("EXEC", "([1] [1] [2] [2,3])"),
    ]);
    assert_eq!(first.reply(), "[2,3]");
    let script = b"redis.call('JSONMERGE.APPEND', KEYS[1], '[4]')
        return redis.call('JSONMERGE.APPEND', KEYS[1], '[5]')";
    assert_eq!(producer.call_with(&[b"EVAL", script, b"1", b"k"]).as_deref(), Ok("[4,5]"));
    assert_eq!(second.reply(), "[4]");
    assert_eq!(producer.ok("GET k"), "[5]");

    // An array that is appended and taken in the same transaction serves no client.
    let mut third = start("JSONMERGE.TAKE other BLOCK 0");
    producer.expect(&[
        ("MULTI", "OK"),
        ("JSONMERGE.APPEND other [1]", "QUEUED"),
        ("JSONMERGE.TAKE other", "QUEUED"),
        ("EXEC", "([1] [1])"),
    ]);
    assert!(third.is_waiting(&server));
    producer.ok("JSONMERGE.APPEND other [2]");
    assert_eq!(third.reply(), "[2]");
}

/// What other clients do with the key `k` while a client waits for it. Then the key is deleted.
const WAKE_NOBODY: &[&[&str]] = &[
    &["SET k [9]"],
    &["MSET k [9]", "APPEND k [", "SETRANGE k 0 [", "GETSET k 1", "INCR k"],
    &["RPUSH k 1"],
    &["HSET k f 1"],
    &["SADD k 1"],
    &["ZADD k 1 a"],
    &["XADD k 1-1 a b"],
    // An append that would serve the client if the value were valid.
    &["SET k [x]", "JSONMERGE.APPEND k [1] TRUST"],
    &["SET k [x]", "JSONMERGE.APPEND k [] TRUST PX 50000"],
    &["SET other [9]", "RENAME other k"],
    &["SET other [9]", "COPY other k"],
    &["RPUSH other [9]", "RENAME other k"],
    &["SELECT 1", "SET k [9]", "SWAPDB 0 1", "SELECT 0"],
    &["SELECT 1", "SET k [9]", "MOVE k 0", "SELECT 0"],
    &["SET k [9]", "FLUSHALL"],
    &["SET k [9]", "FLUSHDB ASYNC"],
    &["JSONMERGE.APPEND other [1]", "JSONMERGE.TAKE other"],
    &["SELECT 1", "JSONMERGE.APPEND k [1]", "FLUSHDB", "SELECT 0"],
    &["EVAL return(redis.call('SET','k','[9]')) 0"],
];

#[test]
fn take_block_waits_until_an_append_whatever_other_clients_do() {
    let server = Server::start();
    let mut other = server.client();
    for (number, commands) in WAKE_NOBODY.iter().enumerate() {
        let protocols = [server.client(), server.client_resp3()];
        let mut waiters =
            protocols.map(|client| Waiter::of(&server, client, "JSONMERGE.TAKE k BLOCK 0"));
        for command in *commands {
            other.ok(command);
        }
        assert!(waiters.iter().all(|waiter| waiter.is_waiting(&server)), "{commands:?}");
        other.ok("DEL k");
        for (waiter, n) in waiters.iter_mut().zip(0..) {
            let array = format!("[{number},{n}]");
            assert_eq!(other.ok(&format!("JSONMERGE.APPEND k {array}")), array, "{commands:?}");
            assert_eq!(waiter.reply(), array, "{commands:?}");
        }
        other.ok("FLUSHALL");
    }
    assert_eq!(other.info("jsonmerge_internal_errors"), 0);
}

/// A plain SET serves no client, but the next call and the next append find the value.
#[test]
fn take_block_against_a_value_that_set_wrote_takes_it_at_the_next_call_or_append() {
    let server = Server::start();
    let mut other = server.client();
    let mut first = Waiter::start(&server, "JSONMERGE.TAKE k BLOCK 0");
    other.expect(&[
        ("SET k [1]", "OK"),
        ("JSONMERGE.TAKE k BLOCK 0", "[1]"),
        ("JSONMERGE.TAKE k BLOCK 1", "(nil)"),
        ("SET k [2]", "OK"),
        ("JSONMERGE.APPEND k [3]", "[2,3]"),
    ]);
    assert_eq!(first.reply(), "[2,3]");
}

/// A client that an invalid value keeps waiting does not prevent the next clients from being served.
#[test]
fn take_block_against_an_invalid_value_serves_the_clients_that_accept_it() {
    let server = Server::start();
    let mut other = server.client();
    let [mut strict, mut trusting] = ["", " COUNT 1 TRUST"]
        .map(|options| Waiter::start(&server, &format!("JSONMERGE.TAKE k BLOCK 0{options}")));
    other.expect(&[("SET k [1,x]", "OK"), ("JSONMERGE.APPEND k [2] TRUST", "[1,x,2]")]);
    assert_eq!(trusting.reply(), "[1]");
    assert!(strict.is_waiting(&server));
    other.expect(&[("GET k", "[x,2]"), ("SET k [3]", "OK"), ("JSONMERGE.APPEND k [4]", "[3,4]")]);
    assert_eq!(strict.reply(), "[3,4]");
    assert_eq!(other.info("jsonmerge_refused_stored"), 0);
}

#[test]
fn take_block_against_an_expired_key_waits() {
    let server = Server::start();
    let mut other = server.client();
    other.ok("DEBUG SET-ACTIVE-EXPIRE 0");
    other.ok("SET k [1] PX 1");
    std::thread::sleep(std::time::Duration::from_millis(20));
    let mut waiter = Waiter::start(&server, "JSONMERGE.TAKE k BLOCK 0");
    other.ok("JSONMERGE.APPEND k [2]");
    assert_eq!(waiter.reply(), "[2]");
}

/// (what is appended, the options of the waiting client, what is propagated, the events)
const EFFECTS: &[(&str, &str, &[&str], &[&str])] = &[
    ("[1]", "", &["SET k [1]", "UNLINK k"], &["jsonmerge.append k", "del k"]),
    (
        "[1,2]",
        " COUNT 1",
        &["SET k [1,2]", "SET k [2] KEEPTTL"],
        &["jsonmerge.append k", "jsonmerge.take k"],
    ),
    (
        "[1,2] PXAT 9999999999999",
        " COUNT 1 TRUST",
        &["SET k [1,2]", "PEXPIREAT k 9999999999999", "SET k [2] KEEPTTL"],
        &["jsonmerge.append k", "expire k", "jsonmerge.take k"],
    ),
];

#[test]
fn take_block_propagates_the_take_after_the_append() {
    let server = Server::start();
    let mut producer = server.client();
    let mut watcher = server.client();
    let mut events = Pushes::events(&server);
    let mut cache = Pushes::tracking(&server);
    let mut stream = ReplicationStream::attach(&server);
    for (append, options, effects, raised) in EFFECTS {
        let mut waiter = Waiter::start(&server, &format!("JSONMERGE.TAKE k BLOCK 0{options}"));
        watcher.ok("WATCH k");
        cache.ok("GET k");
        stream.commands(&mut producer);
        events.drain();
        cache.drain();

        producer.ok(&format!("JSONMERGE.APPEND k {append}"));
        waiter.reply();

        let mut propagated = stream.commands(&mut producer);
        // The server may wrap the effects of one command, or of both, in MULTI and EXEC.
        propagated.retain(|command| !["MULTI", "EXEC"].contains(&command.as_str()));
        assert_eq!(propagated, *effects, "{append}{options}");
        assert_eq!(events.drain(), *raised, "{append}{options}");
        assert_eq!(cache.drain(), ["invalidate (k)"], "{append}{options}");
        watcher.expect(&[("MULTI", "OK"), ("PING", "QUEUED"), ("EXEC", "(nil)")]);
        producer.ok("DEL k");
    }
}

const CROWD: usize = 1000;

/// The clients are served by one append for all or by one each. The test prints sizes and times but does not
/// check them.
#[test]
fn take_block_serves_a_thousand_clients_in_order() {
    for options in [" COUNT 1", ""] {
        let server = Server::start();
        let mut producer = server.client();
        let command = format!("JSONMERGE.TAKE k BLOCK 0{options}\r\n");
        let before = producer.info("used_memory");
        let mut waiters: Vec<_> = (0..CROWD).map(|_| BufReader::new(tcp(server.port))).collect();
        producer.ok("PING");
        let connected = producer.info("used_memory");
        for (number, waiter) in (1..).zip(&mut waiters) {
            waiter.get_mut().write_all(command.as_bytes()).expect("the server reads");
            wait_until("the client waits", || producer.info("blocked_clients") == number);
        }
        let waiting = producer.info("used_memory");

        let start = Instant::now();
        let elements: Vec<_> = (0..CROWD).map(|n| n.to_string()).collect();
        if options.is_empty() {
            let mut pipeline = redis::pipe();
            for element in &elements {
                let append = pipeline.cmd("JSONMERGE.APPEND").arg("k").arg(format!("[{element}]"));
                append.arg("REPLY").arg("LEN").ignore();
            }
            pipeline.exec(&mut producer.0).expect("replies");
        } else {
            let array = format!("[{}]", elements.join(","));
            producer.ok(&format!("JSONMERGE.APPEND k {array} REPLY LEN"));
        }
        let appended = start.elapsed();
        for (number, waiter) in waiters.iter_mut().enumerate() {
            let reply = Parser::new().parse_value(waiter).expect("a reply");
            assert_eq!(text(&reply), format!("[{number}]"), "{options:?}");
        }
        println!(
            "{CROWD} waiting clients,{options}: {} bytes each, {} of them for waiting; the appends took {appended:?}, all {:?}",
            (waiting - before) / CROWD as u64,
            (waiting - connected) / CROWD as u64,
            start.elapsed(),
        );
        assert_eq!(producer.ok("EXISTS k"), "(integer) 0");
        wait_for_waiters(&server, 0);
    }
}
