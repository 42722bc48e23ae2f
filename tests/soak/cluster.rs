//! A cluster of three masters and their replicas: a master dies, and slots move with keys in them,
//! while cluster clients, which know of our commands only where their key stands, go on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use redis::cluster::{ClusterClient, ClusterConnection};
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{ConnectionLike as _, RedisResult, Value};

use crate::support::client::text;
use crate::support::cluster::{Cluster, SHARDS, id, is_master};
use crate::support::ledger::Ledger;
use crate::support::server::{Server, wait_until};

/// How many slots move in an episode.
const MOVES: usize = 20;

/// What the threads share.
struct Scene {
    events: Ledger,
    moved_keys: AtomicU64,
    /// Redirections of either kind.
    moved: AtomicU64,
    ask: AtomicU64,
    is_over: AtomicBool,
}

#[test]
fn what_wait_confirmed_survives_a_dead_master_and_slots_that_move() {
    let mut cluster = Cluster::start();
    let mut scene = Scene {
        events: Ledger::new("events", 1000),
        moved_keys: AtomicU64::new(0),
        moved: AtomicU64::new(0),
        ask: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
    };
    let end = Instant::now() + super::span();
    let mut failovers = 0;
    while failovers == 0 || Instant::now() < end {
        episode(&mut cluster, &scene, failovers % SHARDS);
        failovers += 1;
        scene.is_over = AtomicBool::new(false);
    }

    let ports = cluster.servers().map(|server| server.port);
    let mut client = connect(ports).expect("a cluster that answers");
    scene.events.saw_what_is_left(|key| text(&send(&mut client, &["GET", key]).expect("a reply")));
    let balance = scene.events.balance();
    let [keys, moved, ask] = [scene.moved_keys, scene.moved, scene.ask].map(AtomicU64::into_inner);
    println!(
        "cluster: {failovers} failovers, {keys} keys moved, {moved} MOVED, {ask} ASK; {balance}"
    );
    balance.is_balanced(500);
    assert!(keys > 0 && moved > 0 && ask > 0);
}

/// Clients work while the master of one shard dies and its replica takes over, and while slots move
/// from one of the others to the other. The dead master returns when they have stopped: as long as it is
/// away, WAIT confirms nothing there.
fn episode(cluster: &mut Cluster, scene: &Scene, victim: usize) {
    cluster.put_masters_first();
    cluster.servers().for_each(|server| _ = server.client().ok("CONFIG RESETSTAT"));
    let mut shards: Vec<_> = cluster.shards.iter_mut().collect();
    let [dying, heir] = shards.remove(victim);
    fastrand::shuffle(&mut shards);
    let [[donor, _], [receiver, _]] = [&*shards[0], &*shards[1]];
    let ports = [heir.port, donor.port, receiver.port];
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| scene.act(ports, produce));
        }
        scope.spawn(|| scene.act(ports, consume));
        scope.spawn(|| move_slots(scene, donor, receiver));
        thread::sleep(Duration::from_millis(500));
        dying.kill();
        wait_until("the replica takes over", || is_master(heir));
        thread::sleep(Duration::from_millis(500));
        scene.is_over.store(true, Relaxed);
    });
    dying.revive();
    scene.moved.fetch_add(cluster.errors("MOVED"), Relaxed);
    scene.ask.fetch_add(cluster.errors("ASK"), Relaxed);
    cluster.wait_until_whole();
}

/// Moves slots with keys in them from one master to another, as redis-cli does.
fn move_slots(scene: &Scene, from: &Server, to: &Server) {
    let (mut source, mut target) = (from.client(), to.client());
    let (from_id, to_id) = (id(from), id(to));
    let mut random = Rng::new();
    let mut moves = 0;
    while moves < MOVES && !scene.is_over.load(Relaxed) {
        let key = scene.events.key(scene.events.any_key(&mut random));
        let slot = source.ok(&format!("CLUSTER KEYSLOT {key}")).replace("(integer) ", "");
        if source.ok(&format!("CLUSTER COUNTKEYSINSLOT {slot}")) == "(integer) 0" {
            thread::sleep(Duration::from_millis(1));
            continue;
        }
        target.ok(&format!("CLUSTER SETSLOT {slot} IMPORTING {from_id}"));
        source.ok(&format!("CLUSTER SETSLOT {slot} MIGRATING {to_id}"));
        loop {
            // Meanwhile clients find some of the slot's keys here and some there.
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
        moves += 1;
    }
}

impl Scene {
    fn act(
        &self,
        ports: [u16; 3],
        step: fn(&Scene, &mut ClusterConnection, &mut Rng) -> RedisResult<()>,
    ) {
        let mut random = Rng::new();
        while !self.is_over.load(Relaxed) {
            let Ok(mut client) = connect(ports) else { continue };
            let error = loop {
                match step(self, &mut client, &mut random) {
                    Ok(()) if self.is_over.load(Relaxed) => return,
                    Ok(()) => {}
                    Err(error) => break error,
                }
            };
            // A lost connection, or the cluster's own: nothing that a command of ours refuses.
            let ours = ["BADJSON", "NOTARRAY", "WRONGTYPE", "ERR"];
            assert!(error.code().is_none_or(|code| !ours.contains(&code)), "{error}");
        }
    }
}

fn connect(ports: impl IntoIterator<Item = u16>) -> RedisResult<ClusterConnection> {
    let nodes = ports.into_iter().map(|port| format!("redis://127.0.0.1:{port}"));
    let connection = ClusterClient::new(nodes.collect::<Vec<_>>())?.get_connection()?;
    // It would send again what it has no reply to, and append twice.
    connection.set_auto_reconnect(false);
    Ok(connection)
}

fn send(client: &mut ClusterConnection, words: &[&str]) -> RedisResult<Value> {
    let mut command = redis::Cmd::new();
    words.iter().for_each(|word| _ = command.arg(*word));
    client.req_command(&command)?.extract_error()
}

/// Whether a replica has what this connection has written to the master of a key.
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
    let reply = send(client, &["JSONMERGE.TAKE", &key]);
    let reply = reply.inspect_err(|_| scene.events.doubt(number, began))?;
    if reply != Value::Nil {
        let confirmed = is_confirmed(client, &key);
        match confirmed {
            Ok(true) => scene.events.saw(&text(&reply)),
            _ => scene.events.saw_unconfirmed(&text(&reply)),
        }
        confirmed?;
    }
    Ok(())
}
