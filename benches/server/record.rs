//! The tables, on the screen and in benches/record.

use std::fs;
use std::process::Command;

use comfy_table::presets::ASCII_MARKDOWN;

use crate::support::server::Server;

/// A table of figures.
pub struct Table {
    pub title: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Writes the tables, with where and when they were measured, and returns what it wrote.
pub fn write(server: &Server, tables: &[Table], kind: &str) -> String {
    let date = output("date", &["+%F"]);
    let commit = output("git", &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]);
    let mut record = format!("# {date}, commit {commit}{kind}\n\n{}\n", circumstances(server));
    for table in tables {
        let mut text = comfy_table::Table::new();
        text.load_preset(ASCII_MARKDOWN).set_header(&table.header);
        text.add_rows(&table.rows);
        record += &format!("\n## {}\n\n{text}\n", table.title);
    }
    let path = format!("benches/record/{date}-{commit}{kind}.md");
    fs::write(&path, &record).unwrap_or_else(|error| panic!("{path}: {error}"));
    record
}

fn circumstances(server: &Server) -> String {
    let info = server.client().ok("INFO server");
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let version = field("valkey_version:").map_or_else(
        || format!("Redis {}", field("redis_version:").unwrap_or("of no version")),
        |version| format!("Valkey {version}"),
    );
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "{version}; {cores} cores, {}.\nServer CPU of the main thread, from INFO cpu around each run; medians of \
         interleaved rounds. Keys are stored anew before each run and appended to at random, so that each \
         grows by a tenth at most, or by half an element. Each key holds another text, and the memo has many times \
         as many slots as there are keys, so that what was verified before is known.",
        model.trim_start_matches([' ', '\t', ':'])
    )
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| "unknown".into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// A figure with three significant digits.
pub fn figure(value: f64) -> String {
    match value {
        value if value.is_nan() => "-".into(),
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

/// A size in bytes as people say it.
pub fn bytes(size: usize) -> String {
    match size {
        0..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{} KB", size / 1_000),
        _ => format!("{} MB", size / 1_000_000),
    }
}
