//! The commands on the server at `REDIS_URL`: alone, in pipelines and transactions, and waiting. Each test has a
//! key of its own.

use std::env;
use std::thread;
use std::time::{Duration, Instant};

use jsonmerge_example::connection;
use jsonmerge_example::jsonmerge::{Array, append, take};
use redis::{Commands, Connection, Expiry, pipe};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Connects, and deletes the key.
fn connect(key: &str) -> Connection {
    assert!(env::var_os("REDIS_URL").is_some(), "REDIS_URL is the URL of a server for the tests");
    let mut connection = connection::connect().expect("the server answers");
    connection.del::<_, ()>(key).expect("DEL");
    connection
}

/// Data that the Lua script would damage.
fn elements() -> Vec<Value> {
    let id = 9007199254740993_u64;
    vec![json!({"id": id, "tags": [], "größe": ["日本", "🎉", "a/b"], "deep": [[], {}]}), json!([])]
}

#[test]
fn the_protocol_is_that_of_redis_resp() {
    let info: String = redis::cmd("CLIENT").arg("INFO").query(&mut connect("k")).expect("INFO");
    let resp = format!("resp={}", env::var("REDIS_RESP").unwrap_or("3".into()));
    assert!(info.contains(&resp), "{info}");
}

#[test]
fn take_returns_an_array_once_as_it_was_sent() -> redis::RedisResult<()> {
    let mut connection = connect("once");
    let (sent, more) = (elements(), [json!("é")]);
    let merged = [elements(), more.to_vec()].concat();
    assert_eq!(append("once", &sent)?.query(&mut connection)?, Array(elements()));
    assert_eq!(append("once", &more)?.query(&mut connection)?, Array(merged.clone()));
    assert_eq!(take("once").query(&mut connection)?, Some(Array(merged)));
    assert_eq!(take::<Value>("once").query(&mut connection)?, None);
    assert_eq!(append::<u8>("once", &[])?.query(&mut connection)?, Array(vec![]));
    assert_eq!(take::<u8>("once").query(&mut connection)?, Some(Array(vec![])));
    Ok(())
}

#[test]
fn append_and_take_do_not_change_numbers() -> redis::RedisResult<()> {
    let mut connection = connect("numbers");
    let sent: Vec<Box<RawValue>> =
        serde_json::from_str("[1e400, 1.0, -0, 9007199254740993]").expect("JSON");
    assert_eq!(append("numbers", &sent)?.reply_size().query(&mut connection)?, 31);
    let Some(Array(taken)) = take::<Box<RawValue>>("numbers").query(&mut connection)? else {
        panic!("the key does not exist")
    };
    let taken: Vec<&str> = taken.iter().map(|raw| raw.get()).collect();
    assert_eq!(taken, ["1e400", "1.0", "-0", "9007199254740993"]);
    Ok(())
}

#[test]
fn append_sends_its_options() -> redis::RedisResult<()> {
    let mut connection = connect("options");
    assert_eq!(append("options", &[1, 2])?.reply_len().query(&mut connection)?, 2);
    assert_eq!(append("options", &[3])?.trust().reply_size().query(&mut connection)?, 7);
    // The error shows that TRUST was sent.
    let failed = append("options", &[3])?.trust().reply_len().query(&mut connection);
    assert!(failed.expect_err("an error").to_string().contains("TRUST does not count"));
    let (seconds, _): (u64, u64) = redis::cmd("TIME").query(&mut connection)?;
    for expiry in [
        Expiry::EX(3600),
        Expiry::PX(3_600_000),
        Expiry::EXAT(seconds + 3600),
        Expiry::PXAT((seconds + 3600) * 1000),
    ] {
        append("options", &[4])?.expire(expiry).query(&mut connection)?;
        assert!((3500..=3600).contains(&connection.ttl::<_, i64>("options")?));
        append("options", &[5])?.expire(Expiry::PERSIST).query(&mut connection)?;
        assert_eq!(connection.ttl::<_, i64>("options")?, -1);
    }
    Ok(())
}

