//! Failovers and slot migrations in a cluster of three masters and three replicas, while clients work.
//!
//! The cluster clients know nothing about the commands of the module, except what COMMAND reports.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use redis::cluster::{ClusterClient, ClusterConnection};
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{ConnectionLike as _, RedisResult, Value};

use crate::support::client::{Client, text};
use crate::support::cluster::{Cluster, SHARDS, id, is_master};
use crate::support::ledger::{Ledger, SLOTS};
use crate::support::random::Seed;
use crate::support::server::{Server, wait_until};

/// The maximum number of slots that migrate in an episode.
const MIGRATIONS: usize = 20;

const PRODUCERS: usize = 3;
const WAITERS: usize = 4;

const KEYS: usize = 1000;

/// What the threads share.
struct Scene {
    events: Ledger,
    moved_keys: AtomicU64,
    /// The number of a key whose slot is migrating or will migrate next.
    migrating: AtomicUsize,
    /// How many consumers were waiting for a key when its slot moved.
    moved_waiters: AtomicU64,
    /// How often nodes replied MOVED, and ASK.
    moved: AtomicU64,
    ask: AtomicU64,
    is_over: AtomicBool,
}

#[test]
fn confirmed_events_survive_failovers_and_slot_migrations() {
    let seed = Seed::print("cluster");
    let mut cluster = Cluster::start();
    let mut scene = Scene {
        events: Ledger::new("events", KEYS),
        moved_keys: AtomicU64::new(0),
        migrating: AtomicUsize::new(0),
        moved_waiters: AtomicU64::new(0),
        moved: AtomicU64::new(0),
        ask: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
    };
    let end = Instant::now() + super::duration();
    let mut failovers = 0;
    while failovers == 0 || Instant::now() < end {
        episode(&mut cluster, &scene, seed, failovers);
        failovers += 1;
        scene.is_over = AtomicBool::new(false);
    }

    let ports = cluster.servers().map(|server| server.port);
    let mut client = connect(ports).expect("the cluster answers");
    scene
        .events
        .note_remaining(|key| text(&send(&mut client, &["GET", key]).expect("the node replies")));
    let balance = scene.events.balance();
    let [keys, waiters, moved, ask] =
        [scene.moved_keys, scene.moved_waiters, scene.moved, scene.ask].map(AtomicU64::into_inner);
    println!(
        "cluster: {failovers} failovers, {keys} keys and {waiters} waiting consumers moved, \
         {moved} MOVED, {ask} ASK; {balance}"
    );
    balance.assert_balanced(500);
    assert!(keys > 0 && waiters > 0 && moved > 0 && ask > 0, "no slot migrated under traffic");
}

/// Kills the master of one shard, and migrates slots between the other two, while clients work.
///
/// The master starts again only after the clients have stopped. Until then, its shard has no replica, and
/// WAIT confirms nothing.
fn episode(cluster: &mut Cluster, scene: &Scene, seed: Seed, number: usize) {
    let threads = number * (PRODUCERS + WAITERS + 2);
    let mut random = seed.rng(threads);
    cluster.put_masters_first();
    cluster.servers().for_each(|server| _ = server.client().ok("CONFIG RESETSTAT"));
    let mut shards: Vec<_> = cluster.shards.iter_mut().collect();
    let [killed, successor] = shards.remove(number % SHARDS);
    random.shuffle(&mut shards);
    let [[source, _], [target, _]] = [&*shards[0], &*shards[1]];
    let ports = [successor.port, source.port, target.port];
    thread::scope(|scope| {
        let _guard = super::SetOnDrop(&scene.is_over);
        for thread in 1..=PRODUCERS {
            scope.spawn(move || scene.act(ports, seed.rng(threads + thread), produce));
        }
        scope.spawn(move || scene.act(ports, seed.rng(threads + PRODUCERS + 1), consume));
        for thread in 1..=WAITERS {
            let random = seed.rng(threads + PRODUCERS + 1 + thread);
            scope.spawn(move || wait_until_over(scene, ports, random));
        }
        scope.spawn(move || migrate_slots(scene, source, target, random));
        thread::sleep(Duration::from_millis(500));
        killed.kill();
        wait_until("the replica is a master", || is_master(successor));
        thread::sleep(Duration::from_millis(500));
    });
    killed.revive();
    scene.moved.fetch_add(cluster.errors("MOVED"), Relaxed);
    scene.ask.fetch_add(cluster.errors("ASK"), Relaxed);
    cluster.wait_until_whole();
}

/// Migrates slots that contain keys from one master to another, as redis-cli does.
fn migrate_slots(scene: &Scene, from: &Server, to: &Server, mut random: Rng) {
    let (mut source, mut target) = (from.client(), to.client());
    let (from_id, to_id) = (id(from), id(to));
    let mut migrations = 0;
    while migrations < MIGRATIONS && !scene.is_over.load(Relaxed) {
        let number = scene.events.any_key(&mut random);
        let key = scene.events.key(number);
        let slot = source.ok(&format!("CLUSTER KEYSLOT {key}")).replace("(integer) ", "");
        if source.ok(&format!("CLUSTER COUNTKEYSINSLOT {slot}")) == "(integer) 0" {
            thread::sleep(Duration::from_millis(1));
            continue;
        }
        scene.migrating.store(number, Relaxed);
        thread::sleep(Duration::from_millis(20));
        target.ok(&format!("CLUSTER SETSLOT {slot} IMPORTING {from_id}"));
        source.ok(&format!("CLUSTER SETSLOT {slot} MIGRATING {to_id}"));
        loop {
            // Until the last key has moved, clients find some keys at the source and some at the target.
            thread::sleep(Duration::from_millis(5));
            let keys = source.ok(&format!("CLUSTER GETKEYSINSLOT {slot} 1"));
            let key = keys.trim_matches(['(', ')']);
            if key.is_empty() {
                break;
            }
            let migrate = format!("MIGRATE 127.0.0.1 {} {key} 0 5000", to.port);
            scene.moved_keys.fetch_add(u64::from(source.ok(&migrate) == "OK"), Relaxed);
        }
        thread::sleep(Duration::from_millis(30));
        for client in [&mut target, &mut source] {
            client.ok(&format!("CLUSTER SETSLOT {slot} NODE {to_id}"));
        }
        migrations += 1;
    }
}

