//! Puts the version, as the number that `MODULE LIST` shows, and the git revision into the build.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=JSONMERGE_VERSION_NUMBER={}", version_number());
    println!(
        "cargo:rustc-env=JSONMERGE_REVISION={}",
        revision().unwrap_or_else(|| "unknown".into())
    );
}

/// 1.2.3 is 10203, as modules of Redis number their versions.
fn version_number() -> u32 {
    ["CARGO_PKG_VERSION_MAJOR", "CARGO_PKG_VERSION_MINOR", "CARGO_PKG_VERSION_PATCH"]
        .iter()
        .map(|part| env::var(part).expect("cargo sets it").parse::<u32>().expect("a number"))
        .fold(0, |number, part| number * 100 + part)
}

/// The short hash of HEAD; none in a tree without git, which builds all the same.
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
