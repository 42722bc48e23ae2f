//! The example of the `redis` crate: its methods on connections and clusters, its commands in pipelines and
//! transactions.

use std::thread;
use std::time::{Duration, Instant};

use redis::cluster::{ClusterClient, ClusterConnection, cluster_pipe};
use redis::{Connection, ProtocolVersion, RedisError, pipe};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::url;
use crate::support::cluster::Cluster;
use crate::support::server::{Server, wait_until};

#[path = "../../examples/rust/jsonmerge.rs"]
mod jsonmerge;

use jsonmerge::{
    AppendOptions, Array, Expiration, JsonmergeCommands, Reply, TakeOptions, append, take,
};

/// Returns a server, and a connection to it with each protocol.
fn connections() -> (Server, [Connection; 2]) {
    let server = Server::start();
    let connections = [server.client().0, server.client_resp3().0];
    (server, connections)
}

/// Data that the Lua script would damage.
fn elements() -> Vec<Value> {
    let id = 9007199254740993_u64;
    vec![json!({"id": id, "tags": [], "größe": ["日本", "🎉", "a/b"], "deep": [[], {}]}), json!([])]
}

fn plain() -> AppendOptions {
    AppendOptions::default()
}

fn len() -> AppendOptions {
    plain().reply(Reply::Len)
}

fn all() -> TakeOptions {
    TakeOptions::default()
}

#[test]
fn take_returns_an_array_once_as_it_was_sent() {
    let (_server, connections) = connections();
    for mut connection in connections {
        let merged = [elements(), vec![json!("é")]].concat();
        assert_eq!(connection.jsonmerge_append("k", &elements(), &plain()), Ok(Array(elements())));
        assert_eq!(connection.jsonmerge_append("k", &["é"], &plain()), Ok(Array(merged.clone())));
        assert_eq!(connection.jsonmerge_take("k", &all()), Ok(Some(merged)));
        assert_eq!(connection.jsonmerge_take("k", &all()), Ok(None::<Vec<Value>>));
        let empty: [u8; 0] = [];
        assert_eq!(connection.jsonmerge_append("k", &empty, &plain()), Ok(Array::<u8>(vec![])));
        assert_eq!(connection.jsonmerge_take("k", &all()), Ok(Some(Vec::<u8>::new())));
    }
}

#[test]
fn append_and_take_do_not_change_numbers() {
    let (_server, [mut connection, _]) = connections();
    let sent: Vec<Box<RawValue>> = serde_json::from_str("[1e400, 1.0, -0]").expect("JSON");
    assert_eq!(connection.jsonmerge_append("k", &sent, &plain().reply(Reply::Size)), Ok(14));
    let taken: Option<Vec<Box<RawValue>>> =
        connection.jsonmerge_take("k", &all()).expect("an array");
    let taken = taken.expect("an array");
    assert_eq!(taken.iter().map(|raw| raw.get()).collect::<Vec<_>>(), ["1e400", "1.0", "-0"]);
}

#[test]
fn append_sends_its_options() {
    let (_server, connections) = connections();
    for mut connection in connections {
        assert_eq!(connection.jsonmerge_append("k", &[1, 2], &len()), Ok(2));
        let trust = plain().trust().reply(Reply::Size);
        assert_eq!(connection.jsonmerge_append("k", &[3], &trust), Ok(7));
        // The error shows that TRUST was sent.
        let failed = connection.jsonmerge_append::<_, _, usize>("k", &[3], &len().trust());
        assert!(failed.expect_err("an error").to_string().contains("TRUST does not count"));
        let ttl = |connection: &mut Connection| -> i64 {
            redis::cmd("TTL").arg("k").query(connection).expect("a TTL")
        };
        let (seconds, _): (u64, u64) = redis::cmd("TIME").query(&mut connection).expect("the time");
        for expiration in [
            Expiration::Ex(3600),
            Expiration::Px(3_600_000),
            Expiration::ExAt(seconds + 3600),
            Expiration::PxAt((seconds + 3600) * 1000),
        ] {
            let expire = len().with_expiration(expiration);
            assert_eq!(connection.jsonmerge_append("k", &[4], &expire).map(|_: usize| ()), Ok(()));
            assert!((3500..=3600).contains(&ttl(&mut connection)));
            let persist = len().with_expiration(Expiration::Persist);
            assert_eq!(connection.jsonmerge_append("k", &[5], &persist).map(|_: usize| ()), Ok(()));
            assert_eq!(ttl(&mut connection), -1);
        }
        assert_eq!(
            connection.jsonmerge_take("k", &all()).map(|array| array.map(|a: Vec<u8>| a.len())),
            Ok(Some(11))
        );
    }
}

