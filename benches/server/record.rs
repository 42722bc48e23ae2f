//! The tables, in benches/record.

use std::fs;
use std::process::Command;

use comfy_table::presets::ASCII_MARKDOWN;

use crate::support::programs;
use crate::support::server::Server;

/// A table of figures.
pub struct Table {
    pub title: String,
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Writes the tables, with the conditions they were measured under, and returns the path of the file.
pub fn write(server: &Server, tables: &[Table], kind: &str) -> String {
    let date = output("date", &["+%F"]);
    let commit = output("git", &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]);
    let mut record = format!("# {date}, commit {commit}{kind}\n\n{}\n", conditions(server));
    for table in tables {
        let mut text = comfy_table::Table::new();
        text.load_preset(ASCII_MARKDOWN).set_header(&table.header);
        text.add_rows(&table.rows);
        record += &format!("\n## {}\n\n{text}\n", table.title);
    }
    let path = format!("benches/record/{date}-{commit}{kind}.md");
    fs::write(&path, &record).unwrap_or_else(|error| panic!("{path}: {error}"));
    path
}

fn conditions(server: &Server) -> String {
    let mut client = server.client();
    let info = client.ok("INFO server");
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let version = field("valkey_version:").map_or_else(
        || format!("Redis {}", field("redis_version:").unwrap_or("of unknown version")),
        |version| format!("Valkey {version}"),
    );
    let modules = client.ok("INFO modules");
    let modules: Vec<String> = modules
        .lines()
        .filter_map(|line| line.strip_prefix("module:name=")?.split(",api=").next())
        .map(|module| module.replace(",ver=", " "))
        .collect();
    let entries = client.ok("CONFIG GET jsonmerge.validation-cache-entries");
    let entries = entries.trim_end_matches(')').rsplit(' ').next().unwrap_or_default();
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = |name: &str| {
        let line = cpuinfo.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or(": unknown").trim_start_matches([' ', '\t', ':']).to_owned()
    };
    let flags = cpu("flags");
    let extensions = ["aes", "vaes", "avx2", "avx512f"]
        .into_iter()
        .filter(|extension| flags.split(' ').any(|flag| flag == *extension));
    let benchmark = programs::find("benchmark").to_string_lossy().into_owned();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "- Server: {version}. Modules: {modules}.\n\
         - Processor: {cores} cores, {model} (family {family}, model {number}; {extensions}).\n\
         - CPU: that of the server's main thread, from INFO cpu before and after each run; medians of \
         interleaved rounds.\n\
         - Load: {benchmark}, 4 connections. The appended element has 70 bytes.\n\
         - Arrays: stored anew before each run and appended to at random, so that each grows by at most a \
         tenth, or by half an element. Every key has a different text: they differ in the last element.\n\
         - Validation cache: the default config ({entries} entries). Every array was appended to once \
         before, so it had an entry if there was room.",
        modules = modules.join(", "),
        benchmark = benchmark.rsplit('/').next().unwrap_or_default(),
        model = cpu("model name"),
        family = cpu("cpu family"),
        number = cpu("model\t"),
        extensions = extensions.collect::<Vec<_>>().join(" "),
    )
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| "unknown".into(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// Formats a figure with three significant digits.
pub fn figure(value: f64) -> String {
    match value {
        value if value.is_nan() => "-".into(),
        value if value < 10.0 => format!("{value:.2}"),
        value if value < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

/// Formats a size in bytes.
pub fn bytes(size: usize) -> String {
    match size {
        0..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{} KB", size / 1_000),
        _ => format!("{} MB", size / 1_000_000),
    }
}
