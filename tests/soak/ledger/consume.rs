//! The consumers of the ledger test.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::Scene;
use crate::support::client::{Client, line, text};

/// Takes from the first key, and stores what it took at the second one.
const TAKE_WITH_RECEIPT: &str = "
    local taken = redis.call('JSONMERGE.TAKE', KEYS[1], unpack(ARGV))
    if taken then redis.call('SET', KEYS[2], taken) end
    return taken";

/// The options of a TAKE, and how many elements it takes at most.
pub(super) fn any_take(random: &mut Rng) -> (Vec<String>, usize) {
    let count = match random.u32(..10) {
        0 => return (Vec::new(), usize::MAX),
        1 => 1000,
        _ => random.usize(1..6),
    };
    let trust = random.bool().then(|| "TRUST".to_owned());
    (["COUNT".to_owned(), count.to_string()].into_iter().chain(trust).collect(), count)
}

/// Takes from a key, or from two keys in a transaction, where BLOCK does not wait.
pub(super) fn consume(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let takes: Vec<_> = (0..if random.u32(..4) == 0 { 2 } else { 1 })
        .map(|_| (scene.events.any_key(random), any_take(random)))
        .collect();
    let mut pipeline = redis::pipe();
    if takes.len() > 1 {
        pipeline.atomic();
    }
    for (key, (options, _)) in &takes {
        pipeline.cmd("JSONMERGE.TAKE").arg(scene.events.key(*key)).arg(options);
        if takes.len() > 1 {
            pipeline.arg("BLOCK").arg(0);
        }
    }
    let began = scene.events.now();
    let replies: redis::RedisResult<Vec<Option<String>>> = pipeline.query(&mut client.0);
    match replies {
        Ok(arrays) => {
            arrays.iter().flatten().for_each(|array| scene.events.note_reply(began, array))
        }
        Err(error) => {
            let error = line(&error);
            takes.iter().for_each(|(key, (_, count))| {
                scene.events.note_error(*key, began, *count, &error);
            });
            return Err(error);
        }
    }
    Ok(())
}

/// Waits for a key for a short time.
pub(super) fn wait(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let key = scene.any_key_to_wait_for(random);
    let (options, count) = any_take(random);
    let (name, options) = (scene.events.key(key), options.join(" "));
    let milliseconds = random.u32(1..200);
    let (began, start) = (scene.events.now(), Instant::now());
    match client.call(format!("JSONMERGE.TAKE {name} BLOCK {milliseconds} {options}").trim_end()) {
        Ok(reply) => {
            scene.events.note_reply(began, &reply);
            let waited = start.elapsed();
            if reply == "(nil)" {
                let is_timeout = waited >= Duration::from_millis(milliseconds.into());
                let count =
                    if is_timeout { &scene.counts.timeouts } else { &scene.counts.unblocked };
                count.fetch_add(1, Relaxed);
            } else if waited > Duration::from_millis(5) {
                scene.counts.served.fetch_add(1, Relaxed);
            }
            Ok(())
        }
        Err(error) => {
            scene.events.note_error(key, began, count, &error);
            Err(error)
        }
    }
}

/// Waits for a key on another connection, and closes the connection before or after the array arrives.
pub(super) fn wait_and_leave(
    scene: &Scene,
    client: &mut Client,
    random: &mut Rng,
) -> Result<(), String> {
    let protocol = random.choice(["resp2", "resp3"]).unwrap_or_default();
    let mut waiter =
        Client::connect(scene.port(), protocol).map_err(|error| format!("no reply: {error}"))?;
    let info = waiter.call("CLIENT INFO")?;
    let mut fields = info.split(' ');
    let [id, address] = [fields.next(), fields.next()].map(|field| field.expect("id and addr"));
    let (key, (options, count)) = (scene.any_key_to_wait_for(random), any_take(random));
    let mut take = redis::cmd("JSONMERGE.TAKE");
    take.arg(scene.events.key(key)).arg(options).arg("BLOCK").arg(0);
    let began = scene.events.now();
    let is_sent = waiter.0.send_packed_command(&take.get_packed_command());
    crate::soak::sleep(random, 0..20);
    let is_reply_read = random.bool();
    waiter.0.set_read_timeout(Some(Duration::from_millis(1))).expect("the timeout is set");
    if let (Ok(()), true, Ok(reply)) = (is_sent, is_reply_read, waiter.0.recv_response()) {
        scene.events.note_reply(began, &text(&reply));
        scene.counts.served_and_gone.fetch_add(1, Relaxed);
        return Ok(());
    }
    drop(waiter);
    scene.counts.disconnects.fetch_add(1, Relaxed);
    // Until the server notices the disconnection, it may still serve the client.
    let list = format!("CLIENT LIST {}", id.replace("id=", "ID "));
    let is_gone = loop {
        match client.call(&list) {
            Ok(clients) if clients.contains(&format!("{address} ")) => {}
            gone => break gone.map(drop),
        }
    };
    scene.events.note_lost_reply(key, began, count);
    is_gone
}

/// Takes with a receipt, and deletes the receipt after the reply has arrived.
pub(super) fn consume_with_receipts(
    scene: &Scene,
    client: &mut Client,
    random: &mut Rng,
) -> Result<(), String> {
    let (take, receipt) = any_take_with_receipt(scene, random);
    let began = scene.events.now();
    let array = match &take {
        Take::Transaction(transaction) => {
            let reply: redis::RedisResult<(i64, Option<String>)> = transaction.query(&mut client.0);
            reply.map(|(_, array)| array)
        }
        Take::Script(script) => script.query(&mut client.0),
    };
    if let Some(array) = array.map_err(|error| line(&error))? {
        scene.events.note_reply(began, &array);
        scene.receipts().settled.insert(receipt.clone());
        client.call(&format!("UNLINK {receipt}"))?;
    }
    Ok(())
}

/// A TAKE with a receipt.
pub(super) enum Take {
    Transaction(redis::Pipeline),
    Script(redis::Cmd),
}

pub(super) fn any_take_with_receipt(scene: &Scene, random: &mut Rng) -> (Take, String) {
    let key = scene.events.key(scene.events.any_key(random));
    let receipt = {
        let mut receipts = scene.receipts();
        receipts.created += 1;
        format!("receipt:{}", receipts.created)
    };
    let take = match any_take(random) {
        (options, _) if options.is_empty() => {
            let mut transaction = redis::pipe();
            transaction.atomic().cmd("COPY").arg(&key).arg(&receipt);
            transaction.cmd("JSONMERGE.TAKE").arg(&key);
            Take::Transaction(transaction)
        }
        (options, _) => {
            let mut script = redis::cmd("EVAL");
            script.arg(TAKE_WITH_RECEIPT).arg(2).arg(&key).arg(&receipt).arg(options);
            // TAKE does not wait in a script.
            script.arg("BLOCK").arg(0);
            Take::Script(script)
        }
    };
    (take, receipt)
}
