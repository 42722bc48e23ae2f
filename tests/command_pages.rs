//! The page of each command agrees with COMMAND DOCS and COMMAND INFO, and its examples with the server.

use std::collections::BTreeSet;

use redis::Value;

use crate::support::client::{Client, text};
use crate::support::server::Server;
use crate::support::session::{blocks, replay};

const PAGES: [(&str, &str); 2] = [
    ("JSONMERGE.APPEND", include_str!("../docs/commands/jsonmerge.append.md")),
    ("JSONMERGE.TAKE", include_str!("../docs/commands/jsonmerge.take.md")),
];

/// A reply that is a map in RESP3 and an array of pairs in RESP2.
struct Map(Vec<(String, Value)>);

impl Map {
    fn of(value: &Value) -> Self {
        let Value::Array(items) = value else { panic!("{value:?}") };
        let pairs = items.as_chunks().0;
        Map(pairs.iter().map(|[name, value]| (text(name), value.clone())).collect())
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    fn text(&self, name: &str) -> String {
        self.get(name).map(text).unwrap_or_default()
    }
}

fn docs(client: &mut Client, command: &str) -> Map {
    let reply = client.value_of(&[b"COMMAND", b"DOCS", command.as_bytes()]).expect("COMMAND DOCS");
    let Value::Array(reply) = reply else { panic!("{reply:?}") };
    Map::of(&reply[1])
}

/// Returns the syntax as redis.io shows it.
fn syntax(arguments: &Value, separator: &str) -> String {
    let Value::Array(arguments) = arguments else { panic!("{arguments:?}") };
    let written = arguments.iter().map(|argument| {
        let argument = Map::of(argument);
        let token = argument.text("token");
        let within = argument.get("arguments").map(|within| syntax(within, " | "));
        let written = match (argument.text("type").as_str(), within) {
            ("pure-token", _) => token,
            (_, Some(within)) if token.is_empty() => within,
            (_, Some(within)) => format!("{token} <{within}>"),
            _ => format!("{token} {}", argument.text("name")).trim_start().to_owned(),
        };
        match argument.text("flags").contains("optional") {
            true => format!("[{written}]"),
            false => written,
        }
    });
    written.collect::<Vec<_>>().join(separator)
}

/// Returns a row of the table at the top of a page.
fn row<'p>(page: &'p str, name: &str) -> &'p str {
    let start = format!("| {name} | ");
    let row = page.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix(" |"));
    row.unwrap_or_else(|| panic!("the page has no row {name}"))
}

#[test]
fn pages_agree_with_command_docs() {
    let server = Server::start();
    let mut client = server.client();
    for (command, page) in PAGES {
        let docs = docs(&mut client, command);
        let arguments = syntax(docs.get("arguments").expect("arguments"), " ");
        let written = row(page, "Syntax").replace("\\|", "|");
        assert_eq!(written, format!("`{command} {arguments}`"));
        assert_eq!(row(page, "Time complexity"), docs.text("complexity"));
        let since = format!("jsonmerge {}, ", docs.text("since"));
        assert!(row(page, "Available since").starts_with(&since));
        let (_, below) =
            page.split_once("\n\n").expect("a table").1.split_once("\n\n").expect("text");
        assert!(below.replace('\n', " ").starts_with(&docs.text("summary")), "{command}");
        assert_eq!(docs.get("history"), None, "{command} has a history, its page has none");
    }
}

#[test]
fn pages_agree_with_command_info() {
    let server = Server::start();
    let mut client = server.client();
    for (command, page) in PAGES {
        let reply = client.value_of(&[b"COMMAND", b"INFO", command.as_bytes()]).expect("a reply");
        let Value::Array(reply) = reply else { panic!("{reply:?}") };
        let Value::Array(info) = &reply[0] else { panic!("{reply:?}") };
        let words = |row: &str| -> Vec<String> {
            row.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        };
        let list = |value: &Value| -> Vec<String> {
            let list = text(value);
            list.trim_matches(['(', ')']).split_terminator(' ').map(str::to_owned).collect()
        };
        let flags: Vec<_> = list(&info[2]).into_iter().filter(|flag| flag != "module").collect();
        let mut expected = words(row(page, "Command flags"));
        expected.retain(|flag| flag != "blocking" || server.has_categories());
        assert_eq!(flags, expected);
        let key = words(row(page, "Key")).join(" ");
        assert!(text(&info[8]).contains(&format!("flags ({key})")), "{command}: {key}");
        if server.has_categories() {
            assert_eq!(words(row(page, "ACL categories")), list(&info[6]));
        }
    }
}

