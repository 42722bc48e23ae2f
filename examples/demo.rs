//! What jsonmerge is for: several producers append batches of events to one key while a consumer takes them.
//! Further rounds do the same with the transaction and the Lua script that the commands replace.
//!
//! `make demo` runs this on a private server. It compares every event that arrives with the one that was sent,
//! and fails if any is lost, duplicated or, without the script, altered.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use comfy_table::{Table, presets};
use redis::{Connection, RedisResult};
use serde_json::Value;
use serde_json::value::RawValue;

#[allow(dead_code)]
#[path = "../tests/support/mod.rs"]
mod support;

use support::server::{Server, Settings};

const KEY: &str = "events";
const PRODUCERS: usize = 4;
const BATCHES: usize = 500;
const SCRIPT: &str = include_str!("merge.lua");
const CONF: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/redis.conf");

/// Appends a batch of events.
type Append = fn(&mut Connection, &str) -> RedisResult<()>;
/// Returns the stored array, if any, and deletes it.
type Take = fn(&mut Connection) -> RedisResult<Option<String>>;

fn append(connection: &mut Connection, batch: &str) -> RedisResult<()> {
    redis::cmd("JSONMERGE.APPEND").arg(KEY).arg(batch).arg("REPLY").arg("LEN").exec(connection)
}

fn append_by_script(connection: &mut Connection, batch: &str) -> RedisResult<()> {
    redis::cmd("EVAL").arg(SCRIPT).arg(1).arg(KEY).arg(batch).exec(connection)
}

fn take(connection: &mut Connection) -> RedisResult<Option<String>> {
    redis::cmd("JSONMERGE.TAKE").arg(KEY).query(connection)
}

fn take_by_transaction(connection: &mut Connection) -> RedisResult<Option<String>> {
    let (value, _): (Option<String>, usize) =
        redis::pipe().atomic().cmd("GET").arg(KEY).cmd("DEL").arg(KEY).query(connection)?;
    Ok(value)
}

struct Round {
    producers: [Append; PRODUCERS],
    producers_are: &'static str,
    take: Take,
    take_is: &'static str,
    /// Whether a producer uses the script, which decodes and encodes the whole array.
    uses_script: bool,
}

const ROUNDS: [Round; 3] = [
    Round {
        producers: [append; PRODUCERS],
        producers_are: "4 x JSONMERGE.APPEND",
        take,
        take_is: "JSONMERGE.TAKE",
        uses_script: false,
    },
    Round {
        producers: [append; PRODUCERS],
        producers_are: "4 x JSONMERGE.APPEND",
        take: take_by_transaction,
        take_is: "MULTI/GET/DEL/EXEC",
        uses_script: false,
    },
    Round {
        producers: [append, append, append, append_by_script],
        producers_are: "3 x JSONMERGE.APPEND, 1 x Lua script",
        take: take_by_transaction,
        take_is: "MULTI/GET/DEL/EXEC",
        uses_script: true,
    },
];

/// The number of events that were sent, and of those that arrived once, twice, never or altered.
#[derive(Default)]
struct Outcome {
    sent: usize,
    once: usize,
    twice: usize,
    lost: usize,
    altered: usize,
    /// An event that was altered, as sent and as it arrived.
    example: Option<[String; 2]>,
}

fn main() -> ExitCode {
    let server = Settings::from_file(CONF).module().start();
    println!("Started a private server on port {} with the configs of redis.conf.", server.port);
    println!(
        "In each round, {PRODUCERS} producers append {BATCHES} batches each to one key while a consumer takes them.\n"
    );

    let outcomes = ROUNDS.map(|round| (run(&server, &round), round));
    println!("{}\n", table(&outcomes));
    for [sent, arrived] in outcomes.iter().filter_map(|(outcome, _)| outcome.example.as_ref()) {
        println!("An event that the script altered:\n  sent     {sent}\n  arrived  {arrived}\n");
    }

    let failures: Vec<String> =
        outcomes.iter().filter_map(|(outcome, round)| failure(outcome, round)).collect();
    if failures.is_empty() {
        println!("Every event arrived exactly once.");
        println!("The script altered its own events and all others stored when it ran.");
        ExitCode::SUCCESS
    } else {
        failures.iter().for_each(|failure| eprintln!("FAILED: {failure}"));
        ExitCode::FAILURE
    }
}

