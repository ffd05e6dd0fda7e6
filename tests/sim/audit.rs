//! What must be true in the end: every acknowledged message is there once and in order, nobody has more or
//! less than he may see, lists agree with rosters, and unread is what stands behind the read position.

use std::collections::{BTreeMap, BTreeSet};

use chat_core::conversation::rows::{JOINED, MESSAGE, ROSTER, conversation_home};
use chat_core::directory::person::user_home;
use chat_core::directory::session;
use chat_core::effect::letter;
use chat_core::ids::{ConversationId, Id};
use chat_core::message::history;
use chat_core::message::types::{Message, SystemLine};
use serde_json::{Value, json};
use storage::Store;

use crate::client::{direct, id, number};
use crate::life::{self, Life, user};
use crate::plan::PEOPLE;
use crate::run::{Finding, World};

/// Stretches of a log that a person may see; the last one may be open.
type Stays = Vec<(u64, Option<u64>)>;

/// One conversation as the store has it.
struct Truth {
    chat: ConversationId,
    log: Vec<Message>,
    stays: BTreeMap<Id, Stays>,
}

impl Truth {
    /// Where the stay of a present member began.
    fn begins_for(&self, user: Id) -> Option<u64> {
        let (from, until) = self.stays.get(&user)?.last()?;
        until.is_none().then_some(*from)
    }
}

fn wrong<T>(what: String) -> Result<T, Finding> {
    Err(Finding(what))
}

fn failed(error: impl std::fmt::Debug) -> Finding {
    Finding(format!("the store could not be read: {error:?}"))
}

/// Holds all that was said and shown against the store.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) async fn audit(world: &World, life: &Life) -> Result<(), Finding> {
    let store = &life.server.node.store;
    let pairs =
        (0..PEOPLE).flat_map(|one| (one + 1..PEOPLE).map(move |other| direct(one, other).0));
    let mut truths = BTreeMap::new();
    for chat in pairs.chain(world.groups.values().copied()) {
        let truth = read(store, chat).await?;
        dense(&truth)?;
        rosters(store, &truth).await?;
        truths.insert(chat, truth);
    }
    messages(world, &truths)?;
    order(world)?;
    for (who, chat, seq) in &world.book.seen {
        seen(&truths[chat], *who, *seq)?;
    }
    for client in &world.clients {
        views(world, client.device, &truths)?;
    }
    for who in 0..PEOPLE {
        lists(world, life, who, &truths).await?;
    }
    let letters = letter::page(store, None, 1).await.map_err(failed)?;
    if letters.is_empty() {
        Ok(())
    } else {
        wrong("an effect was set aside".to_owned())
    }
}

async fn read(store: &Store, chat: ConversationId) -> Result<Truth, Finding> {
    let head = store
        .head(&conversation_home(chat), &MESSAGE.partition(&()))
        .await
        .map_err(failed)?;
    let log = history::entries(store, chat, 1, head.last.max(1))
        .await
        .map_err(failed)?;
    let mut stays: BTreeMap<Id, Stays> = BTreeMap::new();
    for (at, message) in log.iter().enumerate() {
        let seq = at as u64 + 1;
        let mut come = |users: &[Id]| {
            users
                .iter()
                .for_each(|user| stays.entry(*user).or_default().push((seq, None)));
        };
        match &message.system {
            Some(SystemLine::Created { user_ids }) => {
                come(&[message.author_id][..]);
                come(&user_ids[..]);
            }
            Some(SystemLine::Joined { user_ids }) => come(&user_ids[..]),
            Some(SystemLine::Left {}) => go(&mut stays, message.author_id, seq),
            Some(SystemLine::Removed { user_ids }) => {
                user_ids.iter().for_each(|user| go(&mut stays, *user, seq))
            }
            _ => {}
        }
    }
    if !log.is_empty() && stays.is_empty() {
        // A direct chat: both, for ever.
        let both = (0..PEOPLE)
            .filter(|one| (0..PEOPLE).any(|other| other != *one && direct(*one, other).0 == chat));
        stays = both.map(|who| (user(who), vec![(1, None)])).collect();
    }
    Ok(Truth { chat, log, stays })
}

fn go(stays: &mut BTreeMap<Id, Stays>, user: Id, seq: u64) {
    if let Some(last) = stays.entry(user).or_default().last_mut() {
        last.1 = Some(seq);
    }
}

