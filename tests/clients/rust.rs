//! The example of the `redis` crate: its trait on connections and clusters, and its commands in pipelines
//! and transactions.

use redis::cluster::{ClusterClient, ClusterConnection, cluster_pipe};
use redis::{Connection, ProtocolVersion, RedisError, pipe};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::url;
use crate::support::cluster::Cluster;
use crate::support::server::Server;

#[path = "../../examples/rust/jsonmerge.rs"]
mod jsonmerge;

use jsonmerge::{AppendOptions, Array, Expiration, JsonmergeCommands, Reply, append, take};

/// Starts a server, and connects to it with each protocol.
fn connections() -> (Server, [Connection; 2]) {
    let server = Server::start();
    let connections = [server.client().0, server.client_resp3().0];
    (server, connections)
}

/// Returns elements that the Lua script would damage.
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

#[test]
fn append_and_take_return_the_elements_as_sent() {
    let (_server, connections) = connections();
    for mut connection in connections {
        let all = [elements(), vec![json!("é")]].concat();
        assert_eq!(connection.jsonmerge_append("k", &elements(), &plain()), Ok(Array(elements())));
        assert_eq!(connection.jsonmerge_append("k", &["é"], &plain()), Ok(Array(all.clone())));
        assert_eq!(connection.jsonmerge_take("k"), Ok(Some(all)));
        assert_eq!(connection.jsonmerge_take("k"), Ok(None::<Vec<Value>>));
        let empty: [u8; 0] = [];
        assert_eq!(connection.jsonmerge_append("k", &empty, &plain()), Ok(Array::<u8>(vec![])));
        assert_eq!(connection.jsonmerge_take("k"), Ok(Some(Vec::<u8>::new())));
    }
}

#[test]
fn take_returns_numbers_as_written() {
    let (_server, [mut connection, _]) = connections();
    let sent: Vec<Box<RawValue>> =
        serde_json::from_str("[1e400, 1.0, -0]").expect("the text is JSON");
    assert_eq!(connection.jsonmerge_append("k", &sent, &plain().reply(Reply::Size)), Ok(14));
    let taken: Option<Vec<Box<RawValue>>> =
        connection.jsonmerge_take("k").expect("TAKE returns an array");
    let taken = taken.expect("TAKE returns an array");
    assert_eq!(taken.iter().map(|raw| raw.get()).collect::<Vec<_>>(), ["1e400", "1.0", "-0"]);
}

#[test]
fn append_sends_its_options() {
    let (_server, connections) = connections();
    for mut connection in connections {
        assert_eq!(connection.jsonmerge_append("k", &[1, 2], &len()), Ok(2));
        let trust = plain().trust().reply(Reply::Size);
        assert_eq!(connection.jsonmerge_append("k", &[3], &trust), Ok(7));
        // The error shows that the server received TRUST.
        let refused = connection.jsonmerge_append::<_, _, usize>("k", &[3], &len().trust());
        assert!(
            refused.expect_err("the command fails").to_string().contains("TRUST does not count")
        );
        let ttl = |connection: &mut Connection| -> i64 {
            redis::cmd("TTL").arg("k").query(connection).expect("TTL succeeds")
        };
        let (seconds, _): (u64, u64) =
            redis::cmd("TIME").query(&mut connection).expect("TIME succeeds");
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
            connection.jsonmerge_take("k").map(|array| array.map(|a: Vec<u8>| a.len())),
            Ok(Some(11))
        );
    }
}

#[test]
fn pipelines_and_transactions() {
    let (_server, connections) = connections();
    for mut connection in connections {
        for is_transaction in [false, true] {
            let mut pipeline = pipe();
            if is_transaction {
                pipeline.atomic();
            }
            pipeline
                .add_command(append("k", &[1, 2], &len()).expect("the text is JSON"))
                .add_command(take("k"))
                .add_command(take("k"));
            let taken = Some(Array(vec![1, 2]));
            assert_eq!(pipeline.query(&mut connection), Ok((2, taken, None::<Array<u8>>)));
        }
    }
}

#[test]
fn errors_have_their_code() {
    let (_server, connections) = connections();
    for mut connection in connections {
        for (stored, code) in [("[1,", "BADJSON"), ("{}", "NOTARRAY")] {
            redis::cmd("SET").arg("k").arg(stored).exec(&mut connection).expect("SET succeeds");
            let has_code = |error: RedisError| assert_eq!(error.code(), Some(code));
            has_code(
                connection.jsonmerge_append::<_, _, usize>("k", &[2], &len()).expect_err(code),
            );
            has_code(connection.jsonmerge_take::<_, u8>("k").expect_err(code));
            assert_eq!(redis::cmd("GET").arg("k").query(&mut connection), Ok(stored.to_owned()));
        }
    }
}

#[test]
fn commands_in_a_cluster_go_to_the_right_node() {
    let cluster = Cluster::start();
    for protocol in [ProtocolVersion::RESP2, ProtocolVersion::RESP3] {
        let client = ClusterClient::builder([url(&cluster.shards[0][0])]).use_protocol(protocol);
        let connection = client.build().and_then(|client| client.get_connection());
        call_every_node(&mut connection.expect("the cluster answers"));
    }
    assert_eq!(cluster.errors("MOVED"), 0);
}

/// Runs the commands, alone and in a pipeline, on keys of every node. The `ClusterConnection` of the crate
/// has no transactions.
fn call_every_node(connection: &mut ClusterConnection) {
    let keys: Vec<String> = (0..20).map(|number| format!("rust:{number}")).collect();
    for key in &keys {
        assert_eq!(connection.jsonmerge_append(key, &[key], &len()), Ok(1));
        assert_eq!(connection.jsonmerge_take(key), Ok(Some(vec![key.clone()])));
    }
    let mut pipeline = cluster_pipe();
    for key in &keys {
        pipeline.add_command(append(key, &[1, 2], &len()).expect("the text is JSON"));
    }
    assert_eq!(pipeline.query(connection), Ok(vec![2; keys.len()]));
    for key in &keys {
        assert_eq!(connection.jsonmerge_take(key), Ok(Some(vec![1, 2])));
    }
}
