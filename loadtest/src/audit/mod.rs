//! After every run: what the server lists now is compared with what it acknowledged and pushed, for
//! every conversation and every person. A figure of a run that lost a message is worth nothing.

pub(crate) mod judge;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::frame::Heard;
use crate::talk::{Chat, Record, Talk, Told, planned_index};
use crate::trouble::{Outcome, Trouble};
use crate::world::{World, moment};
use judge::{Entry, Facts, Findings, Hearing, judge};

/// Conversations or people that are looked at at the same time.
const AT_ONCE: usize = 16;
/// Entries of one page (wire contract).
const PAGE: u64 = 200;
/// A sender's read position is written a second after his message; a busy machine gets the rest.
const UNREAD_WITHIN: Duration = Duration::from_secs(8);

#[derive(Deserialize)]
struct Page {
    items: Vec<Heard>,
    more_after: bool,
}

#[derive(Deserialize)]
struct Rows {
    items: Vec<Row>,
    #[serde(default)]
    next: Option<String>,
}

/// A conversation in somebody's list.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Row {
    conversation_id: String,
    count: u64,
    read_count: u64,
    unread: u64,
}

/// What each person had read in each conversation of the run, counted, before it began.
pub(crate) type Read = BTreeMap<(u32, u32), u64>;

/// The entries of a conversation after `base_seq`, as a member is told them.
///
/// # Errors
/// A refusal.
pub(crate) async fn entries(world: &World, chat: &Chat, tag: &str) -> Outcome<Vec<Entry>> {
    let member = *chat
        .members
        .first()
        .ok_or_else(|| Trouble::new("nobody may read it"))?;
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map_or(chat.base_seq, |entry| entry.seq);
        let params = json!({"conversation_id": chat.id, "after": after, "limit": PAGE});
        let page: Page = world.call(member as usize, "message.list", &params).await?;
        let more = page.more_after && !page.items.is_empty();
        entries.extend(page.items.into_iter().map(|item| Entry {
            seq: item.seq,
            count: item.count,
            index: planned_index(item.client_msg_id.as_deref(), tag),
        }));
        if !more {
            return Ok(entries);
        }
    }
}

