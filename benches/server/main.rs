//! jsonmerge compared with what it replaces, on a private server, driven by the real redis-benchmark.
//!
//! `make bench` takes about a quarter of an hour, `make bench QUICK=1` about two minutes. It prints its
//! tables and writes them, with the machine, the server and the commit, to benches/record, next to the chart
//! of the README. There are two figures: server CPU per operation, from INFO cpu before and after a run, and
//! throughput as redis-benchmark reports it. Both are medians of interleaved rounds. The elements are counted
//! afterwards, and the benchmark fails if a case did not do its work.
//!
//! `REDIS_SERVER` names the server, and `REDIS_BENCHMARK` the benchmark program. `REDISJSON_MODULE` names a
//! `rejson.so` for that server, and adds JSON.ARRAPPEND.
//!
//! `cargo bench --bench server -- benches/record/NAME.md` measures nothing, and draws the chart of that record.

mod append;
mod consume;
mod instructions;
mod many;
mod measure;
mod others;
mod picture;
mod record;
mod take;
mod values;

#[allow(dead_code)]
#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use support::record::Record;
use support::server::{Server, Settings};

/// How much is measured.
pub struct Plan {
    /// The number of interleaved rounds. The tables show their medians.
    rounds: usize,
    /// Stored sizes in bytes.
    sizes: &'static [usize],
    /// How much server CPU a round of a case should take.
    worth: Duration,
    /// Whether to also measure what takes minutes: appends without a pipeline, more cases of many arrays, and
    /// instructions.
    is_full: bool,
}

const FULL: Plan = Plan {
    rounds: 5,
    sizes: &[100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000],
    worth: Duration::from_millis(40),
    is_full: true,
};

const QUICK: Plan = Plan {
    rounds: 3,
    sizes: &[1_000, 100_000, 1_000_000],
    worth: Duration::from_millis(10),
    is_full: false,
};

fn main() {
    // With these arguments, cargo asks a benchmark for its tests.
    if std::env::args().any(|argument| argument == "--test" || argument == "--list") {
        return;
    }
    if let Some(path) = std::env::args().find(|argument| argument.ends_with(".md")) {
        return picture::draw(&Record::read(&path));
    }
    let is_quick = std::env::var("QUICK").is_ok_and(|quick| !matches!(quick.as_str(), "" | "0"));
    let plan = if is_quick { QUICK } else { FULL };
    let progress = ProgressBar::new(plan.steps());
    progress.set_style(
        ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos}/{len} {msg}")
            .expect("a template"),
    );
    progress.enable_steady_tick(Duration::from_secs(1));

    let server = server();
    let appends = append::measure(&server, &plan, &progress);
    let mut tables = vec![append::table(&appends, measure::PIPELINE)];
    if plan.is_full {
        tables.push(append::table(&appends, 1));
    }
    tables.push(many::table(&server, &plan, &progress));
    tables.push(take::table(&server, &plan, &progress));
    tables.push(consume::drain_table(&plan, &progress));
    tables.push(consume::latency_table(&plan, &progress));
    tables.push(consume::spaces_table(&server, &plan, &progress));
    tables.push(consume::waiting_table(&progress));
    tables.push(others::first_touch(&server, &plan, &progress));
    tables.push(others::aof_and_memory(&progress));
    if plan.is_full {
        tables.extend(instructions::table(&progress));
    }
    progress.finish_and_clear();

    let kind = if plan.is_full { "" } else { "-quick" };
    let record = Record::read(&record::write(&server, &tables, kind));
    println!("{}", record.text);
    if plan.is_full {
        picture::draw(&record);
    }
}

/// Starts the server that most cases run on, with the default config.
fn server() -> Server {
    match std::env::var("REDISJSON_MODULE") {
        Ok(path) => Settings::new().module().with(&format!("loadmodule {path}")).start(),
        Err(_) => Server::start(),
    }
}

impl Plan {
    fn steps(&self) -> u64 {
        let [pipelines, instructions] = if self.is_full { [2, 3] } else { [1, 0] };
        let appends = self.sizes.len() as u64 * pipelines;
        let others = take::SIZES.len() as u64;
        let many = many::cases(self).len() as u64 * 5 * self.rounds.min(3) as u64;
        (appends + others) * self.rounds as u64 + many + instructions + 22
    }
}
