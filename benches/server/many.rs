//! Appends one element to one of many arrays, chosen at random, with the default config, as with one array for
//! each user or device.

use indicatif::ProgressBar;

use crate::Plan;
use crate::append::{self, Way};
use crate::measure::{PIPELINE, Sample, median, redis_benchmark};
use crate::record::{Table, bytes, figure};
use crate::support::server::Server;
use crate::values;

/// Numbers of arrays, and their size in bytes.
const CASES: [(usize, usize); 4] =
    [(100_000, 1_000), (20_000, 10_000), (100_000, 10_000), (2_000, 100_000)];

const WAYS: [Way; 5] = [Way::Native, Way::Trust, Way::Len, Way::Script, Way::RedisJson];

/// The cases that a plan has time for.
pub fn cases(plan: &Plan) -> &'static [(usize, usize)] {
    if plan.is_full { &CASES } else { &CASES[1..2] }
}

/// The result of one round of one way, and the hit rate of the validation cache if it was used.
struct Measured {
    sample: Sample,
    hit_rate: Option<f64>,
}

pub fn table(server: &Server, plan: &Plan, progress: &ProgressBar) -> Table {
    let ways = append::available(server, &WAYS);
    let mut rows = Vec::new();
    for &(keys, size) in cases(plan) {
        let mut measured: Vec<Vec<Measured>> = ways.iter().map(|_| Vec::new()).collect();
        for _ in 0..plan.rounds.min(3) {
            for (way, measured) in ways.iter().zip(&mut measured) {
                progress.set_message(format!("{keys} arrays of {}, {}", bytes(size), way.name()));
                measured.push(round(server, *way, keys, size));
                progress.inc(1);
            }
        }
        let cpu: Vec<f64> = measured.iter().map(|rounds| median_of(rounds)).collect();
        let cpu_of = |way: Way| {
            ways.iter().position(|other| *other == way).map_or(f64::NAN, |index| cpu[index])
        };
        for ((way, rounds), cpu) in ways.iter().zip(&measured).zip(&cpu) {
            let hit_rates: Vec<f64> = rounds.iter().filter_map(|round| round.hit_rate).collect();
            let hit_rate = hit_rates.iter().sum::<f64>() / hit_rates.len() as f64;
            rows.push(vec![
                keys.to_string(),
                bytes(size),
                way.name().into(),
                figure(*cpu),
                figure(cpu / cpu_of(Way::Native)),
                figure(cpu / cpu_of(Way::RedisJson)),
                figure(hit_rate),
            ]);
        }
    }
    Table {
        title: format!("Append 70 bytes to one of many arrays, {PIPELINE} in a pipeline"),
        header: [
            "arrays",
            "stored",
            "by",
            "CPU us/op",
            "/ native APPEND",
            "/ JSON.ARRAPPEND",
            "hit rate",
        ]
        .map(String::from)
        .to_vec(),
        rows,
    }
}

fn median_of(rounds: &[Measured]) -> f64 {
    median(&rounds.iter().map(|round| round.sample).collect::<Vec<_>>()).cpu
}

/// Stores every array anew, then appends as many times as there are arrays, but for at most a second.
fn round(server: &Server, way: Way, keys: usize, size: usize) -> Measured {
    let mut client = server.client();
    let (array, len) = values::array(size);
    let parts = [&*array, &*values::array_of(len - 1)];
    values::fill(&mut client, keys, |pipeline, key| way.store(pipeline, key, parts));
    let requests = ((1e6 / way.guess(size)) as usize).min(keys).next_multiple_of(PIPELINE);
    let before = lookups(server);
    let command = way.command(&append::load_script(&mut client));
    let sample = redis_benchmark(server, &command, keys, requests, PIPELINE);
    let after = lookups(server);
    let appended = way.count(&mut client, keys, &array, len) - keys * len;
    assert_eq!(appended, requests, "{} onto {size} bytes", way.name());
    let [hits, misses] = [after[0] - before[0], after[1] - before[1]];
    let hit_rate = (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64);
    Measured { sample, hit_rate }
}

/// Returns the hits and misses of the validation cache so far.
fn lookups(server: &Server) -> [u64; 2] {
    ["jsonmerge_cache_hits", "jsonmerge_cache_misses"].map(|field| server.info(field))
}
