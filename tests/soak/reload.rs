//! The module goes and comes back while clients work: values stay readable, and nothing is lost.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::support::client::Client;
use crate::support::ledger::Ledger;
use crate::support::server::{Server, module_path};

/// What the threads share.
struct Scene {
    port: u16,
    events: Ledger,
    is_over: AtomicBool,
}

#[test]
fn loading_and_unloading_under_traffic_loses_nothing() {
    let server = Server::plain();
    let mut admin = server.client();
    let scene = Scene {
        port: server.port,
        events: Ledger::new("events", 100),
        is_over: AtomicBool::new(false),
    };
    let (mut loads, mut refusals) = (0, 0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| scene.act(produce));
        }
        scope.spawn(|| scene.act(consume));
        let end = Instant::now() + super::span();
        while Instant::now() < end {
            admin.ok(&format!("MODULE LOAD {}", module_path().display()));
            thread::sleep(Duration::from_millis(fastrand::u64(1..100)));
            admin.call(&format!("MODULE LOAD {}", module_path().display())).expect_err("twice");
            // Refused while a reply is to be sent that may be all there is of what was taken.
            while let Err(error) = admin.call("MODULE UNLOAD jsonmerge") {
                assert_eq!(error, "ERR Error unloading module: operation not possible.");
                refusals += 1;
            }
            thread::sleep(Duration::from_millis(fastrand::u64(1..20)));
            loads += 1;
        }
        scene.is_over.store(true, Relaxed);
    });
    scene.events.saw_what_is_left(|key| admin.ok(&format!("GET {key}")));
    let balance = scene.events.balance();
    println!("reload: {loads} times unloaded, {refusals} times refused; {balance}");
    balance.is_balanced(1000);
}

impl Scene {
    fn act(&self, step: fn(&Scene, &mut Client, &mut Rng) -> Result<(), String>) {
        super::repeat(&self.is_over, || self.port, |client, random| step(self, client, random));
    }
}

fn produce(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let sent = scene.events.send(random);
    match client.call(&format!("JSONMERGE.APPEND {} {} REPLY LEN", sent.key, sent.array)) {
        Ok(_) => scene.events.acknowledge(&sent),
        Err(error) => while_unloaded(error)?,
    }
    Ok(())
}

/// With the module's command, or while there is none, with what every server has.
fn consume(scene: &Scene, client: &mut Client, random: &mut Rng) -> Result<(), String> {
    let key = scene.events.key(scene.events.any_key(random));
    let taken = client.call(&format!("JSONMERGE.TAKE {key}")).or_else(|error| {
        while_unloaded(error)?;
        client.call(&format!("GETDEL {key}"))
    })?;
    if taken != "(nil)" {
        scene.events.saw(&taken);
    }
    Ok(())
}

/// There is no such command, or who called it before was disconnected; what was sent then was not done.
fn while_unloaded(error: String) -> Result<(), String> {
    match error.starts_with("ERR unknown command") {
        true => Ok(()),
        false => Err(error),
    }
}
