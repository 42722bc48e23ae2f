//! The commands work however a client sends them: RESP2, RESP3, pipelines, MULTI, scripts.

use redis::Value;

use crate::support::client::text;
use crate::support::server::{Server, Settings, wait_until};

#[test]
fn replies_have_the_right_type_in_resp2_and_resp3() {
    let server = Server::start();
    for mut client in [server.client(), server.client_resp3()] {
        for (command, reply) in [
            (&["JSONMERGE.APPEND", "k", "[1]"][..], Value::BulkString(b"[1]".into())),
            (&["JSONMERGE.APPEND", "k", "[2]", "REPLY", "LEN"], Value::Int(2)),
            (&["JSONMERGE.APPEND", "k", "[]", "REPLY", "SIZE"], Value::Int(5)),
            (&["JSONMERGE.TAKE", "k"], Value::BulkString(b"[1,2]".into())),
            (&["JSONMERGE.TAKE", "k"], Value::Nil),
        ] {
            let arguments: Vec<&[u8]> =
                command.iter().map(|argument| argument.as_bytes()).collect();
            assert_eq!(client.value_of(&arguments), Ok(reply), "{command:?}");
        }
        let refused = Err("NOTARRAY argument is a JSON object, expected an array".into());
        assert_eq!(client.call("JSONMERGE.APPEND k {}"), refused);
    }
}

#[test]
fn a_pipeline_gets_each_reply_in_order() {
    let server = Server::start();
    let mut client = server.client();
    let mut pipeline = redis::pipe();
    for n in 0..1000 {
        pipeline.cmd("JSONMERGE.APPEND").arg("k").arg(format!("[{n}]")).arg("REPLY").arg("LEN");
    }
    pipeline.cmd("JSONMERGE.TAKE").arg("k");
    let replies: Vec<Value> = pipeline.query(&mut client.0).expect("the server replies");
    let elements = (0..1000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let lengths = (1..=1000).map(Value::Int);
    let expected: Vec<Value> =
        lengths.chain([Value::BulkString(format!("[{elements}]").into_bytes())]).collect();
    assert_eq!(replies, expected);
}

#[test]
fn a_transaction_continues_after_a_refused_command() {
    let server = Server::start();
    server.client().expect(&[
        ("SET list-or-not {}", "OK"),
        ("MULTI", "OK"),
        ("JSONMERGE.APPEND k [1]", "QUEUED"),
        ("JSONMERGE.APPEND list-or-not [1]", "QUEUED"),
        ("JSONMERGE.TAKE k", "QUEUED"),
        ("EXEC", "([1] (error) NOTARRAY stored value is a JSON object, expected an array [1])"),
        ("MULTI", "OK"),
        (
            "JSONMERGE.APPEND k",
            "(error) ERR wrong number of arguments for 'jsonmerge.append' command",
        ),
        ("EXEC", "(error) EXECABORT Transaction discarded because of previous errors."),
    ]);
}

#[test]
fn scripts_and_functions_call_the_commands() {
    let server = Server::start();
    let mut client = server.client();
    let calls = "redis.call('JSONMERGE.APPEND', keys[1], args[1], 'REPLY', 'LEN')
        local refused = redis.pcall('JSONMERGE.APPEND', keys[1], '{}')
        local taken = redis.call('JSONMERGE.TAKE', keys[1])
        return {taken, refused.err, redis.call('JSONMERGE.TAKE', keys[1])}";
    let script = format!("local keys, args = KEYS, ARGV {calls}");
    let library =
        format!("#!lua name=l\nredis.register_function('f', function(keys, args) {calls} end)");
    client.call_with(&[b"FUNCTION", b"LOAD", library.as_bytes()]).expect("FUNCTION LOAD succeeds");
    for call in [[&b"EVAL"[..], script.as_bytes()], [b"FCALL", b"f"]] {
        let reply =
            client.value_of(&[call[0], call[1], b"1", b"k", b"[1,[]]"]).expect("the call succeeds");
        let Value::Array(replies) = &reply else { panic!("{reply:?}") };
        assert_eq!(text(&replies[0]), "[1,[]]");
        assert!(
            text(&replies[1]).contains("NOTARRAY argument is a JSON object, expected an array")
        );
        assert_eq!(replies[2], Value::Nil);
    }
}

#[test]
fn a_script_with_the_flag_no_writes_cannot_call_the_commands() {
    let server = Server::start();
    let mut client = server.client();
    for command in ["'JSONMERGE.APPEND', KEYS[1], '[1]'", "'JSONMERGE.TAKE', KEYS[1]"] {
        let script = format!("#!lua flags=no-writes\nreturn redis.call({command})");
        let refused = client.call_with(&[b"EVAL", script.as_bytes(), b"1", b"k"]);
        assert!(
            refused.is_err_and(|error| error.contains("Write commands are not allowed")),
            "{command}"
        );
    }
}

#[test]
fn a_cluster_node_serves_the_keys_of_its_slots() {
    let server = Settings::new().module().cluster_node().start();
    let mut client = server.client();
    client.ok("CLUSTER ADDSLOTSRANGE 0 8191");
    client.ok("CONFIG SET cluster-require-full-coverage no");
    wait_until("the cluster state is ok", || {
        client.ok("CLUSTER INFO").contains("cluster_state:ok")
    });
    client.expect(&[
        ("CLUSTER KEYSLOT bar", "(integer) 5061"),
        ("JSONMERGE.APPEND bar [1]", "[1]"),
        ("JSONMERGE.APPEND bar [2] REPLY LEN", "(integer) 2"),
        ("JSONMERGE.TAKE bar", "[1,2]"),
        ("CLUSTER KEYSLOT foo", "(integer) 12182"),
        ("JSONMERGE.APPEND foo [1]", "(error) CLUSTERDOWN Hash slot not served"),
    ]);
}
