//! Loading and unloading: where the module refuses to load, and what it leaves behind.

use std::io::{BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;

use redis::{Parser, Value};

use crate::support::client::{Client, tcp};
use crate::support::server::{PATIENCE, Server, Settings, module_path, wait_until};

fn load() -> String {
    format!("MODULE LOAD {}", module_path().display())
}

/// Tries to load the module, and asserts what the server's log says of it.
#[track_caller]
fn refused(server: &Server, load: &str, reason: &str) {
    let mut client = server.client();
    client.call(load).expect_err("a refusal");
    assert!(
        server.log().contains(&format!("does not load: {reason}")),
        "{reason}: {}",
        server.log()
    );
    // A setting that changes must not reach a module that is gone.
    client.expect(&[("CONFIG SET maxmemory 0", "OK"), ("PING", "PONG")]);
}

#[test]
fn the_loadmodule_line_takes_settings_and_nothing_else() {
    for (line, reason) in [
        ("surprise", "it has no setting \"surprise\""),
        ("surprise 1", "it has no setting \"surprise\""),
        ("verified-slots", "the last setting has no value"),
        ("verified-slots 2 verified-slots", "the last setting has no value"),
        ("verified-slots x", "verified-slots must be a number from 0 to 16777216"),
        ("verified-slots -1", "verified-slots must be a number from 0 to 16777216"),
        ("verified-slots 33554432", "verified-slots must be a number from 0 to 16777216"),
        ("verified-slots 6", "verified-slots must be 0 or a power of two"),
    ] {
        refused(&Server::plain(), &format!("{} {line}", load()), reason);
    }
    let server = Server::plain();
    let mut client = server.client();
    client.ok(&format!("{} VERIFIED-SLOTS 1 verified-slots 64", load()));
    assert_eq!(slots(&mut client), "64");
    client.call(&load()).expect_err("twice");
    assert_eq!(client.ok("JSONMERGE.APPEND k [1]"), "[1]");
}

fn slots(client: &mut Client) -> String {
    let reply = client.ok("CONFIG GET jsonmerge.verified-slots");
    reply.trim_start_matches("(jsonmerge.verified-slots ").trim_end_matches(')').to_owned()
}

#[test]
fn verified_slots_in_redis_conf_and_config() {
    let server = Settings::new().module().with("jsonmerge.verified-slots 128").start();
    let mut client = server.client();
    assert_eq!(slots(&mut client), "128");
    client.ok("CONFIG SET jsonmerge.verified-slots 0");
    assert_eq!(slots(&mut client), "0");
    for (value, reason) in [
        ("6", "must be 0 or a power of two"),
        ("33554432", "16777216"),
        ("x", "couldn't be parsed"),
    ] {
        let error =
            client.call(&format!("CONFIG SET jsonmerge.verified-slots {value}")).expect_err(value);
        assert!(error.contains(reason), "{error}");
        assert_eq!(slots(&mut client), "0");
    }
    client.ok("CONFIG SET jsonmerge.verified-slots 16777216");
    client.ok("CONFIG SET jsonmerge.verified-slots 256");
    client.ok("CONFIG REWRITE");
    let conf = std::fs::read_to_string(server.directory().join("redis.conf")).expect("redis.conf");
    assert!(conf.contains("jsonmerge.verified-slots 256"), "{conf}");
    assert_eq!(slots(&mut Server::start().client()), "16384");
}

#[test]
#[ignore = "needs REDIS_SERVER_TOO_OLD=/path/to/redis-server of Redis 6; see scripts/test-servers"]
fn the_module_does_not_load_where_the_server_is_too_old() {
    let program = std::env::var_os("REDIS_SERVER_TOO_OLD").expect("REDIS_SERVER_TOO_OLD");
    let server = Settings::of(program).start();
    refused(&server, &load(), "it needs Redis 7.0 or Valkey 7.2, or newer");
}

#[test]
fn the_module_does_not_load_where_its_effects_have_other_names() {
    for name in ["SET", "SETRANGE", "PEXPIREAT", "PERSIST", "UNLINK"] {
        let server = Settings::new().with(&format!("rename-command {name} other")).start();
        refused(&server, &load(), &format!("replicas and the AOF need the {name} command"));
    }
}

#[test]
fn the_module_does_not_load_where_its_names_are_taken() {
    for name in ["jsonmerge.append", "jsonmerge.take"] {
        let server = Settings::new().with(&format!("rename-command ACL {name}")).start();
        refused(&server, &load(), &format!("the server refuses the name of \"{name}\""));
    }
}

#[test]
fn the_commands_work_where_get_and_config_were_renamed() {
    let renamed = ["rename-command GET other-get", "rename-command CONFIG other-config"];
    let server =
        renamed.iter().fold(Settings::new(), |settings, line| settings.with(line)).module().start();
    let large = format!("[\"{}\"]", "x".repeat(2_000_000));
    let mut client = server.client();
    client.expect(&[
        ("SET k [0]", "OK"),
        ("JSONMERGE.APPEND k [1]", "[0,1]"),
        ("JSONMERGE.APPEND k []", "[0,1]"),
        ("SET n 12", "OK"),
        ("JSONMERGE.TAKE n", "(error) NOTARRAY stored value is a JSON number, expected an array"),
    ]);
    let append = [b"JSONMERGE.APPEND", &b"k"[..], large.as_bytes(), b"REPLY", b"LEN"];
    assert_eq!(client.call_with(&append), Ok("(integer) 3".into()));
    assert!(client.ok("JSONMERGE.TAKE k") == format!("[0,1,{}", &large[1..]));
}

/// Core keeps a pointer to the command that a client called last, or has queued, and would follow it.
#[test]
fn unloading_disconnects_clients_that_could_crash_the_server() {
    let server = Server::start();
    let [mut admin, mut other] = [server.client(), server.client()];
    other.ok("SET k [0]");
    let holders = [&["JSONMERGE.APPEND k [1]"][..], &["MULTI", "JSONMERGE.TAKE k", "PING"]];
    let mut holders = holders.map(|commands| {
        let mut client = server.client();
        commands.iter().for_each(|command| _ = client.ok(command));
        client
    });
    let mut paused = tcp(server.port);
    admin.ok("CLIENT PAUSE 100000 WRITE");
    paused.write_all(b"JSONMERGE.TAKE k\r\n").expect("a server that listens");
    wait_until("the command is held back", || {
        admin.ok("CLIENT LIST").contains("cmd=jsonmerge.take")
    });

    unload(&server);
    let list = admin.ok("CLIENT LIST");
    assert_eq!(list.lines().count(), 2, "{list}");
    admin.ok("CLIENT UNPAUSE");
    for client in &mut holders {
        let gone = client.call("EXEC").expect_err("no connection");
        assert!(gone.starts_with("no reply"), "{gone}");
    }
    assert_eq!(paused.read(&mut [0]).expect("an end"), 0);
    other.expect(&[("GET k", "[0,1]"), ("PING", "PONG")]);
    let unknown = other.call("JSONMERGE.TAKE k").expect_err("no such command");
    assert!(unknown.starts_with("ERR unknown command"), "{unknown}");
    admin.ok(&load());
    other.expect(&[("JSONMERGE.TAKE k", "[0,1]"), ("PING", "PONG")]);
}

const REFUSED: &str = "(error) ERR Error unloading module: operation not possible.";

/// Unloads the module, once all replies have arrived.
fn unload(server: &Server) {
    let mut client = server.client();
    wait_until("the module unloads", || client.call("MODULE UNLOAD jsonmerge").is_ok());
}

/// Asserts that MODULE UNLOAD is refused, and what the server's log says of it.
#[track_caller]
fn stays_loaded(server: &Server, reason: &str) {
    let mut client = server.client();
    client.expect(&[("MODULE UNLOAD jsonmerge", REFUSED), ("PING", "PONG")]);
    let log = server.log();
    assert!(log.contains(&format!("does not unload: {reason}")), "{log}");
}

#[test]
fn the_module_does_not_unload_before_what_was_taken_has_arrived() {
    let server = Server::start();
    let [mut admin, mut idle] = [server.client(), server.client()];
    idle.ok("JSONMERGE.APPEND other [1]");
    let mut take = |size: usize| {
        let array = format!("[\"{}\"]", "x".repeat(size));
        admin.call_with(&[b"SET", b"k", array.as_bytes()]).expect("SET");
        let mut consumer = BufReader::new(tcp(server.port));
        // With commands behind it unread: closing the connection throws away what it has not sent.
        let pipeline = "JSONMERGE.TAKE k\r\n".repeat(5000);
        consumer.get_mut().write_all(pipeline.as_bytes()).expect("a server that listens");
        wait_until("the array is taken", || admin.ok("EXISTS k") == "(integer) 0");
        (consumer, Value::BulkString(array.into()))
    };
    // More than the kernel takes, and what it takes but cannot deliver to one who does not read.
    for size in [50_000_000, 500_000] {
        let (mut consumer, array) = take(size);
        if size == 500_000 {
            let mut client = server.client();
            wait_until("the server has handed it on", || {
                let list = client.ok("CLIENT LIST");
                list.lines().any(|line| {
                    line.contains("cmd=jsonmerge.take") && line.contains(" obl=0 oll=0 ")
                })
            });
        }
        stays_loaded(&server, "a reply to client ");
        assert!(Parser::new().parse_value(&mut consumer).expect("the whole array") == array);
    }
    // Nobody was disconnected as long as the module stayed.
    assert_eq!(idle.ok("JSONMERGE.TAKE other"), "[1]");

    // This one has room where the client is, before that reads it.
    let (mut consumer, array) = take(100_000);
    unload(&server);
    assert!(Parser::new().parse_value(&mut consumer).expect("the whole array") == array);
}

/// Core asserts that there is a command for each rule, as the module goes (Redis 8.0, Valkey) or as the
/// rules are shown (7.0).
#[test]
fn the_module_does_not_unload_while_a_user_has_a_rule_for_a_command() {
    for rule in ["+jsonmerge.append", "-jsonmerge.take", "(~k +jsonmerge.take)"] {
        let server = Server::start();
        let mut client = server.client();
        let all = if rule.starts_with('-') { b"+@all" } else { b"-@all" };
        let set = [b"ACL", &b"SETUSER"[..], b"producer", b"on", all, rule.as_bytes()];
        client.call_with(&set).expect("a user");
        stays_loaded(&server, "the server needs its commands for the rules of \"producer\"");
        client.expect(&[
            ("ACL SETUSER producer reset +@all", "OK"),
            ("MODULE UNLOAD jsonmerge", "OK"),
        ]);
        client.ok("ACL LIST");
    }
}

/// Threads of Redis 8.0 and Valkey look commands up before the main thread sees them.
#[test]
fn the_module_does_not_unload_beside_io_threads() {
    let server = Settings::new().module().with("io-threads 2").start();
    stays_loaded(&server, "with io-threads");
}

/// Core unloads the module again when it does not like the arguments, and takes no refusal. Redis 7.0
/// does: there the module may stay, for its clock goes on while a command runs.
#[test]
fn a_load_that_fails_within_a_transaction_leaves_nothing_loaded() {
    let server = Server::plain();
    let mut client = server.client();
    let load = format!("MODULE LOADEX {} CONFIG foo.bar 1", module_path().display());
    client.expect(&[("MULTI", "OK"), (&load, "QUEUED")]);
    assert!(client.ok("EXEC").starts_with("((error) ERR Error loading the extension"));
    let is_loaded = client.ok("MODULE LIST").contains("jsonmerge");
    assert!(!is_loaded || server.version_is_7_0());
}

#[test]
fn the_module_does_not_unload_within_a_transaction() {
    let server = Server::start();
    let mut client = server.client();
    let mut transaction = redis::pipe();
    transaction.atomic().ignore_errors();
    for words in [
        &["JSONMERGE.APPEND", "k", "[1]"][..],
        &["MODULE", "UNLOAD", "jsonmerge"],
        &["JSONMERGE.APPEND", "k", "[2]"],
    ] {
        transaction.cmd(words[0]).arg(&words[1..]);
    }
    let replies: Vec<redis::RedisResult<String>> =
        transaction.query(&mut client.0).expect("replies");
    let [first, unload, last] = replies.try_into().expect("three replies");
    assert_eq!([first, last], [Ok("[1]".into()), Ok("[1,2]".into())]);
    unload.expect_err("a refusal");
    assert!(server.log().contains("does not unload: what follows in the transaction"));
}

#[test]
fn the_module_does_not_unload_where_it_cannot_see_the_clients() {
    let server = Settings::new().module().with("rename-command CLIENT other").start();
    stays_loaded(&server, "CLIENT LIST does not answer");
}

#[test]
fn a_client_is_known_by_its_fields_and_not_by_its_address() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("id=1 cmd=x multi=-1 flags=M");
    let server =
        Settings::new().module().with(&format!("unixsocket \"{}\"", path.display())).start();
    let mut holder = UnixStream::connect(&path).expect("a server that listens");
    holder.set_read_timeout(Some(*PATIENCE)).expect("a time-out");
    holder.write_all(b"MULTI\r\nJSONMERGE.TAKE k\r\n").expect("a server that listens");
    let mut replies = [0; 14];
    holder.read_exact(&mut replies).expect("OK and QUEUED");
    let mut empty = server.client();
    empty.ok("MULTI");
    unload(&server);
    assert_eq!(holder.read(&mut [0]).expect("an end"), 0);
    // A transaction with nothing in it is no reason to disconnect.
    empty.expect(&[("PING", "QUEUED"), ("EXEC", "(PONG)")]);
}

