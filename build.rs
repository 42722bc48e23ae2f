//! Sets `JSONMERGE_REVISION` to the git revision, unless the environment sets it already, as the build of the
//! container image does, which has no git repository. The module logs it when it is loaded.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=JSONMERGE_REVISION");
    let revision = env::var("JSONMERGE_REVISION").ok().or_else(revision);
    println!("cargo:rustc-env=JSONMERGE_REVISION={}", revision.as_deref().unwrap_or("unknown"));
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
