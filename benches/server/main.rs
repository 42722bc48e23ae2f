//! jsonmerge beside what it replaces, on a private server, driven by the real redis-benchmark.
//!
//! `make bench` runs it in under ten minutes, `make bench QUICK=1` in one. It prints its tables and
//! writes them, with the machine, the server and the commit, to benches/record, and the picture of
//! the README beside them. Two figures each: server CPU per operation, from INFO cpu before and after
//! a run, and throughput as redis-benchmark sees it; both are medians of interleaved rounds. What was
//! timed is counted afterwards: a case that did not do its work ends the benchmark.

mod append;
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

use support::server::{Server, Settings};

/// How much is measured.
pub struct Plan {
    /// Interleaved rounds; the median of them counts.
    rounds: usize,
    /// Stored sizes in bytes.
    sizes: &'static [usize],
    /// Server CPU that a round of a case should take.
    worth: Duration,
    /// Also one command at a time, without a pipeline.
    unpipelined: bool,
}

const FULL: Plan = Plan {
    rounds: 5,
    sizes: &[100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000],
    worth: Duration::from_millis(40),
    unpipelined: true,
};

const QUICK: Plan = Plan {
    rounds: 3,
    sizes: &[1_000, 100_000, 1_000_000],
    worth: Duration::from_millis(10),
    unpipelined: false,
};

fn main() {
    // `cargo bench` asks every benchmark for its tests, too.
    if std::env::args().any(|argument| argument == "--test" || argument == "--list") {
        return;
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
    if plan.unpipelined {
        tables.push(append::table(&appends, 1));
    }
    tables.push(take::table(&server, &plan, &progress));
    tables.push(others::first_touch(&server, &plan, &progress));
    tables.push(others::bystanders(&plan, &progress));
    tables.push(others::aof_and_memory(&progress));
    progress.finish_and_clear();

    let kind = if is_quick { "-quick" } else { "" };
    let record = record::write(&server, &tables, kind);
    println!("{record}");
    if !is_quick {
        picture::draw(&appends, "benches/record/append.svg");
    }
}

/// The server that all but the bystanders run on. More slots than keys, so that "verified before"
/// is what it says: with fewer, two keys in one slot would take turns.
fn server() -> Server {
    let settings = Settings::new().module().with("jsonmerge.verified-slots 131072");
    match std::env::var("REDISJSON_SO") {
        Ok(path) => settings.with(&format!("loadmodule {path}")).start(),
        Err(_) => settings.start(),
    }
}

impl Plan {
    fn steps(&self) -> u64 {
        let pipelines = 1 + u64::from(self.unpipelined);
        let appends = self.sizes.len() as u64 * pipelines;
        let others = take::SIZES.len() as u64 + 1 + 1;
        (appends + others) * self.rounds as u64 + 1
    }
}
