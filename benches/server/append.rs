//! Appends one element to arrays of several sizes, with the script, jsonmerge, native APPEND and RedisJSON.

use indicatif::ProgressBar;
use redis::Pipeline;

use crate::Plan;
use crate::measure::{PIPELINE, Sample, median, redis_benchmark};
use crate::record::{Table, bytes, figure};
use crate::support::client::Client;
use crate::support::server::Server;
use crate::values::{self, ELEMENT};

const SCRIPT: &str = include_str!("../../examples/merge.lua");

/// A way to append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Native,
    Trust,
    Len,
    Json,
    Script,
    Function,
    RedisJson,
}

pub const WAYS: [Way; 7] =
    [Way::Native, Way::Trust, Way::Len, Way::Json, Way::Script, Way::Function, Way::RedisJson];

/// The result of a measurement.
pub struct Appends {
    pub way: Way,
    /// Bytes stored at the start.
    pub size: usize,
    pub pipeline: usize,
    pub median: Sample,
}

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Way::Native => "native APPEND",
            Way::Trust => "JSONMERGE.APPEND TRUST REPLY SIZE",
            Way::Len => "JSONMERGE.APPEND REPLY LEN",
            Way::Json => "JSONMERGE.APPEND",
            Way::Script => "Lua script, EVALSHA",
            Way::Function => "Lua script, FCALL",
            Way::RedisJson => "JSON.ARRAPPEND",
        }
    }

    pub fn command(self, sha: &str) -> Vec<String> {
        let key = "key:__rand_int__";
        let (array, tail) = (format!("[{ELEMENT}]"), format!(",{ELEMENT}"));
        let words: &[&str] = match self {
            Way::Native => &["APPEND", key, &tail],
            Way::Trust => &["JSONMERGE.APPEND", key, &array, "TRUST", "REPLY", "SIZE"],
            Way::Len => &["JSONMERGE.APPEND", key, &array, "REPLY", "LEN"],
            Way::Json => &["JSONMERGE.APPEND", key, &array],
            Way::Script => &["EVALSHA", sha, "1", key, &array],
            Way::Function => &["FCALL", "merge", "1", key, &array],
            Way::RedisJson => &["JSON.ARRAPPEND", key, "$", ELEMENT],
        };
        words.iter().map(|word| word.to_string()).collect()
    }

    /// Returns the approximate server CPU of one append in microseconds, to choose how many to measure.
    pub fn guess(self, size: usize) -> f64 {
        let size = size as f64;
        match self {
            Way::Native | Way::Trust | Way::RedisJson => 2.0,
            Way::Len => 2.0 + size / 40_000.0,
            Way::Json => 3.0 + size / 2_000.0,
            Way::Script | Way::Function => 6.0 + size / 50.0,
        }
    }

    /// Stores an array as earlier appends would have left it: with an entry in the validation cache and
    /// preallocated memory.
    pub fn store(self, pipeline: &mut Pipeline, key: &str, [array, all_but_one]: [&str; 2]) {
        if self == Way::RedisJson {
            pipeline.cmd("JSON.SET").arg(key).arg("$").arg(array).ignore();
            return;
        }
        for part in [all_but_one, &format!("[{}]", values::element_of(key))] {
            pipeline.cmd("JSONMERGE.APPEND").arg(key).arg(part).arg("REPLY").arg("SIZE").ignore();
        }
    }

    /// Returns the number of elements at all keys. Native APPEND leaves no JSON, so its bytes are counted.
    pub fn count(self, client: &mut Client, keys: usize, array: &str, len: usize) -> usize {
        match self {
            Way::Native => {
                let size =
                    values::sum(client, keys, |pipeline, key| _ = pipeline.cmd("STRLEN").arg(key));
                keys * len + (size - keys * array.len()) / (ELEMENT.len() + 1)
            }
            Way::RedisJson => {
                values::sum(client, keys, |pipeline, key| _ = pipeline.cmd("JSON.ARRLEN").arg(key))
            }
            _ => values::sum(client, keys, |pipeline, key| {
                pipeline.cmd("JSONMERGE.APPEND").arg(key).arg("[]").arg("REPLY").arg("LEN");
            }),
        }
    }
}

/// Loads the script, also as a function, and returns the hash for EVALSHA.
pub fn load_script(client: &mut Client) -> String {
    let body = SCRIPT.replace("KEYS", "keys").replace("ARGV", "args");
    let library = format!(
        "#!lua name=merge\nredis.register_function('merge', function(keys, args)\n{body}\nend)"
    );
    client
        .call_with(&[b"FUNCTION", b"LOAD", b"REPLACE", library.as_bytes()])
        .expect("FUNCTION LOAD");
    client.call_with(&[b"SCRIPT", b"LOAD", SCRIPT.as_bytes()]).expect("SCRIPT LOAD")
}

