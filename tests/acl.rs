//! ACLs: which permissions the commands need, and that they grant no others.

use crate::support::client::Client;
use crate::support::server::Server;

/// Returns a connection of a user that has only these rules.
fn user(server: &Server, rules: &str) -> Client {
    let mut client = server.client();
    client.ok(&format!("ACL SETUSER user reset on >secret {rules}"));
    client.ok("AUTH user secret");
    client
}

/// Returns whether ACLs allow the user to run the command, which must then succeed.
#[track_caller]
fn may(client: &mut Client, command: &str) -> bool {
    match client.call(command) {
        Err(error) if error.starts_with("NOPERM") => false,
        Err(error) => panic!("{command}: {error}"),
        Ok(_) => true,
    }
}

const APPEND: &str = "JSONMERGE.APPEND jobs:1 [1]";
const TAKE: &str = "JSONMERGE.TAKE jobs:1";

#[test]
fn a_user_with_permission_for_take_can_only_take_from_allowed_keys() {
    let server = Server::start();
    let mut admin = server.client();
    let mut consumer = user(&server, "~jobs:* +jsonmerge.take");
    admin.expect(&[("MSET jobs:1 [1] jobs [2] other [3] job: [4]", "OK")]);
    assert_eq!(consumer.ok(TAKE), "[1]");
    for refused in [
        "JSONMERGE.TAKE jobs",
        "JSONMERGE.TAKE other",
        "JSONMERGE.TAKE job:",
        "JSONMERGE.TAKE JOBS:1",
        APPEND,
        "JSONMERGE.APPEND jobs:1 []",
        "GET jobs:1",
        "DEL jobs:1",
        "GETDEL jobs:1",
        "EVAL return 1 0",
        "CONFIG GET jsonmerge.validation-cache-entries",
        "MODULE LIST",
        "PING",
    ] {
        assert!(!may(&mut consumer, refused), "{refused}");
    }
    assert_eq!(admin.ok("MGET jobs:1 jobs other job:"), "((nil) [2] [3] [4])");
}

/// Both commands can reply with stored data, so write permission alone is not enough.
#[test]
fn both_commands_need_read_and_write_permission_for_the_key() {
    let server = Server::start();
    for (keys, is_allowed) in [
        ("~jobs:*", true),
        ("%RW~jobs:*", true),
        ("%R~jobs:* %W~jobs:*", true),
        ("%W~jobs:*", false),
        ("%R~jobs:*", false),
        ("~other:*", false),
        ("", false),
    ] {
        let mut client =
            user(&server, format!("+jsonmerge.append +jsonmerge.take {keys}").trim_end());
        for options in ["", " REPLY LEN", " REPLY SIZE", " TRUST REPLY SIZE", " EX 100"] {
            assert_eq!(
                may(&mut client, &format!("{APPEND}{options}")),
                is_allowed,
                "{keys:?}{options}"
            );
        }
        assert_eq!(may(&mut client, TAKE), is_allowed, "{keys:?}");
        assert_eq!(server.client().ok("EXISTS jobs:1"), "(integer) 0");
    }
}

#[test]
fn selectors_limit_a_command_to_its_keys() {
    let server = Server::start();
    let mut client = user(&server, "~in:* +jsonmerge.append");
    let selector = b"(~out:* +jsonmerge.take)";
    server
        .client()
        .call_with(&[b"ACL", b"SETUSER", b"user", selector])
        .expect("ACL SETUSER succeeds");
    for (command, is_allowed) in [
        ("JSONMERGE.APPEND in:1 [1]", true),
        ("JSONMERGE.APPEND out:1 [1]", false),
        ("JSONMERGE.TAKE out:1", true),
        ("JSONMERGE.TAKE in:1", false),
    ] {
        assert_eq!(may(&mut client, command), is_allowed, "{command}");
    }
}

#[test]
fn acl_categories_apply_if_the_server_has_them_for_modules() {
    let server = Server::start();
    let has_categories = server.has_categories();
    for (rules, with_categories, without) in [
        ("+@all", true, true),
        ("+@all -@write", false, true),
        ("+@all -@string", false, true),
        ("+@write", true, false),
        ("+@string", true, false),
        ("+@read", false, false),
        ("+@fast", false, false),
        ("+@all -jsonmerge.append -jsonmerge.take", false, false),
    ] {
        let mut client = user(&server, &format!("~* {rules}"));
        let expected = if has_categories { with_categories } else { without };
        assert_eq!(may(&mut client, APPEND), expected, "{rules}");
        assert_eq!(may(&mut client, TAKE), expected, "{rules}");
    }
}

#[test]
fn scripts_and_transactions_have_the_permissions_of_their_user() {
    let server = Server::start();
    let mut client = user(&server, "~jobs:* +jsonmerge.append +eval +multi +exec");
    let mut eval = |call: &str, keys: &str| {
        let script = format!("return redis.call({call})");
        let words = ["EVAL", &script].into_iter().chain(keys.split(' ')).map(str::as_bytes);
        client.call_with(&words.collect::<Vec<_>>())
    };
    assert_eq!(eval("'JSONMERGE.APPEND', KEYS[1], '[1]'", "1 jobs:1"), Ok("[1]".into()));
    for (call, keys) in [
        ("'JSONMERGE.APPEND', KEYS[1], '[1]'", "1 other"),
        ("'JSONMERGE.TAKE', KEYS[1]", "1 jobs:1"),
        // The script does not declare this key.
        ("'JSONMERGE.APPEND', 'other', '[1]'", "0"),
    ] {
        let refused = eval(call, keys).expect_err("the call is denied");
        let denials = ["ermission", "The user executing the script can't"];
        assert!(denials.iter().any(|words| refused.contains(words)), "{refused}");
    }
    client.expect(&[("MULTI", "OK")]);
    client.call(TAKE).expect_err("TAKE is denied");
    client.call("EXEC").expect_err("the transaction is aborted");
    assert_eq!(server.client().ok("MGET jobs:1 other"), "([1] (nil))");
}

#[test]
fn both_commands_need_no_permission_for_other_commands() {
    let server = Server::start();
    let mut client = user(&server, "~jobs:* +jsonmerge.append +jsonmerge.take");
    let long = format!("[\"{}\"]", "x".repeat(300));
    server.client().ok(&format!("MSET jobs:1 [0] jobs:2 {long} jobs:3 12"));
    client.expect(&[
        ("JSONMERGE.APPEND jobs:1 [1] EX 100", "[0,1]"),
        ("JSONMERGE.APPEND jobs:1 [] PERSIST REPLY SIZE", "(integer) 5"),
        ("JSONMERGE.APPEND jobs:2 [1] REPLY LEN", "(integer) 2"),
        (
            "JSONMERGE.APPEND jobs:3 [1]",
            "(error) NOTARRAY stored value is a JSON number, expected an array",
        ),
        ("JSONMERGE.TAKE jobs:1", "[0,1]"),
    ]);
}
