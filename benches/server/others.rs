//! Measures other costs: values that other commands wrote, commands without the module, the AOF, memory.

use indicatif::ProgressBar;

use crate::Plan;
use crate::append::Way;
use crate::measure::{PIPELINE, Sample, cpu_of, median, redis_benchmark};
use crate::record::{Table, bytes, figure};
use crate::support::server::{Server, Settings};
use crate::values::{self, ELEMENT};

/// The sizes of the values that another command wrote, in bytes.
const FIRST_SIZES: [usize; 3] = [10_000, 1_000_000, 100_000_000];

/// Measures the first append to values that another command wrote. The validation cache has no entry for them.
pub fn first_touch(server: &Server, plan: &Plan, progress: &ProgressBar) -> Table {
    let mut rows = Vec::new();
    for (elements, element) in [("objects of 70 bytes", ELEMENT), ("single digits", "1")] {
        for size in FIRST_SIZES {
            progress.set_message(format!("first append to {}", bytes(size)));
            let samples: Vec<Sample> =
                (0..plan.rounds).map(|_| first_round(server, element, size)).collect();
            let cpu = median(&samples).cpu;
            let rate = figure(size as f64 / cpu / 1000.0);
            rows.push(vec![elements.into(), bytes(size), figure(cpu), rate]);
            progress.inc(1);
        }
    }
    Table {
        title: "First append to a value that another command wrote".into(),
        header: ["elements", "stored", "CPU us/op", "GB/s"].map(String::from).to_vec(),
        rows,
    }
}

fn first_round(server: &Server, element: &str, size: usize) -> Sample {
    let mut client = server.client();
    let keys = (20_000_000 / size).clamp(1, 500);
    let len = size / (element.len() + 1);
    // Each value is different, because the validation cache recognises a text at any key.
    let array = format!("[{}", vec![element; len - 1].join(","));
    values::fill(&mut client, keys, |pipeline, key| {
        let mine = format!("{array},{}]", fastrand::u32(1_000_000..10_000_000));
        pipeline.cmd("SET").arg(key).arg(mine).ignore();
    });
    let (used, elements) = cpu_of(&mut client, |client| {
        values::sum(client, keys, |pipeline, key| {
            pipeline.cmd("JSONMERGE.APPEND").arg(key).arg("[]").arg("REPLY").arg("LEN");
        })
    });
    assert_eq!(elements, keys * len);
    Sample { cpu: used.as_secs_f64() * 1e6 / keys as f64, throughput: 0.0 }
}

/// Measures SET and INCR on a server with the module and on one without.
pub fn bystanders(plan: &Plan, progress: &ProgressBar) -> Table {
    let servers = [Server::plain(), Server::start()];
    let commands =
        [["SET", "key:__rand_int__", "value"].as_slice(), &["INCR", "count:__rand_int__"]];
    let mut samples = vec![Vec::new(); commands.len() * servers.len()];
    for _ in 0..plan.rounds {
        progress.set_message("other commands");
        for (command, samples) in commands.iter().zip(samples.chunks_mut(servers.len())) {
            let command: Vec<String> = command.iter().map(|word| word.to_string()).collect();
            for (server, samples) in servers.iter().zip(samples) {
                samples.push(redis_benchmark(server, &command, 1000, 100_000, PIPELINE));
            }
        }
        progress.inc(1);
    }
    for server in &servers {
        assert_eq!(server.client().ok("DBSIZE"), "(integer) 2000");
    }
    let rows = commands.iter().zip(samples.chunks(servers.len())).map(|(command, samples)| {
        let [without, with] = [median(&samples[0]).cpu, median(&samples[1]).cpu];
        vec![command[0].to_string(), figure(without), figure(with), figure(with / without)]
    });
    Table {
        title: "Other commands, with the module and without".into(),
        header: ["command", "CPU us/op without", "with", "ratio"].map(String::from).to_vec(),
        rows: rows.collect(),
    }
}

/// Measures the bytes written to the AOF for an append onto 98 KB, and the memory of the value.
pub fn aof_and_memory(progress: &ProgressBar) -> Table {
    progress.set_message("AOF and memory");
    let (array, _) = values::array(98_000);
    let settings = || Settings::new().module().with("appendonly yes").with("appendfsync always");
    let rows = [Way::Script, Way::Json].map(|way| {
        let server = settings().start();
        let mut client = server.client();
        client.call_with(&[b"SET", b"k", array.as_bytes()]).expect("SET");
        let memory = client.ok("MEMORY USAGE k").replace("(integer) ", "");
        let before = aof_size(&server);
        let element = format!("[{ELEMENT}]");
        let appended = match way {
            Way::Script => {
                let script = include_str!("../../examples/merge.lua");
                client.call_with(&[b"EVAL", script.as_bytes(), b"1", b"k", element.as_bytes()])
            }
            _ => client.call_with(&[b"JSONMERGE.APPEND", b"k", element.as_bytes()]),
        };
        assert_eq!(appended.expect("an append").len(), array.len() + ELEMENT.len() + 1);
        let written = (aof_size(&server) - before).to_string();
        let memory_after = client.ok("MEMORY USAGE k").replace("(integer) ", "");
        vec![way.name().into(), written, memory, memory_after]
    });
    progress.inc(1);
    Table {
        title: "Append 70 bytes onto 98 KB: bytes to the AOF, memory of the value".into(),
        header: ["by", "AOF bytes", "memory after SET", "and the append"]
            .map(String::from)
            .to_vec(),
        rows: rows.to_vec(),
    }
}

fn aof_size(server: &Server) -> u64 {
    let info = server.client().ok("INFO persistence");
    let size = info.lines().find_map(|line| line.strip_prefix("aof_current_size:"));
    size.and_then(|size| size.trim().parse().ok()).expect("aof_current_size")
}
