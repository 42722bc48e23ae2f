//! MODULE UNLOAD is refused in every situation in which the server would later use a pointer to a command of
//! the module, and the server keeps running.

use std::io::{BufReader, Write as _};
use std::thread;

use redis::{Parser, Pipeline, Value};

use crate::support::client::{Client, tcp, text};
use crate::support::server::{Server, Settings, module_path, wait_until};

const REFUSED: &str = "(error) ERR Error unloading module: operation not possible.";

/// Returns a pipeline of commands, which are words separated by spaces.
fn pipeline(commands: &[&str]) -> Pipeline {
    let mut pipeline = redis::pipe();
    for command in commands {
        let mut words = command.split(' ');
        pipeline.cmd(words.next().unwrap_or_default());
        words.for_each(|word| _ = pipeline.arg(word));
    }
    pipeline.ignore_errors();
    pipeline
}

/// Sends commands in one write, and returns the replies as text.
fn send_at_once(client: &mut Client, commands: &[&str]) -> Vec<String> {
    let replies: Vec<redis::RedisResult<Value>> =
        pipeline(commands).query(&mut client.0).expect("the server replies");
    let reply = |reply: &redis::RedisResult<Value>| match reply {
        Ok(reply) => text(reply),
        Err(error) => format!("(error) {}", crate::support::client::line(error)),
    };
    replies.iter().map(reply).collect()
}

/// Asserts that the server runs, that the module is loaded and works, and that `kept` is unchanged.
#[track_caller]
fn assert_unharmed(server: &Server) {
    server.client().expect(&[
        ("GET kept", "[1,2]"),
        ("JSONMERGE.APPEND probe [1]", "[1]"),
        ("JSONMERGE.APPEND probe [2] REPLY LEN", "(integer) 2"),
        ("JSONMERGE.TAKE probe", "[1,2]"),
        ("MODULE UNLOAD jsonmerge", REFUSED),
        ("PING", "PONG"),
    ]);
    assert!(server.client().ok("MODULE LIST").contains("name jsonmerge "));
}

fn server_with_data(settings: Settings) -> Server {
    with_data(settings.module().start())
}

fn plain_server_with_data() -> Server {
    with_data(Server::plain())
}

fn with_data(server: Server) -> Server {
    server.client().expect(&[("SET kept [1,2]", "OK"), ("SET x [0]", "OK")]);
    server
}

#[test]
fn unload_is_refused_and_the_log_says_what_to_do_instead() {
    let server = server_with_data(Settings::new());
    server.client().expect(&[("MODULE UNLOAD jsonmerge", REFUSED)]);
    assert_unharmed(&server);
    let log = server.log();
    assert!(log.contains("does not unload: clients may still refer to its commands"), "{log}");
    assert!(
        log.contains("delete the loadmodule line, configs and ACL rules that name it"),
        "{log}"
    );
}

/// Newer servers look up all commands that one read received before they run the first one.
#[test]
fn unload_against_commands_in_the_same_write_is_refused() {
    for (commands, replies) in [
        (["PING", "MODULE UNLOAD jsonmerge", "JSONMERGE.TAKE x"], ["PONG", REFUSED, "[0]"]),
        (["PING", "MODULE UNLOAD jsonmerge", "JSONMERGE.APPEND x [1]"], ["PONG", REFUSED, "[0,1]"]),
        (
            ["JSONMERGE.APPEND x [1]", "MODULE UNLOAD jsonmerge", "JSONMERGE.TAKE x"],
            ["[0,1]", REFUSED, "[0,1]"],
        ),
        (
            ["MODULE UNLOAD jsonmerge", "COMMAND INFO nothing", "JSONMERGE.TAKE nothing"],
            [REFUSED, "((nil))", "(nil)"],
        ),
    ] {
        let server = server_with_data(Settings::new());
        assert_eq!(send_at_once(&mut server.client(), &commands), replies);
        assert_unharmed(&server);
    }
}

/// Each first command blocks the client, and a command of the module is already in its query buffer.
#[test]
fn unload_against_a_blocked_client_is_refused() {
    for (blocking, last_command, reply) in [
        ("BLPOP list 0.5", "blpop", "(nil)"),
        ("WAIT 1 500", "wait", "(integer) 0"),
        ("XREAD BLOCK 500 STREAMS stream $", "xread", "(nil)"),
        ("CLIENT PAUSE 500 WRITE", "jsonmerge.append", "OK"),
    ] {
        let server = server_with_data(Settings::new());
        let mut admin = server.client();
        let mut blocked = BufReader::new(tcp(server.port));
        let commands = pipeline(&[blocking, "JSONMERGE.APPEND x [1]", "JSONMERGE.TAKE x"]);
        blocked.get_mut().write_all(&commands.get_packed_pipeline()).expect("the server reads");
        wait_until("the client is blocked", || {
            admin.ok("CLIENT LIST").contains(&format!(" cmd={last_command} "))
        });
        admin.expect(&[("MODULE UNLOAD jsonmerge", REFUSED), ("GET x", "[0]")]);
        let mut parser = Parser::new();
        for expected in [reply, "[0,1]", "[0,1]"] {
            let reply = parser.parse_value(&mut blocked).expect("the server replies");
            assert_eq!(text(&reply), expected, "{blocking}");
        }
        assert_unharmed(&server);
    }
}

