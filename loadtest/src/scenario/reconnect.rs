//! `reconnect`: all sockets are cut at once, messages go on meanwhile, then all come back at the same
//! moment; how long until 99 % are open again and have exactly what they missed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{Barrier, Semaphore};
use tokio::time::Instant;

use super::{Common, Spent, check_sockets, counted};
use crate::audit;
use crate::audit::judge::{Entry, Facts, Findings, Hearing, judge};
use crate::client::socket::{Opened, Place, Seen, Socket};
use crate::crowd::{Crowd, Held, people_for, person_of};
use crate::report::{Gathered, Run};
use crate::talk::{Chat, Looked, planned, text};
use crate::trouble::{Outcome, Trouble};
use crate::world::{World, moment};

/// People of one discussion.
const GROUP: usize = 50;
/// A socket that fails tries again after this long, so often.
const PAUSE: Duration = Duration::from_millis(100);
const TRIES: u64 = 20;
/// After everybody is back, a message to all must reach every socket within this.
const HEARD_WITHIN: Duration = Duration::from_secs(10);

/// What is asked.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Reconnect {
    /// Sockets, ten a person.
    #[arg(default_value_t = 5_000)]
    pub(crate) sockets: usize,
    /// Messages that each of them misses.
    #[arg(long, default_value_t = 10)]
    pub(crate) missed: u32,
    /// Sockets that the client opens at the same time; all when absent.
    #[arg(long)]
    pub(crate) at_once: Option<usize>,
}

#[derive(Deserialize)]
struct Sent {
    seq: u64,
}

/// A socket that is back.
struct Back {
    socket: Socket,
    opened: Opened,
    /// After everybody began.
    at_us: u64,
    tries: u64,
}

/// One run.
///
/// # Errors
/// It could not be done.
pub(crate) async fn run(world: &World, asked: Reconnect, common: Common) -> Outcome<Run> {
    check_sockets(asked.sockets)?;
    let tag = format!("back-{}-{}-", common.seed, world.server.sample()?.cpu_ms);
    let chats = groups(world, people_for(asked.sockets)).await?;
    let mut acked = said(world, &chats, 0..1, &tag).await?;
    let crowd = Crowd::open(world, asked.sockets, common.codec).await?;
    // Everybody hears one message, so that there is a place to go on from.
    acked.extend(said(world, &chats, 1..2, &tag).await?);
    heard_by_all(&crowd, asked.sockets).await;
    let held = crowd.cut().await?;
    acked.extend(said(world, &chats, 2..2 + asked.missed, &tag).await?);

    let mut run = Run::begun();
    let before = Looked::now(world)?;
    let back = come_back(world, asked, &chats, &held, common).await?;
    let after = Looked::now(world)?;
    figures(&before, &after, &back, asked, &mut run)?;

    let (sockets, opened): (Vec<_>, Vec<_>) = back
        .into_iter()
        .map(|back| (back.socket, back.opened))
        .unzip();
    let crowd = Crowd::hold(sockets);
    let last = 2 + asked.missed;
    acked.extend(said(world, &chats, last..last + 1, &tag).await?);
    heard_by_all(&crowd, asked.sockets).await;
    let after_all = crowd.cut().await?;
    run.audit = audited(world, &chats, &tag, &acked, &held, &opened, &after_all).await?;
    Ok(run)
}

fn figures(
    before: &Looked,
    after: &Looked,
    back: &[Back],
    asked: Reconnect,
    run: &mut Run,
) -> Outcome<()> {
    let spent = Spent::between(before, after);
    spent.note(run);
    let sockets = counted(asked.sockets as u64);
    let mut times = Gathered::new()?;
    back.iter().for_each(|back| times.add(back.at_us));
    run.latency("back", &times)?;
    run.figure(
        "tries_again",
        counted(back.iter().map(|back| back.tries).sum()),
    );
    run.figure(
        "cpu_per_reconnect_us",
        spent.server_cpu_ms * 1_000.0 / sockets,
    );
    run.figure(
        "client_cpu_per_reconnect_us",
        spent.client_cpu_ms * 1_000.0 / sockets,
    );
    run.figure(
        "server_peak_rss_mb",
        counted(after.server.peak_rss_kb) / 1_024.0,
    );
    Ok(())
}

