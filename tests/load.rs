//! Loading the module: its configs, and the servers and arguments that it rejects.

use jsonmerge::cache::DEFAULT_ENTRIES;

use crate::support::client::Client;
use crate::support::server::{Server, Settings, module_path};

const CONFIG: &str = "jsonmerge.validation-cache-entries";

fn load() -> String {
    format!("MODULE LOAD {}", module_path().display())
}

fn loadex(arguments: &str) -> String {
    format!("MODULE LOADEX {} {arguments}", module_path().display())
}

/// Asserts that no trace of the module is left, and that the server works.
#[track_caller]
fn assert_not_loaded(server: &Server) {
    let mut client = server.client();
    assert!(!client.ok("MODULE LIST").contains("jsonmerge"));
    for command in ["JSONMERGE.APPEND k [1]", "JSONMERGE.TAKE k"] {
        let error = client.call(command).expect_err("the command is unknown");
        assert!(error.starts_with("ERR unknown command"), "{error}");
    }
    client.expect(&[
        // This would call a subscription that was left behind.
        ("CONFIG SET maxmemory 0", "OK"),
        (&format!("CONFIG GET {CONFIG}"), "()"),
        ("PING", "PONG"),
    ]);
    assert!(!client.ok("INFO everything").contains("jsonmerge_"));
}

/// Asserts that the server rejects a load, and that its log contains `reason`.
#[track_caller]
fn assert_rejected(server: &Server, load: &str, reason: &str) {
    server.client().call(load).expect_err("the load fails");
    let log = server.log();
    assert!(log.contains("does not load: "), "{log}");
    assert!(log.contains(reason), "{reason}: {log}");
    assert_not_loaded(server);
}

#[test]
fn load_against_invalid_arguments_is_rejected() {
    for (arguments, reason) in [
        ("surprise", "unknown config \"surprise\""),
        ("surprise 1", "unknown config \"surprise\""),
        ("verified-slots 64", "unknown config \"verified-slots\""),
        ("validation-cache-entries", "the last config has no value"),
        ("validation-cache-entries 2 validation-cache-entries", "the last config has no value"),
        ("validation-cache-entries x", "must be a number from 0 to 16777216"),
        ("validation-cache-entries -1", "must be a number from 0 to 16777216"),
        ("validation-cache-entries 33554432", "must be a number from 0 to 16777216"),
        ("validation-cache-entries 2", "must be 0 or a power of two, at least 4"),
        ("validation-cache-entries 6", "must be 0 or a power of two, at least 4"),
    ] {
        assert_rejected(&Server::plain(), &format!("{} {arguments}", load()), reason);
    }
}

#[test]
fn load_against_valid_arguments_sets_the_config() {
    let server = Server::plain();
    let mut client = server.client();
    client.ok(&format!("{} VALIDATION-CACHE-ENTRIES 8 validation-cache-entries 64", load()));
    assert_eq!(entries(&mut client), "64");
    client.call(&load()).expect_err("the module is already loaded");
    assert_eq!(client.ok("JSONMERGE.APPEND k [1]"), "[1]");
}

/// In some of these cases, the server unloads the module after it has loaded, and newer servers assert that
/// the module allows it. Redis 7.0 reports the error but keeps the module.
#[test]
fn loadex_against_invalid_arguments_leaves_nothing_loaded() {
    for arguments in [
        "CONFIG foo.bar 1",
        "CONFIG jsonmerge.foo 1",
        "CONFIG jsonmerge.verified-slots 64",
        "CONFIG jsonmerge.validation-cache-entries 7",
        "CONFIG jsonmerge.validation-cache-entries x",
        "CONFIG jsonmerge.validation-cache-entries 64 CONFIG foo.bar 1",
        "ARGS surprise",
        "ARGS validation-cache-entries 7",
        "CONFIG foo.bar 1 ARGS validation-cache-entries 64",
    ] {
        for is_in_transaction in [false, true] {
            let server = Server::plain();
            let mut client = server.client();
            let error = if is_in_transaction {
                client.expect(&[("MULTI", "OK"), (&loadex(arguments), "QUEUED")]);
                client.ok("EXEC").trim_start_matches("((error) ").to_owned()
            } else {
                client.call(&loadex(arguments)).expect_err(arguments)
            };
            assert!(error.starts_with("ERR Error loading the extension"), "{arguments}: {error}");
            let is_7_0 = server.version_is_7_0();
            if !is_7_0 || !client.ok("MODULE LIST").contains("jsonmerge") {
                assert_not_loaded(&server);
                client.ok(&load());
            }
            client.expect(&[
                ("JSONMERGE.APPEND k [1]", "[1]"),
                ("CONFIG SET maxmemory 0", "OK"),
                (
                    "MODULE UNLOAD jsonmerge",
                    "(error) ERR Error unloading module: operation not possible.",
                ),
                ("JSONMERGE.TAKE k", "[1]"),
            ]);
        }
    }
}

