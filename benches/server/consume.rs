//! Measures consumers: how an array is drained in batches, how soon a waiting consumer is served, and the memory
//! that it takes.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use crate::Plan;
use crate::measure::{Sample, cpu_of, median};
use crate::record::{Table, bytes, figure};
use crate::support::client::Client;
use crate::support::server::{Server, Settings, wait_until};

/// 10 MB of elements of 100 bytes.
const LEN: usize = 100_000;
const BATCH: usize = 1000;

/// Takes the first elements of an array, as a script has to without jsonmerge.
const SCRIPT: &str = r#"
    local value = redis.call('GET', KEYS[1])
    if not value then return false end
    local all, taken, rest = cjson.decode(value), {}, {}
    for i, element in ipairs(all) do
        if i <= tonumber(ARGV[1]) then taken[#taken + 1] = element else rest[#rest + 1] = element end
    end
    if #rest > 0 then redis.call('SET', KEYS[1], cjson.encode(rest), 'KEEPTTL')
    else redis.call('DEL', KEYS[1]) end
    return cjson.encode(taken)"#;

/// A way to drain an array.
struct Way {
    name: &'static str,
    is_list: bool,
    command: &'static [&'static str],
    /// How many batches to time: fewer for the script, because it is slow.
    batches: usize,
}

const WAYS: [Way; 5] = [
    Way { name: "LPOP 1000", is_list: true, command: &["LPOP", "k", "1000"], batches: usize::MAX },
    Way {
        name: "JSONMERGE.TAKE COUNT 1000 TRUST",
        is_list: false,
        command: &["JSONMERGE.TAKE", "k", "COUNT", "1000", "TRUST"],
        batches: usize::MAX,
    },
    Way {
        name: "JSONMERGE.TAKE COUNT 1000",
        is_list: false,
        command: &["JSONMERGE.TAKE", "k", "COUNT", "1000"],
        batches: usize::MAX,
    },
    Way {
        name: "Lua equivalent",
        is_list: false,
        command: &["EVAL", SCRIPT, "1", "k", "1000"],
        batches: 5,
    },
    Way { name: "GETDEL, all at once", is_list: false, command: &["GETDEL", "k"], batches: 1 },
];

fn element(number: usize) -> String {
    format!("\"{number:08}{}\"", "x".repeat(90))
}

fn store(client: &mut Client, way: &Way) {
    client.ok("FLUSHALL SYNC");
    let elements: Vec<String> = (0..LEN).map(element).collect();
    for chunk in elements.chunks(BATCH) {
        let mut command = redis::Cmd::new();
        match way.is_list {
            true => command.arg("RPUSH").arg("k").arg(chunk),
            false => command.arg("APPEND").arg("k").arg(chunk.join(",") + ","),
        };
        command.exec(&mut client.0).expect("the server replies");
    }
    if !way.is_list {
        // Add the brackets, and an entry in the validation cache.
        let value = client.ok("GET k");
        let array = format!("[{}]", value.trim_end_matches(','));
        client.call_with(&[b"SET", b"k", array.as_bytes()]).expect("SET");
        client.ok("JSONMERGE.APPEND k [] REPLY LEN");
    }
}

/// Takes batches, and returns their number and their size in bytes.
fn drain(client: &mut Client, way: &Way) -> (usize, usize) {
    let command: Vec<&[u8]> = way.command.iter().map(|word| word.as_bytes()).collect();
    let (mut batches, mut bytes) = (0, 0);
    while batches < way.batches {
        match client.value_of(&command).expect("a batch") {
            redis::Value::Nil => break,
            redis::Value::Array(elements) if elements.is_empty() => break,
            redis::Value::Array(elements) => bytes += elements.len() * 100,
            redis::Value::BulkString(batch) => bytes += batch.len(),
            other => panic!("{other:?}"),
        }
        batches += 1;
    }
    (batches, bytes)
}

/// Measures draining 10 MB of elements of 100 bytes in batches of 1,000.
pub fn drain_table(plan: &Plan, progress: &ProgressBar) -> Table {
    let server = Server::start();
    let logged = Settings::new()
        .module()
        .with("appendonly yes")
        .with("auto-aof-rewrite-percentage 0")
        .start();
    let rows = WAYS.iter().map(|way| {
        progress.set_message(format!("drain by {}", way.name));
        let samples: Vec<Sample> = (0..plan.rounds)
            .map(|_| {
                let mut client = server.client();
                store(&mut client, way);
                let (used, (batches, _)) = cpu_of(&mut client, |client| drain(client, way));
                let cpu = used.as_secs_f64() * 1e6 / batches as f64;
                Sample { cpu, throughput: 0.0 }
            })
            .collect();
        let mut client = logged.client();
        store(&mut client, way);
        let before = logged.info("aof_current_size");
        let (batches, bytes) = drain(&mut client, way);
        let written = logged.info("aof_current_size") - before;
        progress.inc(1);
        vec![
            way.name.into(),
            figure(median(&samples).cpu),
            format!("{batches}"),
            format!("{:.1} MB", bytes as f64 / 1e6),
            format!("{:.1} MB", written as f64 / 1e6),
        ]
    });
    Table {
        title: "Drain 10 MB of elements of 100 bytes in batches of 1,000".into(),
        header: ["by", "CPU us/batch", "batches", "taken", "to the AOF"].map(String::from).to_vec(),
        rows: rows.collect(),
    }
}