#[test]
fn take_count_returns_the_first_elements_and_leaves_the_rest() -> redis::RedisResult<()> {
    let mut connection = connect("count");
    append("count", &[1, 2, 3])?.query(&mut connection)?;
    let take = take("count").count(2);
    assert_eq!(take.query(&mut connection)?, Some(Array(vec![1, 2])));
    assert_eq!(take.query(&mut connection)?, Some(Array(vec![3])));
    assert_eq!(take.query(&mut connection)?, None);
    Ok(())
}

#[test]
fn take_trust_validates_only_what_is_taken() -> redis::RedisResult<()> {
    let mut connection = connect("trust");
    connection.set::<_, _, ()>("trust", "[1,x]")?;
    let failed = take::<u8>("trust").count(1).query(&mut connection);
    assert_eq!(failed.expect_err("BADJSON").code(), Some("BADJSON"));
    let trusting = take("trust").count(1).trust();
    assert_eq!(trusting.query(&mut connection)?, Some(Array(vec![1])));
    assert_eq!(trusting.query(&mut connection).expect_err("BADJSON").code(), Some("BADJSON"));
    Ok(())
}

#[test]
fn take_block_waits_for_an_append_of_another_connection() -> redis::RedisResult<()> {
    let [mut waiting, mut other] = [connect("block"), connect("block")];
    let id: u64 = redis::cmd("CLIENT").arg("ID").query(&mut waiting)?;
    let taken = thread::spawn(move || take("block").count(2).block(10_000).query(&mut waiting));
    let mut list = redis::cmd("CLIENT");
    list.arg("LIST").arg("ID").arg(id);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !list.query::<String>(&mut other)?.contains(" flags=b ") {
        assert!(Instant::now() < deadline, "it does not wait");
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(append("block", &[1, 2, 3])?.reply_len().query(&mut other)?, 3);
    assert_eq!(taken.join().expect("a reply")?, Some(Array(vec![1, 2])));
    assert_eq!(take("block").block(0).query(&mut other)?, Some(Array(vec![3])));
    Ok(())
}

#[test]
fn take_block_returns_none_when_the_timeout_ends() -> redis::RedisResult<()> {
    let mut connection = connect("timeout");
    let start = Instant::now();
    assert_eq!(take::<u8>("timeout").block(100).query(&mut connection)?, None);
    assert!(start.elapsed() >= Duration::from_millis(90));
    Ok(())
}

#[test]
fn commands_work_in_pipelines_and_transactions() -> redis::RedisResult<()> {
    let mut connection = connect("pipeline");
    for is_transaction in [false, true] {
        let mut pipeline = pipe();
        if is_transaction {
            pipeline.atomic();
        }
        let (length, taken, nothing): (_, _, Option<Array<u8>>) = pipeline
            .add_command(append("pipeline", &[1, 2])?.reply_len().into())
            .add_command(take::<u8>("pipeline").into())
            .add_command(take::<u8>("pipeline").into())
            .query(&mut connection)?;
        assert_eq!((length, taken, nothing), (2, Some(Array(vec![1, 2])), None));
    }
    Ok(())
}

#[test]
fn errors_have_the_code_that_the_server_sent() -> redis::RedisResult<()> {
    let mut connection = connect("errors");
    for (stored, code) in [("[1,", "BADJSON"), ("{}", "NOTARRAY")] {
        connection.set::<_, _, ()>("errors", stored)?;
        let failed = append("errors", &[2])?.query(&mut connection);
        assert_eq!(failed.expect_err(code).code(), Some(code));
        let failed = take::<u8>("errors").query(&mut connection);
        assert_eq!(failed.expect_err(code).code(), Some(code));
        assert_eq!(connection.get::<_, String>("errors")?, stored);
    }
    Ok(())
}
