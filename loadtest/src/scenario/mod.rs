//! What is measured: one file a scenario.

pub(crate) mod direct;
pub(crate) mod fanout;
pub(crate) mod history;
pub(crate) mod idle;
pub(crate) mod reconnect;
pub(crate) mod search;

use crate::client::frame::Codec;
use crate::report::{Gathered, Run};
use crate::talk::{Looked, Talk, Told};
use crate::trouble::{Outcome, Trouble};

/// What all scenarios are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Common {
    /// Where random numbers begin.
    pub(crate) seed: u64,
    /// How frames are written.
    pub(crate) codec: Codec,
}

/// Files of this process that are no sockets of a scenario: logs, the runtime's own, calls over HTTP.
const OTHER_FILES: u64 = 500;

/// # Errors
/// More sockets than this process (and the server, which has the same limit) may open.
pub(crate) fn check_sockets(sockets: usize) -> Outcome<()> {
    let most = crate::proc::open_files_max().saturating_sub(OTHER_FILES);
    if sockets as u64 > most {
        return Err(Trouble::new(format!(
            "{sockets} sockets: this process may open {most} (ulimit -n)"
        )));
    }
    Ok(())
}

/// How a stretch of time was spent: CPU of the server, of this client, of all else; bytes written.
pub(crate) struct Spent {
    pub(crate) server_cpu_ms: f64,
    pub(crate) client_cpu_ms: f64,
    pub(crate) others_share: f64,
    pub(crate) written_bytes: u64,
    pub(crate) lasted_s: f64,
}

impl Spent {
    /// Between two looks.
    pub(crate) fn between(before: &Looked, after: &Looked) -> Self {
        Self::of(
            (before.server, after.server),
            (before.client, after.client),
            after.machine_ms - before.machine_ms,
            (after.at - before.at).as_secs_f64(),
        )
    }

    /// During a talk.
    pub(crate) fn during(told: &Told) -> Self {
        Self::of(told.server, told.client, told.machine_ms, told.lasted_s)
    }

    fn of(
        server: (crate::proc::Sample, crate::proc::Sample),
        client: (crate::proc::Sample, crate::proc::Sample),
        machine_ms: f64,
        lasted_s: f64,
    ) -> Self {
        let server_cpu_ms = server.1.cpu_ms - server.0.cpu_ms;
        let client_cpu_ms = client.1.cpu_ms - client.0.cpu_ms;
        let cores = std::thread::available_parallelism().map_or(1.0, |cores| {
            f64::from(u32::try_from(cores.get()).unwrap_or(1))
        });
        let others_ms = (machine_ms - server_cpu_ms - client_cpu_ms).max(0.0);
        Self {
            server_cpu_ms,
            client_cpu_ms,
            others_share: others_ms / (lasted_s * 1_000.0 * cores).max(1.0),
            written_bytes: server.1.written_bytes - server.0.written_bytes,
            lasted_s,
        }
    }

    /// Notes what every scenario tells.
    pub(crate) fn note(&self, run: &mut Run) {
        let wall_ms = (self.lasted_s * 1_000.0).max(1.0);
        run.figure("server_cpu_cores", self.server_cpu_ms / wall_ms);
        run.figure("client_cpu_cores", self.client_cpu_ms / wall_ms);
        run.figure("others_cpu_share", self.others_share);
        run.figure("lasted_s", self.lasted_s);
    }
}

/// Latencies and costs of a talk after its warm-up.
///
/// # Errors
/// Never: the bounds of the histograms are good.
pub(crate) fn measure(talk: &Talk, told: &Told, run: &mut Run) -> Outcome<()> {
    let (mut ack, mut receive, mut leave) = (Gathered::new()?, Gathered::new()?, Gathered::new()?);
    let due = |index: u32| {
        let planned = talk.plan.get(index as usize)?;
        (planned.at_us >= talk.warm_us).then_some(*planned)
    };
    let mut heard: u64 = 0;
    for (person, record) in (0_u32..).zip(&told.records) {
        for acked in &record.acked {
            if let Some(planned) = due(acked.index) {
                ack.add(acked.at_us.saturating_sub(planned.at_us));
            }
        }
        for (index, at_us) in &record.left {
            if let Some(planned) = due(*index) {
                leave.add(at_us.saturating_sub(planned.at_us));
            }
        }
        for note in &record.heard {
            let Some(planned) = note.index.and_then(due) else {
                continue;
            };
            heard += 1;
            if planned.author != person {
                receive.add(note.at_us.saturating_sub(planned.at_us));
            }
        }
    }
    let spent = Spent::during(told);
    spent.note(run);
    let (messages, deliveries) = (counted(ack.count()), counted(heard));
    run.figure("messages", messages);
    run.figure("deliveries", deliveries);
    run.figure("messages_per_s", messages / spent.lasted_s);
    run.figure("deliveries_per_s", deliveries / spent.lasted_s);
    run.figure("held_back", counted(told.held_back));
    run.figure(
        "resyncs",
        counted(told.records.iter().map(|record| record.resyncs).sum()),
    );
    run.figure(
        "server_cpu_per_message_us",
        spent.server_cpu_ms * 1_000.0 / messages.max(1.0),
    );
    run.figure(
        "server_cpu_per_delivery_us",
        spent.server_cpu_ms * 1_000.0 / deliveries.max(1.0),
    );
    run.figure(
        "client_cpu_per_delivery_us",
        spent.client_cpu_ms * 1_000.0 / deliveries.max(1.0),
    );
    run.figure(
        "written_bytes_per_message",
        counted(spent.written_bytes) / messages.max(1.0),
    );
    run.figure(
        "server_peak_rss_mb",
        counted(told.server.1.peak_rss_kb) / 1_024.0,
    );
    run.latency("ack", &ack)?;
    run.latency("receive", &receive)?;
    run.latency("leave", &leave)
}

/// A count as a figure.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a run are far below 2^52"
)]
pub(crate) fn counted(count: u64) -> f64 {
    count as f64
}