/// Discussions of fifty, everybody in one.
async fn groups(world: &World, people: usize) -> Outcome<Vec<Chat>> {
    let people: Vec<u32> = (0..u32::try_from(people).unwrap_or(0)).collect();
    let mut chats = Vec::new();
    for members in people.chunks(GROUP) {
        if members.len() < 2 {
            return Err(Trouble::new("a discussion has two members at least"));
        }
        chats.push(Chat {
            id: world.discussion("Back", members).await?,
            members: members.to_vec(),
            base_seq: 0,
        });
    }
    Ok(chats)
}

/// Sends the messages `which` of every discussion; gives (chat, message) → number.
async fn said(
    world: &World,
    chats: &[Chat],
    which: std::ops::Range<u32>,
    tag: &str,
) -> Outcome<BTreeMap<(u32, u32), u64>> {
    let of_chat = |(at, chat): (u32, &Chat)| {
        let (id, which) = (chat.id.clone(), which.clone());
        let members = chat.members.clone();
        async move {
            let mut sent = Vec::new();
            for index in which {
                // Authors take turns: a person may make 20 calls a second.
                let author = members[index as usize % members.len()];
                let params = json!({
                    "conversation_id": id,
                    "client_msg_id": format!("{tag}{index}"),
                    "text": text(index),
                });
                let answer: Sent = world.call(author as usize, "message.send", &params).await?;
                sent.push(((at, index), answer.seq));
            }
            Ok::<_, Trouble>(sent)
        }
    };
    let sent: Vec<_> = stream::iter((0_u32..).zip(chats).map(of_chat).collect::<Vec<_>>())
        .buffered(GROUP)
        .try_collect()
        .await?;
    Ok(sent.into_iter().flatten().collect())
}

async fn heard_by_all(crowd: &Crowd, sockets: usize) {
    let until = Instant::now() + HEARD_WITHIN;
    while crowd.heard.load(std::sync::atomic::Ordering::SeqCst) < sockets as u64
        && Instant::now() < until
    {
        moment().await;
    }
}

/// Which discussion a person is in.
fn chat_of(person: usize) -> usize {
    person / GROUP
}

async fn come_back(
    world: &World,
    asked: Reconnect,
    chats: &[Chat],
    held: &[Held],
    common: Common,
) -> Outcome<Vec<Back>> {
    let doors = Arc::new(Semaphore::new(
        asked.at_once.unwrap_or(asked.sockets).max(1),
    ));
    let ready = Arc::new(Barrier::new(asked.sockets + 1));
    let mut tasks = Vec::with_capacity(asked.sockets);
    for (socket, held) in held.iter().enumerate() {
        let person = person_of(socket);
        let last = held.heard.iter().map(|heard| heard.seq).max().unwrap_or(0);
        let seen = Seen {
            own: Some(0),
            conversations: BTreeMap::from([(chats[chat_of(person)].id.clone(), last)]),
        };
        let place = world.place(person, common.codec);
        let home = Home {
            server: place.server,
            from: place.from,
            codec: place.codec,
            token: place.token.to_owned(),
            seen,
        };
        tasks.push(tokio::spawn(
            home.come_back(Arc::clone(&doors), Arc::clone(&ready)),
        ));
    }
    ready.wait().await;
    let mut back = Vec::with_capacity(tasks.len());
    for task in tasks {
        back.push(task.await.map_err(Trouble::at("a socket's task"))??);
    }
    Ok(back)
}

