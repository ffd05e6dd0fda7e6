//! People who talk: one socket each, messages by the plan, and a record of everything that each socket
//! saw. What the records mean is for `audit` and the scenarios to say.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::client::frame::{Codec, Frame, Heard};
use crate::client::socket::{Seen, Socket};
use crate::pace::{self, Planned};
use crate::proc::{self, Sample};
use crate::trouble::{Outcome, Trouble};
use crate::world::{World, moment};

/// Messages of one author that wait for his socket: as many as the server lets be under way.
const QUEUE: usize = 64;
/// Sockets that open at the same time before a run.
const OPENING_AT_ONCE: usize = 32;
/// Between the last socket and the first message.
const LEAD: Duration = Duration::from_millis(200);
/// What is not answered or heard this long after the last message counts as missing.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of a text: what the peers were measured with.
pub(crate) const TEXT_BYTES: usize = 256;

/// A conversation of the run.
#[derive(Clone, Debug)]
pub(crate) struct Chat {
    /// Its id.
    pub(crate) id: String,
    /// Its members, by their place among the people.
    pub(crate) members: Vec<u32>,
    /// The last entry before the run.
    pub(crate) base_seq: u64,
}

/// What is said by whom, and from when on it counts.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    /// The conversations; all of them direct chats when `direct`.
    pub(crate) chats: Vec<Chat>,
    /// Chats of two, whose first message must name the other one.
    pub(crate) direct: bool,
    /// The messages.
    pub(crate) plan: Arc<Vec<Planned>>,
    /// Messages before this warm the server up: audited, not measured.
    pub(crate) warm_us: u64,
    /// How frames are written.
    pub(crate) codec: Codec,
}

/// A message that was acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acked {
    /// Which of the plan.
    pub(crate) index: u32,
    /// The number that it got.
    pub(crate) seq: u64,
    /// When the answer was read, in µs after the start.
    pub(crate) at_us: u64,
}

/// A message that a socket heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Note {
    /// In which conversation of the run.
    pub(crate) chat: u32,
    /// Its number.
    pub(crate) seq: u64,
    /// Which of the plan, if it is one of it.
    pub(crate) index: Option<u32>,
    /// When it was read, in µs after the start.
    pub(crate) at_us: u64,
}

/// All that one socket saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// In the order in which they came.
    pub(crate) acked: Vec<Acked>,
    /// Refused for good, with the code.
    pub(crate) refused: Vec<(u32, String)>,
    /// When each message left, in µs after the start.
    pub(crate) left: Vec<(u32, u64)>,
    /// In the order in which they came.
    pub(crate) heard: Vec<Note>,
    /// Times that the server said that pushes were left out.
    pub(crate) resyncs: u64,
    /// Why it ended before its time.
    pub(crate) broke: Option<String>,
}

/// What a run left behind.
pub(crate) struct Told {
    /// Of each person.
    pub(crate) records: Vec<Record>,
    /// What the ids of this run's messages begin with.
    pub(crate) tag: String,
    /// The server when the warm-up was over, and when the last message was heard.
    pub(crate) server: (Sample, Sample),
    /// This process at the same moments.
    pub(crate) client: (Sample, Sample),
    /// CPU time of the whole machine between the two, in ms.
    pub(crate) machine_ms: f64,
    /// Between the two.
    pub(crate) lasted_s: f64,
    /// Messages that never left, since their author's queue was full.
    pub(crate) held_back: u64,
}

/// What all sockets of a run share.
struct Shared {
    start: Instant,
    plan: Arc<Vec<Planned>>,
    chats: Vec<Chat>,
    direct: bool,
    user_ids: Vec<String>,
    by_id: HashMap<String, u32>,
    /// Tells this run's messages from all others.
    tag: String,
    codec: Codec,
    answered: AtomicU64,
    heard: AtomicU64,
    /// Hearings that the acknowledged messages must lead to.
    expected: AtomicU64,
}

#[derive(Serialize)]
struct Send<'a> {
    conversation_id: &'a str,
    client_msg_id: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_id: Option<&'a str>,
}

#[derive(Deserialize)]
struct Sent {
    seq: u64,
}

/// The text of a message of the plan.
pub(crate) fn text(index: u32) -> String {
    let mut text = format!("{index:08} ");
    text.extend(('a'..='z').cycle().take(TEXT_BYTES - text.len()));
    text
}

