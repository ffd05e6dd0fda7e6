//! `idle`: signed-in sockets that only beat; what each costs the server in memory and CPU. At the end
//! some of them must hear a message: an idle socket that is deaf costs little.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use super::{Common, Spent, check_sockets, counted};
use crate::audit::judge::Findings;
use crate::client::frame::Heard;
use crate::crowd::{Crowd, Held, PER_PERSON, people_for, person_of};
use crate::report::Run;
use crate::talk::{Looked, text};
use crate::trouble::Outcome;
use crate::world::{World, moment};

/// After the last socket opened, before the measured time: what opening left behind settles.
const SETTLE: Duration = Duration::from_secs(5);
/// People who are sent a message at the end.
const CALLED: usize = 20;
/// Within this all their sockets must have it.
const HEARD_WITHIN: Duration = Duration::from_secs(10);

/// What is asked.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Idle {
    /// Sockets, ten a person.
    #[arg(default_value_t = 10_000)]
    pub(crate) sockets: usize,
    /// Measured seconds; two heartbeats of each socket at least.
    #[arg(long, default_value_t = 60)]
    pub(crate) seconds: u64,
}

#[derive(Deserialize)]
struct Sent {
    seq: u64,
}

/// One run.
///
/// # Errors
/// It could not be done.
pub(crate) async fn run(world: &World, asked: Idle, common: Common) -> Outcome<Run> {
    check_sockets(asked.sockets)?;
    let mut run = Run::begun();
    let empty = Looked::now(world)?;
    let crowd = Crowd::open(world, asked.sockets, common.codec).await?;
    let opened = Looked::now(world)?;
    tokio::time::sleep(SETTLE).await;
    let before = Looked::now(world)?;
    tokio::time::sleep(Duration::from_secs(asked.seconds)).await;
    let after = Looked::now(world)?;
    let broken = crowd.broken();

    let sockets = counted(asked.sockets as u64);
    let opening = Spent::between(&empty, &opened);
    let idle = Spent::between(&before, &after);
    idle.note(&mut run);
    let kb =
        |now: &Looked| counted(now.server.rss_kb.saturating_sub(empty.server.rss_kb)) / sockets;
    run.figure("rss_per_socket_kb", kb(&after));
    run.figure("rss_per_socket_when_opened_kb", kb(&opened));
    run.figure("rss_empty_mb", counted(empty.server.rss_kb) / 1_024.0);
    run.figure(
        "cpu_per_socket_us_per_s",
        idle.server_cpu_ms * 1_000.0 / idle.lasted_s / sockets,
    );
    run.figure(
        "opening_cpu_per_socket_us",
        opening.server_cpu_ms * 1_000.0 / sockets,
    );
    run.figure("opening_s", opening.lasted_s);
    run.figure(
        "client_rss_per_socket_kb",
        counted(after.client.rss_kb.saturating_sub(empty.client.rss_kb)) / sockets,
    );
    run.figure("written_bytes", counted(idle.written_bytes));
    run.audit = call(world, asked.sockets, &crowd, broken).await?;
    let held = crowd.cut().await?;
    deaf(asked.sockets, &held, &mut run.audit);
    Ok(run)
}

fn called(sockets: usize) -> usize {
    // The last of the people writes; he is not called.
    CALLED.min(people_for(sockets).saturating_sub(1))
}

/// How often a message is heard in all: by each socket of those who are called, and by each of the
/// author's own, which hear every one of them.
fn hearings(sockets: usize) -> usize {
    let own = sockets - (people_for(sockets) - 1) * PER_PERSON;
    called(sockets) * (PER_PERSON + own)
}

/// The last person writes to some of the others.
async fn call(world: &World, sockets: usize, crowd: &Crowd, broken: usize) -> Outcome<Findings> {
    let mut findings = Findings::default();
    if broken > 0 {
        findings.failed += broken as u64;
        findings.example(|| format!("{broken} sockets ended by themselves"));
    }
    let author = people_for(sockets) - 1;
    let before = crowd.heard.load(Ordering::SeqCst);
    for person in 0..called(sockets) {
        let other = u32::try_from(person).unwrap_or(0);
        let id = world
            .direct(u32::try_from(author).unwrap_or(0), other)
            .await?;
        let params = json!({
            "conversation_id": id,
            "client_msg_id": format!("idle-{}-{person}", world.server.sample()?.cpu_ms),
            "text": text(0),
            "peer_id": world.user_id(other),
        });
        let sent: Sent = world.call(author, "message.send", &params).await?;
        if sent.seq == 0 {
            findings.strange += 1;
        }
    }
    let due = hearings(sockets);
    let until = Instant::now() + HEARD_WITHIN;
    while crowd.heard.load(Ordering::SeqCst) - before < due as u64 && Instant::now() < until {
        moment().await;
    }
    Ok(findings)
}

/// Each socket of those who were called has one message, no other socket of another person any.
fn deaf(sockets: usize, held: &[Held], findings: &mut Findings) {
    let author = people_for(sockets) - 1;
    for (socket, held) in held.iter().enumerate() {
        let person = person_of(socket);
        if person == author {
            continue;
        }
        let due = usize::from(person < called(sockets));
        let mut times: BTreeMap<(&str, u64), usize> = BTreeMap::new();
        for Heard {
            conversation_id,
            seq,
            ..
        } in &held.heard
        {
            *times.entry((conversation_id, *seq)).or_default() += 1;
        }
        findings.doubled += times.values().filter(|times| **times > 1).count() as u64;
        findings.gaps += due.saturating_sub(times.len()) as u64;
        findings.strange += times.len().saturating_sub(due) as u64;
        if times.len() != due {
            findings.example(|| format!("socket {socket} heard {} and not {due}", times.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_not_before_the_author_and_the_called_have_heard_everything() {
        assert_eq!(hearings(10_000), 20 * (10 + 10));
        assert_eq!(hearings(995), 20 * (10 + 5));
        assert_eq!(hearings(30), 2 * (10 + 10));
    }
}
