//! Clients that send damaged commands, as if bytes were lost or altered on the way.
//!
//! The default user may run only the two commands of the module, so no other command can write a value, and a
//! stored value that is not a JSON array is a bug in the module.
//!
//! - `SOAK_CONNECTIONS`: the number of connections to make. If it is not set, the test runs for
//!   `SOAK_SECONDS`.
//! - `JSONMERGE_SEED`: the seed that was printed. With the same number of connections, every thread sends
//!   the same bytes again.

use std::env;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use redis::Value;
use serde_json::value::RawValue;

use crate::support::client::{Client, tcp};
use crate::support::random::Seed;
use crate::support::server::Server;

/// Changing this changes the bytes that a seed sends.
const THREADS: usize = 4;

/// How many connections a thread keeps open at once. Those of all threads fit into the server's backlog.
const BATCH: usize = 32;

/// How often the test checks all stored values.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

const PROGRESS_INTERVAL: Duration = Duration::from_secs(60);

/// What the threads share.
struct Scene {
    port: u16,
    end: End,
    /// How many connections were made.
    connections: AtomicU64,
    /// How many damaged values were found. The threads stop at the first one.
    damaged: AtomicU64,
}

enum End {
    At(Instant),
    /// After all threads together have made this many connections.
    AfterConnections(u64),
}

#[test]
fn damaged_commands_leave_the_server_running_and_stored_values_valid() {
    let seed = Seed::print("garbage");
    let server = Server::start();
    let mut admin = administrator(&server);
    let scene = Scene {
        port: server.port,
        end: End::from_env(),
        connections: AtomicU64::new(0),
        damaged: AtomicU64::new(0),
    };
    let start = Instant::now();
    thread::scope(|scope| {
        let scene = &scene;
        let threads: Vec<_> = (0..THREADS)
            .map(|number| scope.spawn(move || scene.send_garbage(number, &mut seed.rng(number))))
            .collect();
        let (mut check, mut progress) = (start + CHECK_INTERVAL, start + PROGRESS_INTERVAL);
        while !threads.iter().all(|thread| thread.is_finished()) {
            thread::sleep(Duration::from_millis(20));
            if Instant::now() > check {
                check += CHECK_INTERVAL;
                scene.check_values(&mut admin);
            }
            if Instant::now() > progress {
                progress += PROGRESS_INTERVAL;
                println!("garbage: {}", scene.progress(start));
            }
        }
    });
    scene.check_values(&mut admin);

    let [commands, errors] =
        ["total_commands_processed", "total_error_replies"].map(|field| admin.info(field));
    let appends = calls(&mut admin, "jsonmerge.append");
    let takes = calls(&mut admin, "jsonmerge.take");
    println!(
        "garbage: {}; {commands} commands, {errors} errors; calls: {appends} append, {takes} take",
        scene.progress(start)
    );
    admin.ok("ACL SETUSER default +@all");
    let connections = scene.connections.into_inner();
    assert_eq!(scene.damaged.into_inner(), 0, "damaged values were found, as printed above");
    assert!(
        connections > 100 && commands > connections && errors > connections / 10,
        "too little to test"
    );
}

/// Restricts the default user to the module's commands, and returns a client without restrictions.
fn administrator(server: &Server) -> Client {
    let mut client = server.client();
    client.ok("ACL SETUSER administrator on >secret ~* &* +@all");
    client.ok("AUTH administrator secret");
    client.ok("ACL SETUSER default -@all +jsonmerge.append +jsonmerge.take");
    client
}

/// Returns how often a command ran, including calls that failed.
fn calls(client: &mut Client, command: &str) -> u64 {
    let stats = client.ok("INFO commandstats");
    let prefix = format!("cmdstat_{command}:calls=");
    let calls = stats.lines().find_map(|line| line.strip_prefix(&prefix)?.split(',').next());
    calls.map_or(0, |calls| calls.parse().expect("a number of calls"))
}

impl End {
    fn from_env() -> Self {
        match env::var("SOAK_CONNECTIONS") {
            Ok(number) => {
                End::AfterConnections(number.parse().expect("SOAK_CONNECTIONS is a number"))
            }
            Err(_) => End::At(Instant::now() + super::duration()),
        }
    }

    /// Returns whether a thread that has made this many connections is done.
    fn is_reached(&self, connections: u64) -> bool {
        match self {
            End::At(time) => Instant::now() >= *time,
            End::AfterConnections(total) => connections >= total.div_ceil(THREADS as u64),
        }
    }
}