#[test]
fn examples_of_the_pages_agree_with_the_server() {
    for ((_, page), count) in PAGES.into_iter().zip([1, 3]) {
        let sessions = blocks(page, "redis");
        assert_eq!(sessions.len(), count);
        sessions.into_iter().for_each(replay);
    }
}

/// Returns the errors that the page lists, up to the reason why a text is not JSON.
fn listed_errors(page: &str) -> BTreeSet<String> {
    let (_, section) = page.split_once("\n## Errors\n").expect("the chapter");
    let section = section.split("\n## ").next().unwrap_or_default();
    let code = section.split('`').skip(1).step_by(2);
    let is_error = |text: &&str| {
        ["BADJSON ", "NOTARRAY ", "WRONGTYPE ", "ERR "].iter().any(|code| text.starts_with(code))
    };
    code.filter(is_error).map(without_reason).collect()
}

fn without_reason(error: &str) -> String {
    error.split(": ").next().unwrap_or_default().to_owned()
}

const LIMIT: usize = 1024 * 1024;

/// Calls that fail, by command. `broken` and `object` are strings, and no element fits into `full`.
const FAILURES: [&[&str]; 2] = [
    &[
        "JSONMERGE.APPEND k [",
        "JSONMERGE.APPEND broken [1]",
        "JSONMERGE.APPEND k {}",
        "JSONMERGE.APPEND object [1]",
        "JSONMERGE.APPEND list [1]",
        "JSONMERGE.APPEND full [1]",
        "JSONMERGE.APPEND k [1] TRUST REPLY LEN",
        "JSONMERGE.APPEND k [1] TRUST TRUST",
        "JSONMERGE.APPEND k [1] EX x",
        "JSONMERGE.APPEND k [1] EX 0",
    ],
    &[
        "JSONMERGE.TAKE broken",
        "JSONMERGE.TAKE object",
        "JSONMERGE.TAKE list",
        "JSONMERGE.TAKE k COUNT 0",
        "JSONMERGE.TAKE k BLOCK -1",
        "JSONMERGE.TAKE k BLOCK x",
        "JSONMERGE.TAKE k BLOCK 9223372036854775807",
        "JSONMERGE.TAKE k BLOCK",
    ],
];

#[test]
fn pages_list_every_error() {
    let server = Server::start();
    let mut client = server.client();
    client.ok("RPUSH list 1");
    client.ok("SET broken [");
    client.ok("SET object {}");
    client.ok(&format!("CONFIG SET proto-max-bulk-len {LIMIT}"));
    let full = format!("[1{}]", " ".repeat(LIMIT - 3));
    client.call_with(&[b"SET", b"full", full.as_bytes()]).expect("SET");
    for ((command, page), calls) in PAGES.into_iter().zip(FAILURES) {
        let mut errors: BTreeSet<String> =
            calls.iter().map(|call| without_reason(&client.call(call).expect_err(call))).collect();
        // Only a bug causes it.
        errors.insert(format!("ERR internal error in '{}' command", command.to_lowercase()));
        assert_eq!(listed_errors(page), errors, "{command}");
    }
}

#[test]
fn pages_list_every_option() {
    let [(_, append), (_, take)] = PAGES;
    for option in [
        "TRUST",
        "EX seconds",
        "PX milliseconds",
        "EXAT unix-time-seconds",
        "PXAT unix-time-milliseconds",
        "PERSIST",
        "REPLY JSON",
        "REPLY LEN",
        "REPLY SIZE",
    ] {
        assert!(append.contains(&format!("- `{option}` -- ")), "{option}");
    }
    for option in ["COUNT count", "TRUST", "BLOCK milliseconds"] {
        assert!(take.contains(&format!("- `{option}` -- ")), "{option}");
    }
}