fn dense(truth: &Truth) -> Result<(), Finding> {
    let mut count = 0;
    let (mut ids, mut texts) = (BTreeSet::new(), BTreeSet::new());
    for (at, message) in truth.log.iter().enumerate() {
        count += u64::from(message.text.is_some());
        if message.seq != at as u64 + 1 || message.count != count {
            return wrong(format!(
                "gap or wrong count at {} of {}",
                at + 1,
                truth.chat
            ));
        }
        let twice = message
            .client_msg_id
            .as_ref()
            .is_some_and(|id| !ids.insert(id))
            || message
                .text
                .as_ref()
                .is_some_and(|text| !texts.insert(text));
        if twice {
            return wrong(format!("doubled: entry {} of {}", message.seq, truth.chat));
        }
    }
    Ok(())
}

/// The roster is what the log tells, and the lists of all people agree with it.
async fn rosters(store: &Store, truth: &Truth) -> Result<(), Finding> {
    for who in 0..PEOPLE {
        let user = user(who);
        let roster = store
            .read(&conversation_home(truth.chat), &ROSTER, &(), &user)
            .await
            .map_err(failed)?;
        let joined = store
            .read(&user_home(user), &JOINED, &(), &truth.chat)
            .await
            .map_err(failed)?;
        let (roster, joined) = (
            roster.map(|row| row.from_seq),
            joined.map(|row| row.from_seq),
        );
        let told = truth.begins_for(user);
        if roster != told || joined != told {
            return wrong(format!(
                "person {who} in {}: the log tells {told:?}, the roster {roster:?}, his list {joined:?}",
                truth.chat
            ));
        }
    }
    Ok(())
}

/// Acknowledged messages are there as they were acknowledged; refused ones are not; nothing else is.
fn messages(world: &World, truths: &BTreeMap<ConversationId, Truth>) -> Result<(), Finding> {
    for (id, written) in &world.book.written {
        let log = &truths
            .get(&written.chat)
            .ok_or_else(|| Finding(format!("{id} is nowhere")))?
            .log;
        let there = log
            .iter()
            .find(|message| message.client_msg_id.as_deref() == Some(id));
        if let Some((_, seq, count)) = written.acknowledged {
            let whole = there.is_some_and(|message| {
                (message.seq, message.count) == (seq, count)
                    && message.author_id == user(written.who)
                    && message.text.as_deref() == Some(&written.text)
            });
            if !whole {
                return wrong(format!(
                    "lost: {id} was acknowledged as {seq} of {}",
                    written.chat
                ));
            }
        } else if there.is_some() && !written.unsure {
            return wrong(format!(
                "{id} is there, and was answered with {:?}",
                written.given_up
            ));
        } else if written.given_up.is_none() {
            return wrong(format!("{id} was never answered"));
        }
    }
    let known = |message: &Message| match &message.client_msg_id {
        Some(id) => world
            .book
            .written
            .get(id)
            .is_some_and(|written| written.chat == message.conversation_id),
        None => message.system.is_some(),
    };
    match truths
        .values()
        .flat_map(|truth| &truth.log)
        .find(|message| !known(message))
    {
        Some(message) => wrong(format!(
            "nobody wrote entry {} of {}",
            message.seq, message.conversation_id
        )),
        None => Ok(()),
    }
}

/// A message that was first sent after another was acknowledged stands behind it.
fn order(world: &World) -> Result<(), Finding> {
    let mut chats: BTreeMap<ConversationId, Vec<(u64, u64, u64)>> = BTreeMap::new();
    for written in world.book.written.values() {
        if let (Some(sent), Some((acknowledged, seq, _))) = (written.sent, written.acknowledged) {
            chats
                .entry(written.chat)
                .or_default()
                .push((seq, sent, acknowledged));
        }
    }
    for (chat, mut all) in chats {
        all.sort_unstable();
        let mut earliest = u64::MAX;
        for (seq, sent, acknowledged) in all.into_iter().rev() {
            if earliest < sent {
                return wrong(format!(
                    "reordered: {seq} of {chat} was sent when a later one was acknowledged"
                ));
            }
            earliest = earliest.min(acknowledged);
        }
    }
    Ok(())
}