/// Returns the ways whose commands the server has.
pub fn available(server: &Server, ways: &[Way]) -> Vec<Way> {
    let mut client = server.client();
    let info = client.call("COMMAND INFO JSON.ARRAPPEND");
    let has_redisjson = info.is_ok_and(|info| info != "((nil))");
    ways.iter().copied().filter(|way| *way != Way::RedisJson || has_redisjson).collect()
}

/// Measures every way at every size, in interleaved rounds.
pub fn measure(server: &Server, plan: &Plan, progress: &ProgressBar) -> Vec<Appends> {
    let mut client = server.client();
    let sha = load_script(&mut client);
    let ways = available(server, &WAYS);

    let pipelines: &[usize] = if plan.is_full { &[PIPELINE, 1] } else { &[PIPELINE] };
    let mut results = Vec::new();
    for &size in plan.sizes {
        for &pipeline in pipelines {
            let mut samples = vec![Vec::new(); ways.len()];
            for _ in 0..plan.rounds {
                progress.set_message(format!("append onto {}", bytes(size)));
                for (way, samples) in ways.iter().zip(&mut samples) {
                    samples.push(round(server, plan, *way, size, pipeline, &way.command(&sha)));
                }
                progress.inc(1);
            }
            results.extend(ways.iter().zip(samples).map(|(&way, samples)| Appends {
                way,
                size,
                pipeline,
                median: median(&samples),
            }));
        }
    }
    results
}

/// Appends to several keys so that each stays near its size, and repeats this with new values until it
/// has taken long enough to measure.
fn round(
    server: &Server,
    plan: &Plan,
    way: Way,
    size: usize,
    pipeline: usize,
    command: &[String],
) -> Sample {
    let mut client = server.client();
    let (array, len) = values::array(size);
    let all_but_one = values::array_of(len - 1);
    // If possible, all values fit into the processor's caches together, so that sizes are comparable.
    let keys = (4_000_000 / size).clamp(4, 8192);
    let wanted = (plan.worth.as_secs_f64() * 1e6 / way.guess(size)) as usize;
    // A value grows by at most a tenth, or by half an element if that is more.
    let growth = (keys * size / (10 * (ELEMENT.len() + 1))).max(keys / 2);
    // redis-benchmark sends whole pipelines.
    let requests = wanted.clamp(4, growth.max(4)).next_multiple_of(pipeline);
    let times = wanted.div_ceil(requests).clamp(1, 6);
    let samples: Vec<Sample> = (0..times)
        .map(|_| {
            values::fill(&mut client, keys, |pipeline, key| {
                way.store(pipeline, key, [&array, &all_but_one])
            });
            let sample = redis_benchmark(server, command, keys, requests, pipeline);
            let appended = way.count(&mut client, keys, &array, len) - keys * len;
            assert_eq!(appended, requests, "{} onto {size} bytes", way.name());
            sample
        })
        .collect();
    let mean = |figure: fn(&Sample) -> f64| samples.iter().map(figure).sum::<f64>() / times as f64;
    Sample { cpu: mean(|sample| sample.cpu), throughput: mean(|sample| sample.throughput) }
}

pub fn table(appends: &[Appends], pipeline: usize) -> Table {
    let rows: Vec<&Appends> = appends.iter().filter(|row| row.pipeline == pipeline).collect();
    let cpu_at = |way: Way, size: usize| {
        rows.iter()
            .find(|row| row.way == way && row.size == size)
            .map_or(f64::NAN, |row| row.median.cpu)
    };
    Table {
        title: format!(
            "Append 70 bytes, {}",
            if pipeline == 1 { "unpipelined".into() } else { format!("{pipeline} in a pipeline") }
        ),
        header: [
            "stored",
            "by",
            "CPU us/op",
            "/ native APPEND",
            "/ JSON.ARRAPPEND",
            "script / it",
            "ops/s",
        ]
        .map(String::from)
        .to_vec(),
        rows: rows
            .iter()
            .map(|row| {
                let [native, script, redisjson] =
                    [Way::Native, Way::Script, Way::RedisJson].map(|way| cpu_at(way, row.size));
                vec![
                    bytes(row.size),
                    row.way.name().into(),
                    figure(row.median.cpu),
                    figure(row.median.cpu / native),
                    figure(row.median.cpu / redisjson),
                    figure(script / row.median.cpu),
                    format!("{:.0}", row.median.throughput),
                ]
            })
            .collect(),
    }
}