#[test]
fn take_count_returns_the_first_elements_and_leaves_the_rest() {
    let (_server, connections) = connections();
    for mut connection in connections {
        assert_eq!(connection.jsonmerge_append("k", &[1, 2, 3], &len()), Ok(3));
        assert_eq!(connection.jsonmerge_take("k", &all().count(2)), Ok(Some(vec![1, 2])));
        assert_eq!(connection.jsonmerge_take("k", &all().count(2).block(0)), Ok(Some(vec![3])));
        assert_eq!(connection.jsonmerge_take("k", &all().count(2)), Ok(None::<Vec<u8>>));
    }
}

#[test]
fn take_trust_validates_only_what_is_taken() {
    let (_server, connections) = connections();
    for mut connection in connections {
        redis::cmd("SET").arg("k").arg("[1,x]").exec(&mut connection).expect("SET");
        let strict = connection.jsonmerge_take::<_, u8>("k", &all().count(1));
        assert_eq!(strict.expect_err("BADJSON").code(), Some("BADJSON"));
        let trust = all().count(1).trust();
        assert_eq!(connection.jsonmerge_take("k", &trust), Ok(Some(vec![1])));
        let rest = connection.jsonmerge_take::<_, u8>("k", &trust);
        assert_eq!(rest.expect_err("BADJSON").code(), Some("BADJSON"));
    }
}

#[test]
fn take_block_waits_for_an_append_of_another_connection() {
    let (server, connections) = connections();
    for mut waiting in connections {
        let taken = thread::spawn(move || {
            let first = waiting.jsonmerge_take("k", &all().count(2).block(10_000));
            (first, waiting.jsonmerge_take("k", &all().block(10_000)))
        });
        wait_until("a client waits", || server.info("blocked_clients") == 1);
        assert_eq!(server.client().0.jsonmerge_append("k", &[1, 2, 3], &len()), Ok(3));
        let (first, second) = taken.join().expect("replies");
        assert_eq!((first, second), (Ok(Some(vec![1, 2])), Ok(Some(vec![3]))));
    }
}

#[test]
fn take_block_returns_none_when_the_timeout_ends() {
    let (_server, connections) = connections();
    for mut connection in connections {
        let start = Instant::now();
        assert_eq!(connection.jsonmerge_take("k", &all().block(100)), Ok(None::<Vec<u8>>));
        assert!(start.elapsed() >= Duration::from_millis(90));
    }
}

#[test]
fn commands_work_in_pipelines_and_transactions() {
    let (_server, connections) = connections();
    for mut connection in connections {
        for is_transaction in [false, true] {
            let mut pipeline = pipe();
            if is_transaction {
                pipeline.atomic();
            }
            pipeline
                .add_command(append("k", &[1, 2], &len()).expect("JSON"))
                .add_command(take("k", &all()))
                .add_command(take("k", &all()));
            let taken = Some(Array(vec![1, 2]));
            assert_eq!(pipeline.query(&mut connection), Ok((2, taken, None::<Array<u8>>)));
        }
    }
}

#[test]
fn errors_have_the_code_that_the_server_sent() {
    let (_server, connections) = connections();
    for mut connection in connections {
        for (stored, code) in [("[1,", "BADJSON"), ("{}", "NOTARRAY")] {
            redis::cmd("SET").arg("k").arg(stored).exec(&mut connection).expect("SET");
            let has_code = |error: RedisError| assert_eq!(error.code(), Some(code));
            has_code(
                connection.jsonmerge_append::<_, _, usize>("k", &[2], &len()).expect_err(code),
            );
            has_code(connection.jsonmerge_take::<_, u8>("k", &all()).expect_err(code));
            assert_eq!(redis::cmd("GET").arg("k").query(&mut connection), Ok(stored.to_owned()));
        }
    }
}

#[test]
fn commands_work_in_a_cluster() {
    let cluster = Cluster::start();
    for protocol in [ProtocolVersion::RESP2, ProtocolVersion::RESP3] {
        let client = ClusterClient::builder([url(&cluster.shards[0][0])]).use_protocol(protocol);
        let connection = client.build().and_then(|client| client.get_connection());
        route(&mut connection.expect("the cluster answers"));
    }
    assert_eq!(cluster.errors("MOVED"), 0);
}

/// Runs the commands alone and in a pipeline, on keys of every node. The crate's `ClusterConnection` does not
/// support transactions.
fn route(connection: &mut ClusterConnection) {
    let keys: Vec<String> = (0..20).map(|number| format!("rust:{number}")).collect();
    for key in &keys {
        assert_eq!(connection.jsonmerge_append(key, &[key], &len()), Ok(1));
        assert_eq!(connection.jsonmerge_take(key, &all()), Ok(Some(vec![key.clone()])));
    }
    let mut pipeline = cluster_pipe();
    for key in &keys {
        pipeline.add_command(append(key, &[1, 2], &len()).expect("JSON"));
    }
    assert_eq!(pipeline.query(connection), Ok(vec![2; keys.len()]));
    for key in &keys {
        assert_eq!(connection.jsonmerge_take(key, &all()), Ok(Some(vec![1, 2])));
    }
}