/// Runs the producers and a consumer concurrently, and compares what arrived with what was sent.
fn run(server: &Server, round: &Round) -> Outcome {
    let busy = AtomicUsize::new(PRODUCERS);
    let arrived = thread::scope(|scope| {
        for (producer, append) in round.producers.iter().enumerate() {
            let (busy, mut connection) = (&busy, server.client().0);
            scope.spawn(move || {
                for batch in 0..BATCHES {
                    let events = events_of(producer, batch).join(",");
                    append(&mut connection, &format!("[{events}]")).expect("an append");
                }
                busy.fetch_sub(1, Ordering::Release);
            });
        }
        let (busy, mut connection) = (&busy, server.client().0);
        let consumer = scope.spawn(move || {
            let mut arrived = Vec::new();
            loop {
                let last = busy.load(Ordering::Acquire) == 0;
                match (round.take)(&mut connection).expect("a reply") {
                    Some(array) => arrived.push(array),
                    None if last => return arrived,
                    None => thread::sleep(Duration::from_millis(1)),
                }
            }
        });
        consumer.join().expect("a consumer")
    });
    compare(&arrived)
}

fn compare(arrays: &[String]) -> Outcome {
    let mut arrived: HashMap<String, Vec<&str>> = HashMap::new();
    for array in arrays {
        let events: Vec<&RawValue> = serde_json::from_str(array).expect("a JSON array");
        for event in events {
            let value: Value = serde_json::from_str(event.get()).expect("an event");
            arrived.entry(value["id"].to_string()).or_default().push(event.get());
        }
    }
    let mut outcome = Outcome::default();
    for (id, sent) in (0..PRODUCERS)
        .flat_map(|producer| (0..BATCHES).flat_map(move |batch| identified(producer, batch)))
    {
        outcome.sent += 1;
        match arrived.get(&id).map(Vec::as_slice) {
            None => outcome.lost += 1,
            Some([event]) => {
                outcome.once += 1;
                if *event != sent {
                    outcome.altered += 1;
                    outcome.example.get_or_insert([sent, (*event).to_owned()]);
                }
            }
            Some(_) => outcome.twice += 1,
        }
    }
    outcome
}

/// Returns the 1 to 4 events of a batch. Each has a large integer, a decimal, slashes and an empty array, which
/// cjson does not preserve.
fn events_of(producer: usize, batch: usize) -> Vec<String> {
    let types = ["order.placed", "order.paid", "parcel.sent", "parcel.delivered"];
    (0..=batch % 4)
        .map(|n| {
            let number = (producer * BATCHES + batch) * 4 + n;
            let account = 9_007_199_254_740_993 + number;
            let (euro, cent) = (number % 900 + 1, number % 10 * 10);
            let mut event = String::new();
            let kind = types[number % types.len()];
            write!(
                event,
                r#"{{"id":"{producer}-{batch}-{n}","type":"{kind}","account":{account},"#
            )
            .expect("memory");
            write!(event, r#""total":{euro}.{cent:02},"url":"/orders/{number}","tags":[]}}"#)
                .expect("memory");
            event
        })
        .collect()
}

/// Returns the events of a batch with their IDs, as JSON strings.
fn identified(producer: usize, batch: usize) -> impl Iterator<Item = (String, String)> {
    let events = events_of(producer, batch).into_iter().enumerate();
    events.map(move |(n, event)| (format!("\"{producer}-{batch}-{n}\""), event))
}

/// Returns what went wrong in a round, or `None` if all went well.
fn failure(outcome: &Outcome, round: &Round) -> Option<String> {
    // The script encodes at least its own events.
    let by_script = if round.uses_script { outcome.sent / PRODUCERS } else { 0 };
    let is_expected = outcome.once == outcome.sent
        && outcome.altered >= by_script
        && (round.uses_script || outcome.altered == 0);
    let (producers, take) = (round.producers_are, round.take_is);
    let Outcome { sent, once, twice, lost, altered, .. } = outcome;
    (!is_expected).then(|| {
        format!(
            "{producers}, {take}: of {sent} events, {once} arrived once, {twice} twice, {lost} never, {altered} altered"
        )
    })
}

fn table(outcomes: &[(Outcome, Round)]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header([
        "producers",
        "consumer",
        "events sent",
        "arrived once",
        "twice",
        "lost",
        "altered",
    ]);
    for (outcome, round) in outcomes {
        let counts = [outcome.sent, outcome.once, outcome.twice, outcome.lost, outcome.altered];
        let names = [round.producers_are, round.take_is].map(String::from);
        table.add_row(names.into_iter().chain(counts.map(|count| count.to_string())));
    }
    table
}
