//! Takes whole values, with TAKE, GETDEL and MULTI/GET/DEL/EXEC.

use indicatif::ProgressBar;
use redis::Pipeline;

use crate::Plan;
use crate::measure::{PIPELINE, Sample, cpu_of, median};
use crate::record::{Table, bytes, figure};
use crate::support::client::Client;
use crate::support::server::Server;
use crate::values;

pub const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];

type Take = fn(&mut Pipeline, &str);

const WAYS: [(&str, Take); 3] = [
    ("GETDEL", |pipeline, key| _ = pipeline.cmd("GETDEL").arg(key)),
    ("JSONMERGE.TAKE", |pipeline, key| _ = pipeline.cmd("JSONMERGE.TAKE").arg(key)),
    ("MULTI/GET/DEL/EXEC", |pipeline, key| {
        pipeline.cmd("MULTI").ignore().cmd("GET").arg(key).ignore().cmd("DEL").arg(key).ignore();
        pipeline.cmd("EXEC");
    }),
];

/// Takes every key once with a client of its own, because redis-benchmark can neither do that nor send a
/// transaction.
fn round(client: &mut Client, take: Take, size: usize) -> Sample {
    let keys = (30_000_000 / size).clamp(20, 10_000);
    let array = values::array(size).0;
    values::fill(client, keys, |pipeline, key| {
        for part in [&array, &format!("[{}]", values::element_of(key))] {
            pipeline.cmd("JSONMERGE.APPEND").arg(key).arg(part).arg("REPLY").arg("SIZE").ignore();
        }
    });
    let start = std::time::Instant::now();
    let (used, ()) = cpu_of(client, |client| {
        for chunk in (0..keys).collect::<Vec<_>>().chunks(PIPELINE) {
            let mut pipeline = redis::pipe();
            chunk.iter().for_each(|number| take(&mut pipeline, &values::key(*number)));
            let taken: Vec<redis::Value> = pipeline.query(&mut client.0).expect("the values");
            assert_eq!(taken.len(), chunk.len());
        }
    });
    assert_eq!(client.ok("DBSIZE"), "(integer) 0");
    let keys = keys as f64;
    Sample {
        cpu: used.as_secs_f64() * 1e6 / keys,
        throughput: keys / start.elapsed().as_secs_f64(),
    }
}

pub fn table(server: &Server, plan: &Plan, progress: &ProgressBar) -> Table {
    let mut client = server.client();
    let mut rows = Vec::new();
    for size in SIZES {
        let mut samples = WAYS.map(|_| Vec::new());
        for _ in 0..plan.rounds {
            progress.set_message(format!("take {}", bytes(size)));
            for ((_, take), samples) in WAYS.iter().zip(&mut samples) {
                samples.push(round(&mut client, *take, size));
            }
            progress.inc(1);
        }
        let medians = samples.map(|samples| median(&samples));
        rows.extend(WAYS.iter().zip(&medians).map(|((name, _), sample)| {
            let ratio = figure(sample.cpu / medians[0].cpu);
            vec![
                bytes(size),
                name.to_string(),
                figure(sample.cpu),
                ratio,
                format!("{:.0}", sample.throughput),
            ]
        }));
    }
    Table {
        title: format!("Take a validated value, {PIPELINE} in a pipeline"),
        header: ["stored", "by", "CPU us/op", "/ GETDEL", "ops/s of one client"]
            .map(String::from)
            .to_vec(),
        rows,
    }
}