/// Runs the talk with the first `people` of the world.
///
/// # Errors
/// The sockets can't be opened, the server is gone.
pub(crate) async fn run(world: &World, people: usize, talk: &Talk) -> Outcome<Told> {
    let (sockets, tag) = open(world, people, talk.codec).await?;
    let shared = Arc::new(Shared::new(world, people, talk, tag.clone()));
    let mut queues = Vec::with_capacity(people);
    let mut tasks = Vec::with_capacity(people);
    for (person, socket) in (0_u32..).zip(sockets) {
        let (queue, orders) = mpsc::channel(QUEUE);
        queues.push(queue);
        tasks.push(tokio::spawn(serve(
            person,
            socket,
            orders,
            Arc::clone(&shared),
        )));
    }
    let pacer = pace::start(Arc::clone(&talk.plan), shared.start, queues.clone());
    tokio::time::sleep_until(shared.start + Duration::from_micros(talk.warm_us)).await;
    let before = Looked::now(world)?;
    let last = talk.plan.last().map_or(0, |planned| planned.at_us);
    tokio::time::sleep_until(shared.start + Duration::from_micros(last)).await;
    while !pacer.is_finished() {
        moment().await;
    }
    let held_back = pacer
        .join()
        .map_err(|_| Trouble::new("the pacing thread ended early"))?;
    shared.drained(held_back).await;
    let after = Looked::now(world)?;
    drop(queues);
    let mut records = Vec::with_capacity(people);
    for task in tasks {
        records.push(task.await.map_err(Trouble::at("a socket's task"))?);
    }
    Ok(Told {
        records,
        tag,
        server: (before.server, after.server),
        client: (before.client, after.client),
        machine_ms: after.machine_ms - before.machine_ms,
        lasted_s: (after.at - before.at).as_secs_f64(),
        held_back,
    })
}

/// Server, client and machine at one moment.
pub(crate) struct Looked {
    pub(crate) server: Sample,
    pub(crate) client: Sample,
    pub(crate) machine_ms: f64,
    pub(crate) at: Instant,
}

impl Looked {
    /// This moment.
    ///
    /// # Errors
    /// The server is gone.
    pub(crate) fn now(world: &World) -> Outcome<Self> {
        Ok(Self {
            server: world.server.sample()?,
            client: proc::sample(std::process::id())?,
            machine_ms: proc::machine_busy_ms(),
            at: Instant::now(),
        })
    }
}

async fn open(world: &World, people: usize, codec: Codec) -> Outcome<(Vec<Socket>, String)> {
    let opened: Vec<(Socket, i64)> = stream::iter(0..people)
        .map(|person| async move {
            let place = world.place(person, codec);
            let (socket, opened) = Socket::open(place, &Seen::default()).await?;
            Ok::<_, Trouble>((socket, opened.server_now_at))
        })
        .buffered(OPENING_AT_ONCE)
        .try_collect()
        .await?;
    let tag = opened.first().map_or(0, |(_, now_at)| *now_at);
    let sockets = opened.into_iter().map(|(socket, _)| socket).collect();
    Ok((sockets, format!("load-{tag}-")))
}

impl Shared {
    fn new(world: &World, people: usize, talk: &Talk, tag: String) -> Self {
        let by_id = (0_u32..).zip(&talk.chats);
        Self {
            start: Instant::now() + LEAD,
            plan: Arc::clone(&talk.plan),
            by_id: by_id.map(|(at, chat)| (chat.id.clone(), at)).collect(),
            chats: talk.chats.clone(),
            direct: talk.direct,
            user_ids: world.people[..people]
                .iter()
                .map(|person| person.user_id.clone())
                .collect(),
            tag,
            codec: talk.codec,
            answered: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            expected: AtomicU64::new(0),
        }
    }

    fn now_us(&self) -> u64 {
        let passed = Instant::now().saturating_duration_since(self.start);
        u64::try_from(passed.as_micros()).unwrap_or(u64::MAX)
    }