/// Measures taking one element from the front of 10 MB, and skipping the spaces that earlier takes have left.
pub fn spaces_table(server: &Server, plan: &Plan, progress: &ProgressBar) -> Table {
    let mut client = server.client();
    let rows = [0, 4_000_000].map(|spaces| {
        progress.set_message("skip spaces");
        let elements: Vec<String> = (spaces / 100..LEN).map(element).collect();
        let array = format!("[{}{}]", " ".repeat(spaces), elements.join(","));
        let samples: Vec<Sample> = (0..plan.rounds)
            .map(|_| {
                client.call_with(&[b"SET", b"k", array.as_bytes()]).expect("SET");
                let takes = 100;
                let (used, ()) = cpu_of(&mut client, |client| {
                    for _ in 0..takes {
                        let taken = client.ok("JSONMERGE.TAKE k COUNT 1 TRUST");
                        assert_eq!(taken.len(), elements[0].len() + 2);
                    }
                });
                Sample { cpu: used.as_secs_f64() * 1e6 / f64::from(takes), throughput: 0.0 }
            })
            .collect();
        progress.inc(1);
        vec![bytes(spaces), figure(median(&samples).cpu)]
    });
    Table {
        title: "Take one element of 100 bytes from 10 MB, with TRUST".into(),
        header: ["spaces at the front", "CPU us/op"].map(String::from).to_vec(),
        rows: rows.to_vec(),
    }
}

/// Measures the memory that the server takes for a client while it waits, besides that for its connection.
pub fn waiting_table(progress: &ProgressBar) -> Table {
    let rows = ["BLPOP k 0", "JSONMERGE.TAKE k BLOCK 0"].map(|command| {
        progress.set_message(format!("memory of {command}"));
        let server = Server::start();
        let mut clients: Vec<Client> = (0..100).map(|_| server.client()).collect();
        let before = server.info("used_memory");
        for client in &mut clients {
            let words: Vec<&str> = command.split(' ').collect();
            let packed = redis::Cmd::new().arg(words).get_packed_command();
            client.0.send_packed_command(&packed).expect("the command is sent");
        }
        wait_until("all clients wait", || server.info("blocked_clients") == 100);
        let memory = (server.info("used_memory") - before) as f64 / 100.0;
        progress.inc(1);
        vec![command.to_string(), figure(memory / 1000.0)]
    });
    Table {
        title: "Memory of a waiting client, besides that of its connection".into(),
        header: ["by", "KB"].map(String::from).to_vec(),
        rows: rows.to_vec(),
    }
}

/// Measures the time from sending an append to the reply of a waiting consumer.
pub fn latency_table(plan: &Plan, progress: &ProgressBar) -> Table {
    let server = Server::start();
    let ways: [(&str, [&str; 4], [&str; 3]); 2] = [
        ("BLPOP", ["BLPOP", "k", "0", ""], ["RPUSH", "k", "1"]),
        (
            "JSONMERGE.TAKE BLOCK",
            ["JSONMERGE.TAKE", "k", "BLOCK", "0"],
            ["JSONMERGE.APPEND", "k", "[1]"],
        ),
    ];
    let rows = ways.map(|(name, take, append)| {
        progress.set_message(format!("latency of {name}"));
        let words = |words: &[&'static str]| -> Vec<&'static [u8]> {
            words.iter().filter(|word| !word.is_empty()).map(|word| word.as_bytes()).collect()
        };
        let (take, append) = (words(&take), words(&append));
        let rounds = plan.rounds * 400;
        let (sender, served) = channel();
        let mut consumer = server.client();
        let consumer = thread::spawn(move || {
            for _ in 0..rounds {
                consumer.value_of(&take).expect("an array");
                sender.send(Instant::now()).expect("the producer listens");
            }
        });
        let mut producer = server.client();
        let mut times: Vec<Duration> = (0..rounds)
            .map(|_| {
                // Give the consumer time to wait again.
                thread::sleep(Duration::from_micros(500));
                let sent = Instant::now();
                producer.value_of(&append).expect("an append");
                served.recv().expect("the consumer is served") - sent
            })
            .collect();
        consumer.join().expect("the consumer ends");
        times.sort();
        progress.inc(1);
        let at = |share: usize| figure(times[times.len() * share / 100].as_secs_f64() * 1e6);
        vec![name.to_string(), at(50), at(90), at(99)]
    });
    Table {
        title: "From sending an append to the reply of a waiting consumer, in microseconds".into(),
        header: ["by", "median", "90 %", "99 %"].map(String::from).to_vec(),
        rows: rows.to_vec(),
    }
}
