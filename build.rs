//! Sets `JSONMERGE_REVISION` to the git revision. The module logs it when it is loaded.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!(
        "cargo:rustc-env=JSONMERGE_REVISION={}",
        revision().unwrap_or_else(|| "unknown".into())
    );
}

/// Returns the short hash of HEAD, or `None` if the source is not a git repository.
fn revision() -> Option<String> {
    let head = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&head).exists() {
        println!("cargo:rerun-if-changed={head}");
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
