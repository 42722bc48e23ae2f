//! A real cluster: three masters, each with a replica, all with the module.

use super::server::{Server, Settings, wait_until};

pub const SHARDS: usize = 3;

/// A cluster whose nodes all run on this machine.
pub struct Cluster {
    /// The master and the replica of each shard, in an order that changes with each failover.
    pub shards: Vec<[Server; 2]>,
}

impl Cluster {
    /// Starts the nodes, forms the cluster and waits until it is healthy.
    pub fn start() -> Self {
        let node = || {
            Settings::new()
                .module()
                .cluster_node()
                .with("cluster-node-timeout 1000")
                .with("cluster-replica-validity-factor 0")
                .with("cluster-require-full-coverage no")
                .start()
        };
        let cluster = Cluster { shards: (0..SHARDS).map(|_| [node(), node()]).collect() };
        let bus = |server: &Server| {
            let port = text_after(&server.client().ok("CONFIG GET cluster-port"), "(cluster-port ");
            format!("127.0.0.1 {} {}", server.port, port.trim_end_matches(')'))
        };
        for (epoch, server) in cluster.servers().enumerate() {
            let mut client = server.client();
            client.ok(&format!("CLUSTER SET-CONFIG-EPOCH {}", epoch + 1));
            client.ok(&format!("CLUSTER MEET {}", bus(&cluster.shards[0][0])));
        }
        for (number, [master, replica]) in cluster.shards.iter().enumerate() {
            let slot = |number: usize| number * 16384 / SHARDS;
            let (first, last) = (slot(number), slot(number + 1) - 1);
            master.client().ok(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"));
            let mut client = replica.client();
            let replicate = format!("CLUSTER REPLICATE {}", id(master));
            wait_until("the replica knows its master", || client.call(&replicate).is_ok());
        }
        cluster.wait_until_whole();
        cluster
    }

    /// Returns all nodes.
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        self.shards.iter().flatten()
    }

    /// Waits until every node reports that all slots are served and no node has failed, and until
    /// every replica is connected to its master.
    pub fn wait_until_whole(&self) {
        for server in self.servers() {
            let mut client = server.client();
            wait_until("the node reports a healthy cluster", || {
                let [info, nodes] =
                    ["INFO", "NODES"].map(|what| client.ok(&format!("CLUSTER {what}")));
                let are_all_up = !nodes.contains("fail") && !nodes.contains("handshake");
                info.contains("cluster_state:ok")
                    && info.contains("cluster_slots_ok:16384")
                    && are_all_up
                    && nodes.lines().count() == 2 * SHARDS
            });
        }
        for shard in &self.shards {
            wait_until("the replica is connected to its master", || {
                let infos = shard.each_ref().map(|server| server.client().ok("INFO replication"));
                let has = |what: &str| infos.iter().any(|info| info.contains(what));
                has("role:master") && has("master_link_status:up")
            });
        }
    }

    /// Returns how often the nodes replied with an error of this code.
    pub fn errors(&self, code: &str) -> u64 {
        let field = format!("errorstat_{code}:");
        let of = |server: &Server| -> u64 {
            let info = server.client().ok("INFO errorstats");
            let line = info.lines().find(|line| line.starts_with(&field));
            line.map_or(0, |line| text_after(line, "count=").parse().expect("count is a number"))
        };
        self.servers().map(of).sum()
    }

    /// Swaps the two nodes of each shard if its master comes second.
    pub fn put_masters_first(&mut self) {
        for shard in &mut self.shards {
            if !is_master(&shard[0]) {
                shard.swap(0, 1);
            }
        }
    }
}

fn text_after(text: &str, mark: &str) -> String {
    text.split_once(mark).expect("the reply contains the mark").1.to_owned()
}

/// Returns the node ID.
pub fn id(server: &Server) -> String {
    server.client().ok("CLUSTER MYID")
}

/// Returns whether the node is a master.
pub fn is_master(server: &Server) -> bool {
    server.client().ok("INFO replication").contains("role:master")
}
