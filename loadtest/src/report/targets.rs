//! What is asked of the server, and where each number comes from.

use Bound::{AtLeast, AtMost, Times};

/// A figure that is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// The report that has it.
    pub(crate) report: &'static str,
    /// The figure's name.
    pub(crate) figure: &'static str,
    /// How large it may or must be.
    pub(crate) bound: Bound,
    /// What it is, with its unit.
    pub(crate) what: &'static str,
}

/// What a figure is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// It must not be larger.
    AtMost(f64),
    /// It must not be smaller.
    AtLeast(f64),
    /// It must not be larger than so many times what another report has.
    Times(f64, &'static str),
}

/// All targets. They were set below what peers need on the same two cores (see the page's end).
pub(crate) const TARGETS: [Target; 16] = [
    Target {
        report: "idle-10000",
        figure: "rss_per_socket_kb",
        bound: AtMost(7.0),
        what: "resident memory of an idle signed-in socket, KB",
    },
    Target {
        report: "idle-10000",
        figure: "cpu_per_socket_us_per_s",
        bound: AtMost(2.0),
        what: "CPU of an idle signed-in socket, µs each second",
    },
    Target {
        report: "direct-500",
        figure: "ack_p99_ms",
        bound: AtMost(10.0),
        what: "500 direct messages/s: acknowledged (durable), p99 ms",
    },
    Target {
        report: "direct-500",
        figure: "receive_p99_ms",
        bound: AtMost(10.0),
        what: "500 direct messages/s: received, p99 ms",
    },
    Target {
        report: "direct-2000",
        figure: "ack_p99_ms",
        bound: AtMost(25.0),
        what: "2,000 direct messages/s: acknowledged (durable), p99 ms",
    },
    Target {
        report: "direct-2000",
        figure: "receive_p99_ms",
        bound: AtMost(25.0),
        what: "2,000 direct messages/s: received, p99 ms",
    },
    Target {
        report: "direct-500-memory",
        figure: "receive_p99_ms",
        bound: AtMost(10.0),
        what: "500/s with the store on a memory disk: received, p99 ms",
    },
    Target {
        report: "direct-2000-memory",
        figure: "receive_p99_ms",
        bound: AtMost(25.0),
        what: "2,000/s with the store on a memory disk: received, p99 ms",
    },
    Target {
        report: "fanout-500",
        figure: "server_cpu_per_delivery_us",
        bound: AtMost(9.0),
        what: "a discussion of 500: server CPU a delivery, µs",
    },
    Target {
        report: "search-5000",
        figure: "search_p95_ms",
        bound: AtMost(20.0),
        what: "looking for one of 5,000 colleagues, p95 ms",
    },
    Target {
        report: "reconnect-5000",
        figure: "back_p99_ms",
        bound: AtMost(1_000.0),
        what: "5,000 sockets cut at once: 99 % back and resumed, ms",
    },
    Target {
        report: "cluster-720-people-on-1",
        figure: "messages_per_s",
        bound: AtLeast(700.0),
        what: "two servers on one database, everybody on one of them: direct messages/s",
    },
    Target {
        report: "cluster-720-people-on-1",
        figure: "receive_p99_ms",
        bound: AtMost(200.0),
        what: "the same: received, p99 ms",
    },
    Target {
        report: "cluster-720-people-on-2",
        figure: "messages_per_s",
        bound: AtLeast(700.0),
        what: "two servers on one database, people on both: direct messages/s",
    },
    Target {
        report: "cluster-720-people-on-2",
        figure: "receive_p99_ms",
        bound: AtMost(200.0),
        what: "the same: received, p99 ms",
    },
    Target {
        report: "cluster-720-people-on-2",
        figure: "server_cpu_per_delivery_us",
        bound: Times(1.2, "cluster-720-people-on-1"),
        what: "people on both servers instead of one: server CPU a delivery, µs",
    },
];