/// One's conversations.
///
/// # Errors
/// A refusal.
async fn rows(world: &World, person: u32) -> Outcome<BTreeMap<String, Row>> {
    let mut found = BTreeMap::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut params = json!({"limit": PAGE});
        if let Some(cursor) = &cursor {
            params["cursor"] = Value::from(cursor.as_str());
        }
        let page: Rows = world
            .call(person as usize, "conversation.list", &params)
            .await?;
        found.extend(
            page.items
                .into_iter()
                .map(|row| (row.conversation_id.clone(), row)),
        );
        cursor = page.next;
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

/// How far everybody has read before the run.
///
/// # Errors
/// A refusal.
pub(crate) async fn read_before(world: &World, chats: &[Chat]) -> Outcome<Read> {
    let people: BTreeSet<u32> = chats
        .iter()
        .flat_map(|chat| chat.members.iter().copied())
        .collect();
    let lists: Vec<(u32, BTreeMap<String, Row>)> = stream::iter(people)
        .map(|person| async move { Ok::<_, Trouble>((person, rows(world, person).await?)) })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut read = Read::new();
    for (person, list) in &lists {
        for (at, chat) in (0_u32..).zip(chats) {
            let count = list.get(&chat.id).map_or(0, |row| row.read_count);
            if chat.members.contains(person) {
                read.insert((*person, at), count);
            }
        }
    }
    Ok(read)
}

/// Audits a talk.
///
/// # Errors
/// The server does not list what it has.
pub(crate) async fn talk(
    world: &World,
    talk: &Talk,
    told: &Told,
    read: &Read,
) -> Outcome<Findings> {
    let logs: Vec<Vec<Entry>> = stream::iter(&talk.chats)
        .map(|chat| entries(world, chat, &told.tag))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut findings = Findings::default();
    for (at, log) in (0_u32..).zip(&logs) {
        findings.add(judge(&facts(talk, &told.records, at, log)));
    }
    for (person, record) in told.records.iter().enumerate() {
        failures(person, record, &mut findings);
    }
    let mut expected = read.clone();
    for ((person, chat), read) in &mut expected {
        let own = logs[*chat as usize].iter().filter(|entry| {
            entry
                .index
                .is_some_and(|index| talk.plan[index as usize].author == *person)
        });
        // Who sends has read up to his own message.
        *read = own
            .map(|entry| entry.count)
            .chain([*read])
            .max()
            .unwrap_or(0);
    }
    findings.add(unread(world, &talk.chats, &expected).await?);
    findings.add(marked(world, talk, &logs, expected).await?);
    Ok(findings)
}

fn facts(talk: &Talk, records: &[Record], chat: u32, log: &[Entry]) -> Facts {
    let of = &talk.chats[chat as usize];
    let mut facts = Facts {
        base_seq: of.base_seq,
        log: log.to_vec(),
        ..Facts::default()
    };
    for member in &of.members {
        let record = &records[*member as usize];
        let here = |index: u32| talk.plan[index as usize].conversation == chat;
        let acked: BTreeMap<u32, u64> = record
            .acked
            .iter()
            .filter(|acked| here(acked.index))
            .map(|acked| (acked.index, acked.seq))
            .collect();
        let answered: BTreeSet<u32> = record
            .refused
            .iter()
            .filter(|(_, why)| !why.starts_with("unknown"))
            .map(|(index, _)| *index)
            .collect();
        let open = record.left.iter().map(|(index, _)| *index);
        facts.open.extend(open.filter(|index| {
            here(*index) && !acked.contains_key(index) && !answered.contains(index)
        }));
        // Numbers of the plan are in the order of sending.
        facts.acked.insert(*member, acked.into_iter().collect());
        let heard = record.heard.iter().filter(|note| note.chat == chat);
        facts.hearings.push(Hearing {
            heard: heard.map(|note| (note.seq, note.index)).collect(),
            resynced: record.resyncs > 0,
        });
    }
    facts
}

fn failures(person: usize, record: &Record, findings: &mut Findings) {
    if let Some(why) = &record.broke {
        findings.failed += 1;
        findings.example(|| format!("the socket of person {person} ended: {why}"));
    }
    findings.failed += record.refused.len() as u64;
    if let Some((index, why)) = record.refused.first() {
        findings.example(|| format!("message {index} was refused: {why}"));
    }
}

/// Half of the people mark everything read; then nothing is unread to them, and to the others as much
/// as before.
async fn marked(
    world: &World,
    talk: &Talk,
    logs: &[Vec<Entry>],
    mut expected: Read,
) -> Outcome<Findings> {
    let readers: Vec<(u32, u32)> = expected
        .keys()
        .copied()
        .filter(|(person, chat)| person % 2 == 0 && !logs[*chat as usize].is_empty())
        .collect();
    let mark = |(person, chat): (u32, u32)| async move {
        let of = &talk.chats[chat as usize];
        let seq = logs[chat as usize].last().map_or(0, |entry| entry.seq);
        let params = json!({"conversation_id": of.id, "seq": seq});
        world
            .call::<Value>(person as usize, "conversation.mark_read", &params)
            .await
    };
    stream::iter(readers.clone())
        .map(mark)
        .buffered(AT_ONCE)
        .try_for_each(|_| async { Ok(()) })
        .await?;
    for reader in readers {
        let last = logs[reader.1 as usize]
            .last()
            .map_or(0, |entry| entry.count);
        expected.insert(reader, last);
    }
    unread(world, &talk.chats, &expected).await
}

/// Compares everybody's list with what he should have unread.
async fn unread(world: &World, chats: &[Chat], expected: &Read) -> Outcome<Findings> {
    let people: BTreeSet<u32> = expected.keys().map(|(person, _)| *person).collect();
    let found: Vec<Findings> = stream::iter(people)
        .map(|person| unread_of(world, chats, expected, person))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut findings = Findings::default();
    found.into_iter().for_each(|of| findings.add(of));
    Ok(findings)
}

async fn unread_of(
    world: &World,
    chats: &[Chat],
    expected: &Read,
    person: u32,
) -> Outcome<Findings> {
    let until = Instant::now() + UNREAD_WITHIN;
    loop {
        let list = rows(world, person).await?;
        let mut findings = Findings::default();
        for ((_, chat), read) in expected.range((person, 0)..=(person, u32::MAX)) {
            let Some(row) = list.get(&chats[*chat as usize].id) else {
                // A direct chat without a message stands in no list.
                continue;
            };
            let due = row.count.saturating_sub(*read);
            if row.unread != due {
                findings.unread_wrong += 1;
                findings
                    .example(|| format!("person {person} has {} unread and not {due}", row.unread));
            }
        }
        if findings.is_clean() || Instant::now() > until {
            return Ok(findings);
        }
        for _ in 0..25 {
            moment().await;
        }
    }
}
