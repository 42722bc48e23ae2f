//! The producers of the ledger test.

use std::sync::atomic::Ordering::Relaxed;

use fastrand::Rng;

use super::Scene;
use crate::support::client::{Client, line};
use crate::support::ledger::Sent;

const SCRIPT: &str = "return redis.call('JSONMERGE.APPEND', KEYS[1], unpack(ARGV))";

pub(super) fn produce(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let sent = scene.events.send(random);
    let Sent { key, array, .. } = &sent;
    let append: &[&str] = match random.u32(..8) {
        0 => &["EVAL", SCRIPT, "1"],
        1 => &["FCALL", "append", "1"],
        2 => return produce_two(scene, client, random, sent),
        3 => return set_if_missing(scene, client, &sent),
        _ => &["JSONMERGE.APPEND"],
    };
    let options = any_options(random);
    words(client, &[append, &[key, array], options].concat())?;
    scene.events.acknowledge(&sent);
    Ok(())
}

/// Returns options of APPEND. No key that gets a TTL expires during the test.
fn any_options(random: &mut Rng) -> &'static [&'static str] {
    let options: [&[_]; 9] = [
        &[],
        &["REPLY", "JSON", "TRUST"],
        &["REPLY", "LEN"],
        &["TRUST", "REPLY", "SIZE"],
        &["EX", "100000", "REPLY", "LEN"],
        &["REPLY", "SIZE", "PX", "100000000"],
        &["EXAT", "100000000000", "TRUST", "REPLY", "SIZE"],
        &["PXAT", "100000000000000"],
        &["PERSIST", "REPLY", "SIZE"],
    ];
    random.choice(options).unwrap_or_default()
}

pub(super) fn words(client: &mut Client, words: &[&str]) -> Result<String, String> {
    client.call_with(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>())
}

/// Appends two batches in a transaction.
fn produce_two(
    scene: &Scene,
    client: &mut Client,
    random: &mut Rng,
    first: Sent,
) -> Result<(), String> {
    let both = [first, scene.events.send(random)];
    let mut transaction = redis::pipe();
    transaction.atomic();
    for Sent { key, array, .. } in &both {
        let options = any_options(random);
        transaction.cmd("JSONMERGE.APPEND").arg(key).arg(array).arg(options);
    }
    transaction.exec(&mut client.0).map_err(|error| line(&error))?;
    both.iter().for_each(|sent| scene.events.acknowledge(sent));
    Ok(())
}

/// Stores a batch like a producer that does not use the module. This serves no waiting client.
fn set_if_missing(scene: &Scene, client: &mut Client, sent: &Sent) -> Result<(), String> {
    match words(client, &["SET", &sent.key, &sent.array, "NX"])?.as_str() {
        "OK" => {
            scene.events.acknowledge(sent);
            scene.counts.set.fetch_add(sent.len() as u64, Relaxed);
        }
        _ => scene.events.note_not_run(sent),
    }
    Ok(())
}

/// Appends to a key that clients wait for, and unblocks one of them at the same moment.
pub(super) fn unblock(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    crate::soak::sleep(random, 0..10);
    let clients = client.call("CLIENT LIST")?;
    let waiting = clients.lines().filter(|client| client.contains(" cmd=jsonmerge.take "));
    let ids: Vec<_> =
        waiting.filter_map(|client| client.strip_prefix("id=")?.split(' ').next()).collect();
    let Some(id) = random.choice(ids) else { return Ok(()) };
    let sent = scene.events.send_to(scene.any_key_to_wait_for(random));
    let mut pipeline = redis::pipe();
    let append = |pipeline: &mut redis::Pipeline| {
        pipeline.cmd("JSONMERGE.APPEND").arg(&sent.key).arg(&sent.array);
    };
    let unblock = |pipeline: &mut redis::Pipeline| {
        pipeline.cmd("CLIENT").arg("UNBLOCK").arg(id).arg("TIMEOUT");
    };
    match random.bool() {
        true => (append(&mut pipeline), unblock(&mut pipeline)),
        false => (unblock(&mut pipeline), append(&mut pipeline)),
    };
    pipeline.exec(&mut client.0).map_err(|error| line(&error))?;
    scene.events.acknowledge(&sent);
    Ok(())
}