    /// Waits until every message is answered and heard by all who should hear it, or for so long that
    /// what is missing counts as missing.
    async fn drained(&self, held_back: u64) {
        let planned = self.plan.len() as u64;
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let answered = self.answered.load(Ordering::SeqCst) + held_back;
            let heard = self.heard.load(Ordering::SeqCst);
            if answered >= planned && heard >= self.expected.load(Ordering::SeqCst) {
                return;
            }
            moment().await;
        }
    }

    fn send(&self, index: u32, author: u32) -> Outcome<tokio_tungstenite::tungstenite::Message> {
        let planned = self.plan[index as usize];
        let chat = &self.chats[planned.conversation as usize];
        let other = chat.members.iter().find(|member| **member != author);
        let peer = other.filter(|_| self.direct);
        let params = Send {
            conversation_id: &chat.id,
            client_msg_id: &format!("{}{index}", self.tag),
            text: &text(index),
            peer_id: peer.map(|peer| self.user_ids[*peer as usize].as_str()),
        };
        // A number of the plan is also a good number for its call; 0 is the heartbeat.
        self.codec.call(index + 1, "message.send", &params)
    }

    fn note(&self, heard: &Heard) -> Option<Note> {
        let index = planned_index(heard.client_msg_id.as_deref(), &self.tag);
        Some(Note {
            chat: *self.by_id.get(&heard.conversation_id)?,
            seq: heard.seq,
            index,
            at_us: self.now_us(),
        })
    }
}

/// Which message of the plan it is.
pub(crate) fn planned_index(client_msg_id: Option<&str>, tag: &str) -> Option<u32> {
    client_msg_id?.strip_prefix(tag)?.parse().ok()
}

/// Number and message of the plan, of messages that were read in one order.
pub(crate) fn planned(heard: &[Heard], tag: &str) -> Vec<(u64, Option<u32>)> {
    let note = |heard: &Heard| {
        let index = planned_index(heard.client_msg_id.as_deref(), tag);
        (heard.seq, index)
    };
    heard.iter().map(note).collect()
}

/// One person's socket until there is nothing more to send and to hear.
async fn serve(
    person: u32,
    mut socket: Socket,
    mut orders: mpsc::Receiver<u32>,
    shared: Arc<Shared>,
) -> Record {
    let mut record = Record::default();
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some(index) = order else { return record };
                record.left.push((index, shared.now_us()));
                let sent = match shared.send(index, person) {
                    Ok(frame) => socket.send(frame).await,
                    Err(trouble) => Err(trouble),
                };
                if let Err(trouble) = sent {
                    record.broke = Some(trouble.to_string());
                    return record;
                }
            }
            frame = socket.next::<Sent>() => match frame {
                Ok(frame) => take(frame, &mut record, &shared),
                Err(trouble) => {
                    record.broke = Some(trouble.to_string());
                    return record;
                }
            },
        }
    }
}

fn take(frame: Frame<Sent>, record: &mut Record, shared: &Shared) {
    match frame {
        Frame::Heard(heard) => {
            if let Some(note) = shared.note(&heard) {
                record.heard.push(note);
                if note.index.is_some() {
                    shared.heard.fetch_add(1, Ordering::SeqCst);
                }
            }
        }
        Frame::Answer(id, outcome) => {
            let index = id.saturating_sub(1);
            match outcome {
                Ok(Sent { seq }) => {
                    record.acked.push(Acked {
                        index,
                        seq,
                        at_us: shared.now_us(),
                    });
                    let chat = shared.plan[index as usize].conversation;
                    let members = shared.chats[chat as usize].members.len() as u64;
                    shared.expected.fetch_add(members, Ordering::SeqCst);
                }
                Err(refusal) => record.refused.push((index, refusal.to_string())),
            }
            shared.answered.fetch_add(1, Ordering::SeqCst);
        }
        Frame::Resync => record.resyncs += 1,
        Frame::Heartbeat | Frame::Other => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_the_bytes_that_the_peers_were_measured_with() {
        assert_eq!(text(7).len(), TEXT_BYTES);
        assert_ne!(text(7), text(8));
    }

    #[test]
    fn a_message_of_another_run_is_none_of_the_plan() {
        assert_eq!(planned_index(Some("load-5-12"), "load-5-"), Some(12));
        assert_eq!(planned_index(Some("load-6-12"), "load-5-"), None);
        assert_eq!(planned_index(None, "load-5-"), None);
    }
}
