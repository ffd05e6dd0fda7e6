//! What is asked of the server, and where each number comes from.

/// A figure that must not be larger than so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// The report that has it.
    pub(crate) report: &'static str,
    /// The figure's name.
    pub(crate) figure: &'static str,
    /// At most.
    pub(crate) at_most: f64,
    /// What it is, with its unit.
    pub(crate) what: &'static str,
}

/// All targets. They were set below what peers need on the same two cores (see the page's end).
pub(crate) const TARGETS: [Target; 11] = [
    Target {
        report: "idle-10000",
        figure: "rss_per_socket_kb",
        at_most: 7.0,
        what: "resident memory of an idle signed-in socket, KB",
    },
    Target {
        report: "idle-10000",
        figure: "cpu_per_socket_us_per_s",
        at_most: 2.0,
        what: "CPU of an idle signed-in socket, µs each second",
    },
    Target {
        report: "direct-500",
        figure: "ack_p99_ms",
        at_most: 10.0,
        what: "500 direct messages/s: acknowledged (durable), p99 ms",
    },
    Target {
        report: "direct-500",
        figure: "receive_p99_ms",
        at_most: 10.0,
        what: "500 direct messages/s: received, p99 ms",
    },
    Target {
        report: "direct-2000",
        figure: "ack_p99_ms",
        at_most: 25.0,
        what: "2,000 direct messages/s: acknowledged (durable), p99 ms",
    },
    Target {
        report: "direct-2000",
        figure: "receive_p99_ms",
        at_most: 25.0,
        what: "2,000 direct messages/s: received, p99 ms",
    },
    Target {
        report: "direct-500-memory",
        figure: "receive_p99_ms",
        at_most: 10.0,
        what: "500/s with the store on a memory disk: received, p99 ms",
    },
    Target {
        report: "direct-2000-memory",
        figure: "receive_p99_ms",
        at_most: 25.0,
        what: "2,000/s with the store on a memory disk: received, p99 ms",
    },
    Target {
        report: "fanout-500",
        figure: "server_cpu_per_delivery_us",
        at_most: 9.0,
        what: "a discussion of 500: server CPU a delivery, µs",
    },
    Target {
        report: "search-5000",
        figure: "search_p95_ms",
        at_most: 20.0,
        what: "looking for one of 5,000 colleagues, p95 ms",
    },
    Target {
        report: "reconnect-5000",
        figure: "back_p99_ms",
        at_most: 1_000.0,
        what: "5,000 sockets cut at once: 99 % back and resumed, ms",
    },
];