impl Scene {
    fn send_garbage(&self, thread: usize, random: &mut Rng) {
        let (mut connections, mut reply) = (0, Vec::new());
        while !self.end.is_reached(connections) && self.damaged.load(Relaxed) == 0 {
            let garbage: Vec<_> = (0..BATCH).map(|_| any_garbage(random)).collect();
            let streams: Vec<_> = garbage.iter().map(|bytes| self.send(bytes)).collect();
            for (mut stream, bytes) in streams.into_iter().zip(&garbage) {
                reply.clear();
                // The server may reset a connection when it does not understand a byte.
                _ = stream.read_to_end(&mut reply);
                connections += 1;
                if reply.windows(12).any(|text| text == b"stored value") {
                    let (reply, bytes) = (reply.escape_ascii(), bytes.escape_ascii());
                    self.report(format!(
                        "thread {thread}, connection {connections}: reply {reply} to {bytes}"
                    ));
                }
            }
            self.connections.fetch_add(BATCH as u64, Relaxed);
        }
    }

    fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = tcp(self.port);
        // The server may close the connection before it has read everything.
        _ = stream.write_all(bytes);
        _ = stream.shutdown(Shutdown::Write);
        stream
    }

    /// Takes all stored values, and checks that each is a JSON array.
    fn check_values(&self, admin: &mut Client) {
        let keys = admin.value_of(&[b"KEYS", b"*"]).expect("the keys");
        for key in keys.into_sequence().expect("a list of keys") {
            let Value::BulkString(key) = key else { panic!("{key:?} is not a key") };
            let value = match admin.value_of(&[b"GETDEL", &key]) {
                Ok(Value::BulkString(value)) => value,
                Ok(Value::Nil) => continue,
                other => panic!("{}: {other:?}", key.escape_ascii()),
            };
            if let Err(error) = serde_json::from_slice::<Vec<&RawValue>>(&value) {
                let (key, value) = (key.escape_ascii(), value.escape_ascii());
                self.report(format!("key {key}: {error}: {value}"));
            }
        }
    }

    fn report(&self, failure: String) {
        println!("garbage: {failure}");
        self.damaged.fetch_add(1, Relaxed);
    }

    fn progress(&self, start: Instant) -> String {
        let (connections, seconds) =
            (self.connections.load(Relaxed), start.elapsed().as_secs_f64());
        let rate = connections as f64 / seconds;
        format!("{connections} connections in {seconds:.0} s, {rate:.0} per second")
    }
}

/// Returns one to seven commands with damaged bytes.
fn any_garbage(random: &mut Rng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.usize(1..8) {
        bytes.extend(any_command(random));
    }
    damage(random, &mut bytes);
    bytes
}

fn any_command(random: &mut Rng) -> Vec<u8> {
    let key = format!("k{}", random.u32(..5));
    let array = random.choice(["[1]", "[]", "[1,[2,{\"a\":null}],\"\\u00e9\"]", "[1", "{}", ""]);
    let options = random.choice(["", "REPLY LEN", "TRUST REPLY SIZE", "EX 100", "PX 1 PERSIST"]);
    let mut command = redis::cmd("JSONMERGE.APPEND");
    match random.u32(..4) {
        0 => _ = command.arg(random.usize(..10)),
        1 => return redis::cmd("JSONMERGE.TAKE").arg(key).get_packed_command(),
        _ => {
            command.arg(key).arg(array);
            let options = options.unwrap_or_default().split_terminator(' ');
            command.arg(options.collect::<Vec<_>>());
        }
    }
    command.get_packed_command()
}

/// Replaces, inserts or removes some bytes, mostly those that have a meaning in RESP.
fn damage(random: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..random.usize(..6) {
        let at = random.usize(..bytes.len().max(1));
        let special = random.choice(b"*$\r\n0123456789-[]\0\xff".to_vec()).unwrap_or_default();
        match random.u32(..6) {
            0 => bytes.insert(at, special),
            1 => bytes.truncate(at),
            2 => bytes.extend_from_within(at..),
            3 => {
                let noise: Vec<u8> = (0..random.usize(..100)).map(|_| random.u8(..)).collect();
                bytes.splice(at..at, noise);
            }
            _ if at < bytes.len() => bytes[at] = special,
            _ => {}
        }
    }
}
