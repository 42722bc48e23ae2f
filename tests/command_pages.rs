//! The page of each command agrees with COMMAND DOCS and COMMAND INFO, and its examples with the server.

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

#[test]
fn pages_list_every_option_and_error() {
    let [(_, append), (_, take)] = PAGES;
    let readme = include_str!("../README.md");
    let table = readme.split_once("### Errors").expect("the chapter").1;
    let errors = table.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let errors = errors
        .take_while(|line| line.starts_with("| `"))
        .map(|row| row.split('`').nth(1).expect("an error"));
    let mut count = 0;
    for error in errors.filter(|error| !error.starts_with("ERR internal error")) {
        assert!(append.contains(error), "{error}");
        let is_of_both = error.contains("stored value") || error.starts_with("WRONGTYPE");
        assert_eq!(take.contains(error), is_of_both, "{error}");
        count += 1;
    }
    assert!(count >= 6);
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