fn seen(truth: &Truth, who: usize, seq: u64) -> Result<(), Finding> {
    let stays = truth.stays.get(&user(who));
    let may = stays.is_some_and(|stays| {
        stays
            .iter()
            .any(|(from, until)| *from <= seq && until.is_none_or(|until| seq < until))
    });
    if may {
        return Ok(());
    }
    wrong(format!(
        "person {who} was shown {seq} of {}, and was there {stays:?}",
        truth.chat
    ))
}

/// A client has exactly what its person may see.
fn views(
    world: &World,
    device: usize,
    truths: &BTreeMap<ConversationId, Truth>,
) -> Result<(), Finding> {
    let client = &world.clients[device];
    for (chat, truth) in truths {
        let mine: Vec<&Value> = client
            .logs
            .get(chat)
            .map(|log| log.entries.values().collect())
            .unwrap_or_default();
        let from = truth.begins_for(user(client.who));
        let expected = truth
            .log
            .iter()
            .filter(|message| from.is_some_and(|from| message.seq >= from));
        let expected: Vec<Value> = expected.map(|message| json!(message)).collect();
        if mine.len() != expected.len()
            || mine
                .iter()
                .zip(&expected)
                .any(|(mine, expected)| *mine != expected)
        {
            let numbers = |entries: Vec<&Value>| -> Vec<u64> {
                entries.iter().map(|entry| number(entry, "seq")).collect()
            };
            return wrong(format!(
                "device {device} of person {} has {:?} of {chat}, expected {:?}",
                client.who,
                numbers(mine),
                numbers(expected.iter().collect())
            ));
        }
    }
    Ok(())
}

/// The list of a person: what he is in, and the right unread.
async fn lists(
    world: &World,
    life: &Life,
    who: usize,
    truths: &BTreeMap<ConversationId, Truth>,
) -> Result<(), Finding> {
    let client = &world.clients[who];
    let token = client.tokens.as_ref().map_or("", |tokens| &tokens.access);
    let caller = session::authenticate(&life.server.node.store, token, life.now_ms())
        .await
        .map_err(failed)?;
    let list = life::call(
        &life.server,
        who,
        Some(caller),
        "conversation.list",
        json!({"limit": 200}),
    )
    .await
    .map_err(failed)?;
    let rows = list["items"].as_array().expect("a page");
    let listed: BTreeSet<ConversationId> =
        rows.iter().map(|row| id(row, "conversation_id")).collect();
    let present = truths
        .values()
        .filter(|truth| truth.begins_for(user(who)).is_some());
    if listed != present.map(|truth| truth.chat).collect() {
        return wrong(format!("the list of person {who} is {listed:?}"));
    }
    for row in rows {
        let truth = &truths[&id(row, "conversation_id")];
        unread(world, who, truth, row)?;
        let read_seq = number(row, "read_seq");
        for client in world.clients.iter().filter(|client| client.who == who) {
            let begun = number(row, "from_seq") - 1;
            let mine = client
                .read
                .get(&truth.chat)
                .copied()
                .unwrap_or(0)
                .max(begun);
            if mine != read_seq {
                return wrong(format!(
                    "device {} has read {} up to {mine}, its list says {read_seq}",
                    client.device, truth.chat
                ));
            }
        }
    }
    Ok(())
}

fn unread(world: &World, who: usize, truth: &Truth, row: &Value) -> Result<(), Finding> {
    let from = truth.begins_for(user(who)).expect("present");
    let (read_seq, unread) = (number(row, "read_seq"), number(row, "unread"));
    let texts = truth.log.iter().filter(|message| message.text.is_some());
    let behind = texts
        .clone()
        .filter(|message| message.seq > read_seq)
        .count() as u64;
    let own = texts.filter(|message| message.author_id == user(who) && message.seq >= from);
    let own = own.map(|message| message.seq).max().unwrap_or(0);
    let (answered, tried) = world
        .book
        .read
        .get(&(who, truth.chat))
        .copied()
        .unwrap_or_default();
    let (least, most) = (
        (from - 1).max(own).max(answered),
        (from - 1).max(own).max(tried),
    );
    let heads =
        number(row, "head_seq") == truth.log.len() as u64 && number(row, "from_seq") == from;
    if unread == behind && heads && (least..=most).contains(&read_seq) {
        return Ok(());
    }
    wrong(format!(
        "wrong unread: person {who} in {}: {unread}, {behind} stand behind {read_seq}, which is between {least} and {most}: {row}",
        truth.chat
    ))
}
