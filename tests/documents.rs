//! The sessions, configs, INFO fields and errors in the documents agree with the server, and the figures with the
//! record of the benchmarks.

use crate::support::record::{Record, cell, rows};
use crate::support::server::{Server, Settings, module_path, wait_until};
use crate::support::session::{blocks, replay, type_in};

#[test]
fn sessions_of_migrating_from_lua_agree_with_the_server() {
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
            other => panic!("unexpected code block in {other}"),
        }
    }
    assert!(typed > 20, "only {typed} commands");
}

#[test]
fn sessions_of_operations_agree_with_the_server() {
    let document = include_str!("../docs/operations.md");
    let sessions = blocks(document, "redis");
    assert_eq!(sessions.len(), 4);
    sessions.into_iter().for_each(replay);
}

/// Returns a cluster node that serves all slots. On it, a transaction or script over two slots fails.
fn cluster_node() -> Server {
    let server = Settings::new().module().cluster_node().start();
    let mut client = server.client();
    client.ok("CLUSTER ADDSLOTSRANGE 0 16383");
    wait_until("the node serves its slots", || {
        client.ok("CLUSTER INFO").contains("cluster_state:ok")
    });
    server
}

#[test]
fn sessions_of_recipes_agree_with_the_server() {
    let document = include_str!("../docs/recipes.md");
    let server = cluster_node();
    let mut recipes = 0;
    for recipe in document.split("\n## ").skip(1) {
        let sessions = blocks(recipe, "redis");
        if sessions.is_empty() {
            assert!(recipe.starts_with("What happens if\n"), "no session: {recipe}");
            continue;
        }
        assert!(sessions[0].contains("> ACL SETUSER "), "no ACL rules: {recipe}");
        server.client().ok("FLUSHALL");
        server.client().ok("ACL DELUSER producer consumer worker-1");
        for session in sessions {
            type_in(&server, session);
        }
        recipes += 1;
        if let [subscribe] = blocks(recipe, "text")[..] {
            assert_wakes(&server, subscribe.trim_end());
        }
    }
    assert_eq!(recipes, 6);
}

/// Asserts that the consumer of the recipe may subscribe, and learns of appends and of the script's SET.
#[track_caller]
fn assert_wakes(server: &Server, subscribe: &str) {
    let channel = subscribe.strip_prefix("SUBSCRIBE ").expect("a channel");
    let mut consumer = server.client();
    consumer.ok("AUTH worker-1 secret");
    let mut subscription = consumer.0.as_pubsub();
    subscription.subscribe(channel).expect("the consumer may subscribe");
    server.client().ok("JSONMERGE.APPEND events [1]");
    server.client().ok("SET events [2]");
    for event in ["jsonmerge.append", "set"] {
        let message = subscription.get_message().expect("the server sends a message");
        assert_eq!(message.get_payload(), Ok(event.to_owned()));
    }
}

#[test]
fn costs_agree_with_the_record() {
    let operations = include_str!("../docs/operations.md");
    let record = Record::of(operations);
    let first = record.table("First append to a value that another command wrote");
    let latency = operations.split_once("## Latency of the first access").expect("the chapter").1;
    let shown = rows(latency.split("\n## ").next().unwrap_or_default());
    assert_eq!(shown.len(), 6);
    for row in shown {
        let measured = ["objects of 70 bytes", "single digits"]
            .map(|elements| cell(&first, &[elements, row[0]], 2));
        assert_eq!(row[1..], measured, "{}", row[0]);
    }
    let appends = record.table("Append 70 bytes, 16 in a pipeline");
    let cached = cell(&appends, &["1 MB", "JSONMERGE.APPEND REPLY LEN"], 2);
    let validated = cell(&first, &["objects of 70 bytes", "1 MB"], 2);
    assert_says(operations, &format!("takes {cached} us instead of [{validated} us]"));
    let waiting = record.table("Memory of a waiting client, besides that of its connection");
    let memory = cell(&waiting, &["JSONMERGE.TAKE k BLOCK 0"], 1);
    assert_says(operations, &format!("takes {memory} KB in addition to its connection"));
}

#[track_caller]
fn assert_says(document: &str, text: &str) {
    let words: Vec<&str> = document.split_whitespace().collect();
    assert!(words.join(" ").contains(text), "the document does not say: {text}");
}

#[test]
fn every_info_field_is_documented() {
    let document = include_str!("../docs/operations.md");
    let server = Server::start();
    let section = server.client().ok("INFO jsonmerge");
    let names = section.lines().skip(1).filter_map(|line| line.split(':').next());
    for name in names {
        let name = name.trim_start_matches("jsonmerge_");
        assert!(document.lines().any(|line| line.starts_with(&format!("| `{name}` | "))), "{name}");
    }
}

#[test]
fn configs_have_the_documented_default() {
    let document = include_str!("../docs/operations.md");
    let server = Server::start();
    let shown = server.client().ok("CONFIG GET jsonmerge.*");
    let rows = document.lines().filter(|line| line.starts_with("| `jsonmerge."));
    let rows: Vec<String> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split(" | ").collect();
            format!("({} {})", cells[0].trim_matches(['|', ' ', '`']), cells[1])
        })
        .collect();
    assert_eq!(rows, [shown]);
}

#[test]
fn every_error_reason_is_documented() {
    let page = include_str!("../docs/commands/jsonmerge.append.md");
    let (_, reasons) = page.split_once("The reason is one of:").expect("the list of reasons");
    let server = Server::start();
    let mut client = server.client();
    for text in [
        &b"\xff"[..],
        b"[",
        b"x",
        b"[1 2]",
        b"{\"a\":1 2}",
        b"{\"a\" 1}",
        b"{1:2}",
        b"[nul]",
        b"[01]",
        b"[\"\\x\"]",
        b"[\"\n\"]",
        b"[1,]",
        b"[] x",
    ] {
        let error = client.call_with(&[b"JSONMERGE.APPEND", b"k", text]).expect_err("not JSON");
        let reason = error.strip_prefix("BADJSON argument is not valid JSON: ").expect(&error);
        let (reason, _) = reason.split_once(" at byte ").expect(&error);
        assert!(reasons.contains(&format!("`{reason}`")), "{reason}");
    }
}
