//! The sessions of the documents, typed in.

use crate::support::server::{Server, Settings, module_path};
use crate::support::session::{blocks, replay, type_in};

#[test]
fn the_steps_from_the_script_to_the_module_and_back() {
    let document = include_str!("../docs/migrating-from-lua.md");
    let server = Settings::new().start();
    let mut typed = 0;
    for block in document.split("```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').expect("a language");
        match language {
            "lua" => {
                let load = [b"FUNCTION", &b"LOAD"[..], b"REPLACE", text.as_bytes()];
                assert_eq!(server.client().call_with(&load), Ok("events".into()));
            }
            "redis" => {
                let installed = "/usr/local/lib/redis/modules/libjsonmerge.so";
                let text = text.replace(installed, &module_path().display().to_string());
                typed += type_in(&server, &text);
            }
            other => panic!("a block of {other}"),
        }
    }
    assert!(typed > 20, "only {typed} lines");
}

#[test]
fn operations_are_as_shown() {
    let document = include_str!("../docs/operations.md");
    let sessions = blocks(document, "redis");
    assert_eq!(sessions.len(), 4);
    sessions.into_iter().for_each(replay);
}

#[test]
fn every_counter_is_explained() {
    let document = include_str!("../docs/operations.md");
    let server = Server::start();
    let section = server.client().ok("INFO jsonmerge");
    let names = section.lines().skip(1).filter_map(|line| line.split(':').next());
    for name in names {
        let name = name.trim_start_matches("jsonmerge_");
        let is_explained =
            |line: &str| line.starts_with("| `") && line.contains(&format!("`{name}`"));
        assert!(document.lines().any(is_explained), "{name}");
    }
}