impl Scene {
    fn act(
        &self,
        ports: [u16; 3],
        mut random: Rng,
        step: fn(&Scene, &mut ClusterConnection, &mut Rng) -> RedisResult<()>,
    ) {
        while !self.is_over.load(Relaxed) {
            let Ok(mut client) = connect(ports) else { continue };
            let error = loop {
                match step(self, &mut client, &mut random) {
                    Ok(()) if self.is_over.load(Relaxed) => return,
                    Ok(()) => {}
                    Err(error) => break error,
                }
            };
            // The connection was lost, or the cluster replied with an error. The module must not fail here.
            let unexpected = ["BADJSON", "NOTARRAY", "WRONGTYPE", "ERR"];
            assert!(error.code().is_none_or(|code| !unexpected.contains(&code)), "{error}");
        }
    }
}

fn connect(ports: impl IntoIterator<Item = u16>) -> RedisResult<ClusterConnection> {
    let nodes = ports.into_iter().map(|port| format!("redis://127.0.0.1:{port}"));
    let connection = ClusterClient::new(nodes.collect::<Vec<_>>())?.get_connection()?;
    // With automatic reconnection, the client repeats a command whose reply was lost, and so appends twice.
    connection.set_auto_reconnect(false);
    Ok(connection)
}

fn send(client: &mut ClusterConnection, words: &[&str]) -> RedisResult<Value> {
    let mut command = redis::Cmd::new();
    words.iter().for_each(|word| _ = command.arg(*word));
    client.req_command(&command)?.extract_error()
}

/// Returns whether a replica has received what this connection wrote to the master of a key.
fn is_confirmed(client: &mut ClusterConnection, key: &str) -> RedisResult<bool> {
    let master = SingleNodeRoutingInfo::SpecificNode(Route::with_key(key, SlotAddr::Master));
    let wait = redis::cmd("WAIT").arg(1).arg(100).to_owned();
    Ok(client.route_command(&wait, RoutingInfo::SingleNode(master))? == Value::Int(1))
}

fn produce(scene: &Scene, client: &mut ClusterConnection, random: &mut Rng) -> RedisResult<()> {
    let sent = scene.events.send(random);
    send(client, &["JSONMERGE.APPEND", &sent.key, &sent.array, "REPLY", "LEN"])?;
    if is_confirmed(client, &sent.key)? {
        scene.events.acknowledge(&sent);
    }
    Ok(())
}

fn consume(scene: &Scene, client: &mut ClusterConnection, random: &mut Rng) -> RedisResult<()> {
    let number = scene.events.any_key(random);
    let key = scene.events.key(number);
    let began = scene.events.now();
    let reply = send(client, &["JSONMERGE.TAKE", &key, "COUNT", "5"]);
    let reply = reply.inspect_err(|_| scene.events.note_lost_reply(number, began, 5))?;
    if reply != Value::Nil {
        let confirmed = is_confirmed(client, &key);
        match confirmed {
            Ok(true) => scene.events.note_reply(began, &text(&reply)),
            _ => scene.events.note_unconfirmed(began, &text(&reply)),
        }
        confirmed?;
    }
    Ok(())
}

/// Waits for keys in the slot that migrates.
fn wait_until_over(scene: &Scene, ports: [u16; 3], mut random: Rng) {
    while !scene.is_over.load(Relaxed) {
        let number = (scene.migrating.load(Relaxed) + random.usize(..10) * SLOTS) % KEYS;
        let mut port = random.choice(ports);
        let mut asking = false;
        while let Some(to) = port.take() {
            // The node may have been killed.
            let Ok(mut client) = Client::connect(to, "resp2") else { break };
            if asking && client.call("ASKING").is_err() {
                break;
            }
            let start = Instant::now();
            let Err(error) = wait(scene, &mut client, number) else { break };
            let words: Vec<_> = error.split([' ', ':']).collect();
            match words.as_slice() {
                [code @ ("MOVED" | "ASK"), _, _, to] => {
                    port = to.parse().ok();
                    asking = *code == "ASK";
                    // A node that does not have the slot to begin with redirects at once.
                    let has_waited = !asking && start.elapsed() > Duration::from_millis(50);
                    scene.moved_waiters.fetch_add(u64::from(has_waited), Relaxed);
                }
                ["no", ..] | ["CLUSTERDOWN" | "UNBLOCKED" | "READONLY", ..] => {}
                _ => panic!("{error}"),
            }
        }
    }
}

/// Waits for a key at the node of this client.
fn wait(scene: &Scene, client: &mut Client, number: usize) -> Result<(), String> {
    let key = scene.events.key(number);
    let began = scene.events.now();
    let reply = client.call(&format!("JSONMERGE.TAKE {key} COUNT 2 BLOCK 500"));
    let array = reply.inspect_err(|error| scene.events.note_error(number, began, 2, error))?;
    if array != "(nil)" {
        let confirmed = client.call("WAIT 1 100");
        match confirmed.as_deref() {
            Ok("(integer) 1") => scene.events.note_reply(began, &array),
            _ => scene.events.note_unconfirmed(began, &array),
        }
        confirmed?;
    }
    Ok(())
}
