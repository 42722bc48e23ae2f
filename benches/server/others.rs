//! Measures other costs: values that other commands wrote, the AOF, memory.

use indicatif::ProgressBar;

use crate::Plan;
use crate::append::Way;
use crate::measure::{Sample, cpu_of, median};
use crate::record::{Table, bytes, figure};
use crate::support::server::{Server, Settings};
use crate::values::{self, ELEMENT};

/// The sizes of the values that another command wrote, in bytes.
const FIRST_SIZES: [usize; 6] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

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