/// One client that was cut.
struct Home {
    server: std::net::SocketAddr,
    from: std::net::Ipv4Addr,
    codec: crate::client::frame::Codec,
    token: String,
    seen: Seen,
}

impl Home {
    async fn come_back(self, doors: Arc<Semaphore>, ready: Arc<Barrier>) -> Outcome<Back> {
        ready.wait().await;
        let began = Instant::now();
        let mut tries = 0;
        loop {
            let door = doors.acquire().await.map_err(Trouble::at("coming back"))?;
            let place = Place {
                server: self.server,
                from: self.from,
                codec: self.codec,
                token: &self.token,
            };
            match Socket::open(place, &self.seen).await {
                Ok((socket, opened)) => {
                    let at_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
                    return Ok(Back {
                        socket,
                        opened,
                        at_us,
                        tries,
                    });
                }
                Err(trouble) if tries >= TRIES => return Err(trouble),
                Err(_) => {}
            }
            drop(door);
            tries += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// What a socket heard before the cut, was given when it came back and heard afterwards is one story.
async fn audited(
    world: &World,
    chats: &[Chat],
    tag: &str,
    acked: &BTreeMap<(u32, u32), u64>,
    held: &[Held],
    opened: &[Opened],
    after: &[Held],
) -> Outcome<Findings> {
    let mut findings = Findings::default();
    let mut facts: Vec<Facts> = Vec::with_capacity(chats.len());
    for (at, chat) in (0_u32..).zip(chats) {
        let log = audit::entries(world, chat, tag).await?;
        let of = acked.range((at, 0)..=(at, u32::MAX));
        facts.push(Facts {
            log,
            acked: of
                .map(|((_, index), seq)| (*index, vec![(*index, *seq)]))
                .collect(),
            ..Facts::default()
        });
    }
    for (socket, ((held, opened), after)) in held.iter().zip(opened).zip(after).enumerate() {
        let chat = chat_of(person_of(socket));
        let hearing = story(&chats[chat], tag, (held, opened, after), &mut findings);
        let mut of_socket = facts[chat].clone();
        // The socket was opened after the first entries were written.
        let first = hearing.heard.first().map_or(0, |(seq, _)| *seq);
        of_socket.log.retain(|entry: &Entry| entry.seq >= first);
        of_socket.acked.clear();
        of_socket.open = (0..u32::MAX).take(of_socket.log.len() * 2).collect();
        of_socket.base_seq = first.saturating_sub(1);
        of_socket.hearings = vec![hearing];
        findings.add(judge(&of_socket));
    }
    for of in &facts {
        findings.add(judge(of));
    }
    Ok(findings)
}

fn story(
    chat: &Chat,
    tag: &str,
    (held, opened, after): (&Held, &Opened, &Held),
    findings: &mut Findings,
) -> Hearing {
    for broke in [&held.broke, &after.broke].into_iter().flatten() {
        findings.failed += 1;
        findings.example(|| format!("a socket ended: {broke}"));
    }
    let own = opened.logs.own.as_ref().map(|own| own.state.as_str());
    if own != Some("recovered") {
        findings.failed += 1;
        findings.example(|| format!("the log self was not recovered: {own:?}"));
    }
    let mut heard = planned(&held.heard, tag);
    let resumed = opened.logs.conversations.get(&chat.id);
    match resumed {
        Some(resumed) if resumed.state == "recovered" => {
            heard.extend(planned(&resumed.entries, tag));
        }
        other => {
            findings.failed += 1;
            findings.example(|| format!("a log was not recovered: {other:?}"));
        }
    }
    // Pushes may repeat what was recovered (`docs/methods.md`), and nothing else.
    let last = heard.last().map_or(0, |(seq, _)| *seq);
    heard.extend(
        planned(&after.heard, tag)
            .into_iter()
            .filter(|(seq, _)| *seq > last),
    );
    Hearing {
        heard,
        resynced: held.resyncs + after.resyncs > 0,
    }
}