#[test]
fn loadex_against_valid_arguments_sets_the_config() {
    for (arguments, expected) in [
        (format!("CONFIG {CONFIG} 128"), "128"),
        ("ARGS validation-cache-entries 256".into(), "256"),
        (format!("CONFIG {CONFIG} 128 ARGS validation-cache-entries 256"), "128"),
    ] {
        let server = Server::plain();
        let mut client = server.client();
        client.ok(&loadex(&arguments));
        assert_eq!(entries(&mut client), expected, "{arguments}");
    }
}

fn entries(client: &mut Client) -> String {
    let reply = client.ok(&format!("CONFIG GET {CONFIG}"));
    reply.trim_start_matches(&format!("({CONFIG} ")).trim_end_matches(')').to_owned()
}

#[test]
fn validation_cache_entries_can_be_set_in_redis_conf_and_by_config_set() {
    let server = Settings::new().module().with(&format!("{CONFIG} 128")).start();
    let mut client = server.client();
    assert_eq!(entries(&mut client), "128");
    client.ok(&format!("CONFIG SET {CONFIG} 0"));
    assert_eq!(entries(&mut client), "0");
    for (value, reason) in [
        ("2", "must be 0 or a power of two, at least 4"),
        ("6", "must be 0 or a power of two, at least 4"),
        ("33554432", "16777216"),
        ("x", "couldn't be parsed"),
    ] {
        let error = client.call(&format!("CONFIG SET {CONFIG} {value}")).expect_err(value);
        assert!(error.contains(reason), "{error}");
        assert_eq!(entries(&mut client), "0");
    }
    client.ok(&format!("CONFIG SET {CONFIG} 16777216"));
    client.ok(&format!("CONFIG SET {CONFIG} 256"));
    client.ok("CONFIG REWRITE");
    let conf = std::fs::read_to_string(server.directory().join("redis.conf"));
    let conf = conf.expect("the server has written redis.conf");
    assert!(conf.contains(&format!("{CONFIG} 256")), "{conf}");
}

#[test]
fn validation_cache_entries_has_a_default() {
    let server = Server::start();
    assert_eq!(entries(&mut server.client()), DEFAULT_ENTRIES.to_string());
}

#[test]
#[ignore = "needs REDIS_SERVER_TOO_OLD=/path/to/redis-server of Redis 6; see scripts/test-servers"]
fn load_against_a_server_that_is_too_old_is_rejected() {
    let program = std::env::var_os("REDIS_SERVER_TOO_OLD").expect("REDIS_SERVER_TOO_OLD is set");
    let server = Settings::of(program).start();
    server.client().call(&load()).expect_err("the load fails");
    let log = server.log();
    let reason = "does not load: it needs Redis 7.0 or newer, or Valkey 7.2 or newer";
    assert!(log.contains(reason), "{log}");
    server.client().expect(&[("CONFIG SET maxmemory 0", "OK"), ("PING", "PONG")]);
}

#[test]
fn load_against_a_renamed_command_that_effects_use_is_rejected() {
    for name in ["SET", "SETRANGE", "PEXPIREAT", "PERSIST", "UNLINK"] {
        let server = Settings::new().with(&format!("rename-command {name} other")).start();
        let reason = format!("it propagates changes as {name}, and that command has been renamed");
        assert_rejected(&server, &load(), &reason);
    }
}

#[test]
fn load_against_an_existing_command_of_the_same_name_is_rejected() {
    for name in ["jsonmerge.append", "jsonmerge.take"] {
        let server = Settings::new().with(&format!("rename-command ACL {name}")).start();
        server.client().call(&load()).expect_err("the load fails");
        let reason =
            format!("does not load: the server refused to register the name of \"{name}\"");
        assert!(server.log().contains(&reason), "{}", server.log());
        let mut client = server.client();
        assert!(!client.ok("MODULE LIST").contains("jsonmerge"));
        client.expect(&[("CONFIG SET maxmemory 0", "OK"), ("PING", "PONG")]);
    }
}

#[test]
fn commands_against_renamed_get_and_config_work() {
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

#[test]
fn rejected_loads_leak_no_memory() {
    let server = Server::plain();
    let mut client = server.client();
    let lines = [
        format!("CONFIG {CONFIG} 7"),
        "ARGS validation-cache-entries 65536 surprise".into(),
        "CONFIG jsonmerge.x 1".into(),
    ];
    let mut reject = |times: usize| {
        for line in lines.iter().cycle().take(times) {
            client.call(&loadex(line)).expect_err(line);
        }
    };
    reject(12);
    let before = server.info("used_memory");
    reject(300);
    let growth = server.info("used_memory").saturating_sub(before);
    assert!(growth < 300_000, "{growth} bytes in 300 rejected loads");
}