#[test]
fn unloading_leaves_ordinary_strings_and_no_memory_behind() {
    let server = Server::plain();
    let mut client = server.client();
    let cycle = |client: &mut Client| {
        client.ok(&load());
        client.ok("JSONMERGE.APPEND k [1]");
        client.ok("JSONMERGE.APPEND k [2]");
        client.ok("MODULE UNLOAD jsonmerge");
        client.expect(&[
            ("GET k", "[1,2]"),
            ("APPEND k x", "(integer) 6"),
            ("DEL k", "(integer) 1"),
        ]);
        client.expect(&[("CONFIG SET maxmemory 0", "OK")]);
    };
    (0..10).for_each(|_| cycle(&mut client));
    let before = server.info("used_memory");
    (0..100).for_each(|_| cycle(&mut client));
    let grown = server.info("used_memory").saturating_sub(before);
    assert!(grown < 300_000, "{grown} bytes in 100 cycles");
}

#[test]
fn a_refused_load_leaves_no_memory_behind() {
    let server = Server::plain();
    let mut client = server.client();
    let lines = [
        "CONFIG jsonmerge.verified-slots 7",
        "ARGS verified-slots 65536 surprise",
        "CONFIG jsonmerge.x 1",
    ];
    let mut refuse = |times: usize| {
        for line in lines.iter().cycle().take(times) {
            let load = format!("MODULE LOADEX {} {line}", module_path().display());
            client.call(&load).expect_err(line);
        }
    };
    refuse(12);
    let before = server.info("used_memory");
    refuse(300);
    let grown = server.info("used_memory").saturating_sub(before);
    assert!(grown < 300_000, "{grown} bytes in 300 refused loads");
}

#[test]
fn calls_leave_no_memory_behind() {
    let server = Server::start();
    let mut client = server.client();
    let rounds = |client: &mut Client| {
        let mut pipeline = redis::pipe();
        for _ in 0..5000 {
            for command in
                ["APPEND k [1]", "APPEND k [2] EX 100", "APPEND k []", "APPEND k [", "TAKE k"]
            {
                let mut words = command.split(' ');
                pipeline.cmd(&format!("JSONMERGE.{}", words.next().unwrap_or_default()));
                words.for_each(|word| _ = pipeline.arg(word));
                pipeline.ignore();
            }
        }
        pipeline.ignore_errors().exec(&mut client.0).expect("replies");
    };
    rounds(&mut client);
    let before = server.info("used_memory");
    rounds(&mut client);
    let grown = server.info("used_memory").saturating_sub(before);
    assert!(grown < 300_000, "{grown} bytes in 25,000 calls");
}