/// Three clients send commands while the server runs a slow one, so it then runs theirs one after the other.
#[test]
fn unload_against_queued_clients_is_refused() {
    let server = server_with_data(Settings::new());
    for round in 0..10 {
        let mut sleeper = tcp(server.port);
        let mut clients = [tcp(server.port), tcp(server.port), tcp(server.port)];
        sleeper.write_all(b"DEBUG SLEEP 0.02\r\n").expect("the server reads");
        for (client, command) in clients.iter_mut().zip([
            "JSONMERGE.APPEND x [1] REPLY LEN",
            "MODULE UNLOAD jsonmerge",
            "JSONMERGE.APPEND x [2] REPLY LEN",
        ]) {
            let command = pipeline(&[command]).get_packed_pipeline();
            client.write_all(&command).expect("the server reads");
        }
        let len = format!("(integer) {}", 3 + 2 * round);
        wait_until("both clients have appended", || {
            server.client().ok("JSONMERGE.APPEND x [] REPLY LEN") == len
        });
        server.client().ok("CLIENT LIST");
    }
    assert_unharmed(&server);
}

#[test]
fn unload_in_a_transaction_is_refused() {
    let server = server_with_data(Settings::new());
    server.client().expect(&[
        ("MULTI", "OK"),
        ("JSONMERGE.APPEND x [1]", "QUEUED"),
        ("MODULE UNLOAD jsonmerge", "QUEUED"),
        ("JSONMERGE.APPEND x [2]", "QUEUED"),
        ("EXEC", &format!("([0,1] {REFUSED} [0,1,2])")),
    ]);
    assert_unharmed(&server);
}

#[test]
fn unload_against_an_open_transaction_is_refused() {
    let server = server_with_data(Settings::new());
    let mut client = server.client();
    client.expect(&[("MULTI", "OK"), ("JSONMERGE.TAKE x", "QUEUED")]);
    server.client().expect(&[("MODULE UNLOAD jsonmerge", REFUSED)]);
    client.expect(&[("EXEC", "([0])")]);
    assert_unharmed(&server);
}

/// Some servers assert that every command in a user's rules exists. Valkey 9 itself refuses to unload.
#[test]
fn unload_against_a_user_with_rules_for_a_command_is_refused() {
    for rule in ["+jsonmerge.append", "-jsonmerge.take"] {
        let server = server_with_data(Settings::new());
        let mut client = server.client();
        client.ok(&format!("ACL SETUSER producer on +@all {rule}"));
        client.call("MODULE UNLOAD jsonmerge").expect_err(rule);
        client.ok("ACL LIST");
        client.ok("ACL DELUSER producer");
        assert_unharmed(&server);
    }
}

/// I/O threads look up commands before the main thread sees them, even just before the server stops some of
/// the threads.
#[test]
fn unload_against_io_threads_is_refused() {
    let server = server_with_data(Settings::new().with("io-threads 4"));
    let mut admin = server.client();
    let is_adjustable = admin.call("CONFIG SET io-threads 4").is_ok();
    if !is_adjustable {
        println!("not tested: CONFIG SET io-threads, because this server does not allow it");
    }
    let traffic = ["JSONMERGE.APPEND busy [1] REPLY LEN"; 50];
    thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = server.client();
                    for _ in 0..100 {
                        for reply in send_at_once(&mut client, &traffic) {
                            assert!(reply.starts_with("(integer)"), "{reply}");
                        }
                    }
                })
            })
            .collect();
        while clients.iter().any(|client| !client.is_finished()) {
            let replies = match is_adjustable {
                true => send_at_once(
                    &mut admin,
                    &["CONFIG SET io-threads 1", "MODULE UNLOAD jsonmerge"],
                ),
                false => send_at_once(&mut admin, &["PING", "MODULE UNLOAD jsonmerge"]),
            };
            assert_eq!(replies[1], REFUSED);
            if is_adjustable {
                admin.ok("CONFIG SET io-threads 4");
            }
        }
    });
    assert_eq!(admin.ok("JSONMERGE.APPEND busy [] REPLY LEN"), "(integer) 20000");
    assert_unharmed(&server);
}

/// The command of the module is sent in a second write, because Redis 8.10 crashes if one write loads any
/// module and then calls one of its commands.
#[test]
fn unload_right_after_load_is_refused() {
    let load = format!("MODULE LOAD {}", module_path().display());
    for commands in [
        &[&load, "MODULE UNLOAD jsonmerge"][..],
        &["MULTI", &load, "EXEC", "MODULE UNLOAD jsonmerge"],
    ] {
        let server = plain_server_with_data();
        let mut client = server.client();
        let replies = send_at_once(&mut client, commands).join("; ");
        assert!(replies.contains(REFUSED), "{commands:?}: {replies}");
        client.expect(&[("JSONMERGE.APPEND x [1]", "[0,1]")]);
        assert_unharmed(&server);
    }
}

#[test]
fn unload_in_the_transaction_of_load_is_refused() {
    let load = format!("MODULE LOAD {}", module_path().display());
    let rule = "ACL SETUSER u +jsonmerge.append";
    for between in [None, Some(rule)] {
        let server = plain_server_with_data();
        let mut client = server.client();
        let commands =
            [Some("MULTI"), Some(&*load), between, Some("MODULE UNLOAD jsonmerge"), Some("EXEC")];
        send_at_once(&mut client, &commands.into_iter().flatten().collect::<Vec<_>>());
        assert!(client.ok("MODULE LIST").contains("jsonmerge"), "{between:?}");
        client.expect(&[("GET x", "[0]")]);
        // Valkey refuses by itself, in words of its own, as long as there is such a rule.
        client.ok("ACL DELUSER u");
        assert_unharmed(&server);
    }
}
