//! Server CPU and throughput of a load.

use std::process::Command;
use std::time::Duration;

use crate::support::client::Client;
use crate::support::programs;
use crate::support::server::Server;

/// The number of commands in flight on each connection, in the pipelined cases.
pub const PIPELINE: usize = 16;
const CONNECTIONS: usize = 4;

/// The cost of a load.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// User and system CPU of the server's main thread, in microseconds per operation.
    pub cpu: f64,
    /// Operations per second.
    pub throughput: f64,
}

/// Returns the median of each figure.
pub fn median(samples: &[Sample]) -> Sample {
    let middle = |figure: fn(&Sample) -> f64| {
        let mut figures: Vec<f64> = samples.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    Sample { cpu: middle(|sample| sample.cpu), throughput: middle(|sample| sample.throughput) }
}

/// Returns the server CPU used so far.
pub fn cpu(client: &mut Client) -> Duration {
    let info = client.ok("INFO cpu");
    let seconds = |name: &str| -> f64 {
        let line = info.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().parse().ok()).unwrap_or_else(|| panic!("{name} in {info}"))
    };
    let used = seconds("used_cpu_user_main_thread:") + seconds("used_cpu_sys_main_thread:");
    Duration::from_secs_f64(used)
}

/// Returns the server CPU of some work, and what the work returns.
pub fn cpu_of<T>(client: &mut Client, work: impl FnOnce(&mut Client) -> T) -> (Duration, T) {
    let before = cpu(client);
    let result = work(client);
    (cpu(client) - before, result)
}

/// Runs redis-benchmark: `command`, with `__rand_int__` one of `keys` numbers, `requests` times.
pub fn redis_benchmark(
    server: &Server,
    command: &[String],
    keys: usize,
    requests: usize,
    pipeline: usize,
) -> Sample {
    let mut client = server.client();
    let connections = CONNECTIONS.min(requests);
    let (used, output) = cpu_of(&mut client, |_| {
        Command::new(programs::find("benchmark"))
            .args(["-p", &server.port.to_string(), "--csv", "-c", &connections.to_string()])
            .args([
                "-r",
                &keys.to_string(),
                "-n",
                &requests.to_string(),
                "-P",
                &pipeline.to_string(),
            ])
            .args(command)
            .output()
            .expect("redis-benchmark or valkey-benchmark is on the PATH")
    });
    let text = String::from_utf8_lossy(&output.stdout);
    // The command itself is in the first column, commas and quotes and all: count from the end.
    let row = text.lines().last().unwrap_or_default();
    let throughput = row.rsplit("\",\"").nth(6).and_then(|figure| figure.parse().ok());
    let throughput = throughput.unwrap_or_else(|| panic!("no figures in {text:?}: {output:?}"));
    Sample { cpu: used.as_secs_f64() * 1e6 / requests as f64, throughput }
}
