//! `history`: the newest fifty messages of a conversation are read, as whoever opens one does; how long that
//! takes over a socket, and what it costs. Each answer is checked: fifty entries, the newest last, no hole.

use std::time::Duration;

use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Common, Spent, counted};
use crate::client::frame::Frame;
use crate::client::socket::{Seen, Socket};
use crate::report::{Gathered, Run};
use crate::talk::{Looked, text};
use crate::trouble::{Outcome, Trouble};
use crate::world::World;

/// People; each has a socket. All pairs of neighbours have a chat.
const PEOPLE: usize = 200;
/// Messages of each chat, half of them by each side: below the burst that a person has.
const MESSAGES: u64 = 100;
/// What is read at once.
const NEWEST: usize = 50;
/// A person makes 10 calls a second, half of what he may.
const PAUSE: Duration = Duration::from_millis(100);

/// What is asked.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct History {
    /// Measured seconds.
    #[arg(long, default_value_t = 15)]
    pub(crate) seconds: u32,
}

impl History {
    pub(crate) const PEOPLE: usize = PEOPLE;
    pub(crate) const READS_PER_S: usize = PEOPLE * 10;
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Entry>,
    head_seq: u64,
}

#[derive(Deserialize)]
struct Entry {
    seq: u64,
}

/// One run.
///
/// # Errors
/// It could not be done, or an answer was wrong.
pub(crate) async fn run(world: &World, asked: History, common: Common) -> Outcome<Run> {
    let pairs = (0..u32::try_from(PEOPLE / 2).unwrap_or(0)).map(|pair| chat(world, pair * 2));
    let chats = try_join_all(pairs).await?;
    let mut sockets = Vec::new();
    for person in 0..PEOPLE {
        let (socket, _) = Socket::open(world.place(person, common.codec), &Seen::default()).await?;
        sockets.push(socket);
    }
    let mut run = Run::begun();
    let before = Looked::now(world)?;
    let readers = sockets.into_iter().enumerate();
    let readers = readers.map(|(person, socket)| {
        let phase = PAUSE * u32::try_from(person).unwrap_or(0) / u32::try_from(PEOPLE).unwrap_or(1);
        reads(
            socket,
            &chats[person / 2],
            Instant::now() + phase,
            asked.seconds * 10,
            common,
        )
    });
    let mut all = Gathered::new()?;
    for times_us in try_join_all(readers).await? {
        times_us.iter().for_each(|us| all.add(*us));
    }
    let spent = Spent::between(&before, &Looked::now(world)?);
    spent.note(&mut run);
    run.figure("reads", counted(all.count()));
    run.figure("reads_per_s", counted(all.count()) / spent.lasted_s);
    run.figure(
        "server_cpu_per_read_us",
        spent.server_cpu_ms * 1_000.0 / counted(all.count()),
    );
    run.latency("read", &all)?;
    Ok(run)
}

/// The chat of a person and his neighbour, filled.
async fn chat(world: &World, one: u32) -> Outcome<String> {
    let id = world.direct(one, one + 1).await?;
    for n in 0..MESSAGES {
        let (from, to) = if n % 2 == 0 {
            (one, one + 1)
        } else {
            (one + 1, one)
        };
        // The same ids in the next run: nothing is written twice.
        let params = json!({
            "conversation_id": id, "peer_id": world.user_id(to),
            "client_msg_id": format!("history-{n}"), "text": text(u32::try_from(n).unwrap_or(0)),
        });
        let _: Value = world.call(from as usize, "message.send", &params).await?;
    }
    Ok(id)
}

/// The reads of one person, each at its moment; how long they took from there, in µs.
async fn reads(
    mut socket: Socket,
    chat: &str,
    began: Instant,
    count: u32,
    common: Common,
) -> Outcome<Vec<u64>> {
    let params = json!({"conversation_id": chat, "limit": NEWEST});
    let mut times_us = Vec::new();
    for turn in 0..count {
        let due = began + PAUSE * turn;
        tokio::time::sleep_until(due).await;
        socket
            .send(common.codec.call(turn + 2, "message.list", &params)?)
            .await?;
        let page = loop {
            match socket.next::<Page>().await? {
                Frame::Answer(id, Ok(page)) if id == turn + 2 => break page,
                Frame::Answer(_, Err(refusal)) => {
                    return Err(Trouble::new(format!("message.list: {refusal}")));
                }
                _ => {}
            }
        };
        times_us.push(u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX));
        let newest = page.head_seq + 1 - NEWEST as u64..=page.head_seq;
        if !page.items.iter().map(|entry| entry.seq).eq(newest) {
            return Err(Trouble::new("a page of the newest messages has a hole"));
        }
    }
    socket.cut();
    Ok(times_us)
}
