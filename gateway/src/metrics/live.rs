//! What is looked up when it is asked for: connections, the cluster, the process.

use std::fmt;
use std::sync::Weak;

use chat_core::host;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::server::Server;

/// A server that is looked at.
pub(super) struct Live(pub(super) Weak<Server>);

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}

impl Collector for Live {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let Some(server) = self.0.upgrade() else {
            return Ok(());
        };
        let mut gauge = |name: &str, help: &str, value: u64| {
            let value = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            value.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
        };
        let hub = &server.hub;
        gauge(
            "connections",
            "WebSocket connections of this server",
            hub.sockets() as u64,
        )?;
        gauge(
            "draining",
            "1 while this server sends its connections away",
            u64::from(hub.is_draining()),
        )?;
        for (name, help, value) in process() {
            gauge(name, help, value)?;
        }
        of_cluster(&server, encoder)
    }
}

/// The servers that live, and which of them writes.
fn of_cluster(server: &Server, mut encoder: DescriptorEncoder) -> fmt::Result {
    let servers = host::servers(&server.node);
    if servers.is_empty() {
        return Ok(());
    }
    let mut nodes = encoder.encode_descriptor(
        "cluster_node_owns_journal",
        "The servers of the cluster that live: 1 for the one that writes the journal, 0 for the others",
        None,
        MetricType::Gauge,
    )?;
    for one in servers {
        let labels = [("node", one.name)];
        ConstGauge::new(i64::from(one.owner)).encode(nodes.encode_family(&labels)?)?;
    }
    Ok(())
}

/// What Linux tells of this process; nothing where it does not.
fn process() -> Vec<(&'static str, &'static str, u64)> {
    let mut found = Vec::new();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    found.extend(resident.map(|kib| {
        let help = "Memory of this process that is not swapped out";
        ("process_resident_memory_bytes", help, kib * 1_024)
    }));
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        let open = open.count() as u64;
        found.push(("process_open_fds", "Files and sockets that are open", open));
    }
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let most = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let most = most.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    found.extend(most.map(|most| {
        let help = "Files and sockets that may be open";
        ("process_max_fds", help, most)
    }));
    found
}
