//! Counts the instructions of core's commands, with the module and without. Their CPU time varies by more than the
//! module could change it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use indicatif::ProgressBar;

use crate::record::{Table, figure};
use crate::support::programs;
use crate::support::server::Settings;

/// On one key, because a random seed decides which keys collide in the server's table.
const COMMANDS: [&str; 3] = ["SET k value", "INCR k", "APPEND k value"];
const TIMES: usize = 10_000;

/// Returns the table, or `None` if callgrind cannot count.
pub fn table(progress: &ProgressBar) -> Option<Table> {
    let mut rows = Vec::new();
    for command in COMMANDS {
        progress.set_message(format!("instructions of {command}"));
        let without = per_call(|settings| settings, command);
        let with = per_call(Settings::module, command);
        let (Some(without), Some(with)) = (without, with) else {
            progress
                .println("skipped: instructions, which need valgrind and a server with symbols");
            return None;
        };
        let ratio = format!("{:.4}", with / without);
        rows.push(vec![command.into(), figure(without), figure(with), ratio]);
        progress.inc(1);
    }
    Some(Table {
        title: "Instructions of other commands, within core's `call`, from callgrind".into(),
        header: ["command", "without the module", "with", "ratio"].map(String::from).to_vec(),
        rows,
    })
}

fn per_call(load: fn(Settings) -> Settings, command: &str) -> Option<f64> {
    Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().ok()?;
    let directory = tempfile::tempdir().expect("a temporary directory is created");
    let [program, counts] = ["server", "counts"].map(|name| directory.path().join(name));
    let script = format!(
        "#!/bin/sh\nexec valgrind -q --tool=callgrind --toggle-collect=call --callgrind-out-file={} {} \"$@\"\n",
        counts.display(),
        programs::find("server").display(),
    );
    fs::write(&program, script).expect("the script is written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("it is executable");
    let server = load(Settings::of(program.into())).start();
    let mut client = server.client();
    for _ in 0..TIMES {
        client.ok(command);
    }
    // Callgrind writes the counts when the server ends.
    drop(server);
    let counts = fs::read_to_string(&counts).expect("the counts are readable");
    let total = counts.lines().find_map(|line| line.strip_prefix("totals: "));
    let total: f64 = total.and_then(|total| total.parse().ok()).expect("a total");
    (total > 0.0).then_some(total / TIMES as f64)
}
