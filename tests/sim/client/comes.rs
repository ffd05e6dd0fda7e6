//! What a client does with what the server sends: pushes, answers, refusals.

use std::collections::BTreeMap;

use axum::extract::ws::Message;
use chat_core::ids::ConversationId;
use serde_json::Value;
use world::Codec;

use super::{BEAT_MS, Call, Client, Log, RETRY_MS, id, number};
use crate::book::Book;

impl Client {
    pub(super) fn takes(&mut self, message: &Message, now_ms: i64, book: &mut Book) {
        let frame: Value = match (self.codec, message) {
            (Codec::Json, Message::Text(text)) => serde_json::from_str(text).expect("JSON"),
            (Codec::Msgpack, Message::Binary(bytes)) => {
                rmp_serde::from_slice(bytes).expect("MessagePack")
            }
            (_, Message::Close(close)) => {
                if close.as_ref().is_some_and(|close| close.code == 4401) {
                    self.needs_tokens();
                }
                return;
            }
            other => return book.complain(format!("a frame of the other codec: {other:?}")),
        };
        if let Some(event) = frame[0].as_str() {
            self.pushed(event, &frame[1], now_ms, book);
        } else if let Some(id) = frame[0].as_u64().filter(|id| *id > 0) {
            let id = u32::try_from(id).expect("an id of ours");
            let Some(call) = self.calls.remove(&id) else {
                return book.complain(format!("call {id} was answered twice or never made"));
            };
            match frame[1] == true {
                true => self.answered(call, &frame[2], now_ms, book),
                false => self.refused(call, &frame[2], now_ms, book),
            }
        }
    }

    fn pushed(&mut self, event: &str, data: &Value, now_ms: i64, book: &mut Book) {
        match event {
            "message.created" => {
                let message = &data["message"];
                let chat = id(message, "conversation_id");
                book.seen.insert((self.who, chat, number(message, "seq")));
                match self.logs.get_mut(&chat) {
                    Some(log) => {
                        log.entries.insert(number(message, "seq"), message.clone());
                        log.wanted |= log.has_gap();
                    }
                    None => self.begins(chat),
                }
            }
            "self.appended" => match number(data, "seq") {
                seq if seq <= self.self_seq => {}
                seq if seq == self.self_seq + 1 => self.happened(data),
                // A gap in the log `self`: come back and resume.
                _ => self.comes_back(now_ms, book),
            },
            "connection.resync" => {
                book.stats.resyncs += 1;
                self.comes_back(now_ms, book);
            }
            "connection.expiring" => self.expiring = true,
            _ => {}
        }
    }

    fn comes_back(&mut self, now_ms: i64, book: &mut Book) {
        self.hangs_up(now_ms, book);
        self.connect_at = now_ms;
    }

    /// Loads a conversation from its beginning.
    fn begins(&mut self, chat: ConversationId) {
        self.made += 1;
        let log = Log {
            wanted: true,
            made: self.made,
            ..Log::default()
        };
        self.logs.insert(chat, log);
    }

    fn happened(&mut self, entry: &Value) {
        self.self_seq = number(entry, "seq");
        let chat = id(entry, "conversation_id");
        match entry["what"].as_str() {
            Some("joined") => self.begins(chat),
            Some("left") => {
                self.logs.remove(&chat);
                self.read.remove(&chat);
            }
            Some("read") => {
                let read = self.read.entry(chat).or_default();
                *read = number(entry, "read_seq").max(*read);
            }
            _ => {}
        }
    }

    fn answered(&mut self, call: Call, result: &Value, now_ms: i64, book: &mut Book) {
        match call {
            Call::Open => {
                self.open = true;
                self.beat_at = now_ms + BEAT_MS;
                self.resumes(&result["logs"], book);
            }
            Call::Renew => {}
            Call::Send(id) => {
                let message = &result["message"];
                book.acknowledged(&id, number(message, "seq"), number(message, "count"));
                self.outbox.retain(|draft| draft.id != id);
            }
            Call::Change(key) => self.changes.retain(|change| change.key != key),
            Call::Read(chat) => {
                let read = &mut book.read.entry((self.who, chat)).or_default().0;
                *read = number(result, "read_seq").max(*read);
            }
            Call::Load(chat, made) => self.loaded(chat, made, result, book),
            Call::List(self_seq) if self_seq == self.self_seq => self.listed(result),
            // Something happened to oneself meanwhile: the list may be older.
            Call::List(_) => {}
        }
    }

    fn resumes(&mut self, logs: &Value, book: &mut Book) {
        for (chat, resumed) in logs["conversations"].as_object().into_iter().flatten() {
            let chat = chat.parse().expect("an id");
            match resumed["state"].as_str() {
                Some("recovered") => {
                    let entries = resumed["entries"].as_array().expect("entries");
                    book.stats.recovered += u64::from(!entries.is_empty());
                    self.keeps(chat, entries, book);
                }
                Some("reload") => {
                    book.stats.reloads += 1;
                    self.begins(chat);
                }
                _ => drop(self.logs.remove(&chat)),
            }
        }
        match logs["self"]["state"].as_str() {
            Some("recovered") => {
                for entry in logs["self"]["entries"].as_array().expect("entries") {
                    self.happened(entry);
                }
            }
            _ => {
                self.self_seq = number(&logs["self"], "head_seq");
                self.wants_list = true;
            }
        }
    }

    fn keeps(&mut self, chat: ConversationId, entries: &[Value], book: &mut Book) {
        let Some(log) = self.logs.get_mut(&chat) else {
            return;
        };
        for entry in entries {
            book.seen.insert((self.who, chat, number(entry, "seq")));
            log.entries.insert(number(entry, "seq"), entry.clone());
        }
    }

    fn loaded(&mut self, chat: ConversationId, made: u64, page: &Value, book: &mut Book) {
        let items = page["items"].as_array().expect("a page");
        let Some(log) = self.logs.get_mut(&chat).filter(|log| log.made == made) else {
            return;
        };
        let first = items.first().map_or(0, |item| number(item, "seq"));
        if first > log.whole_until() + 1 {
            // What one had is of an earlier membership.
            log.entries = log.entries.split_off(&first);
        }
        (log.busy, log.loaded) = (false, true);
        self.keeps(chat, items, book);
        if let Some(log) = self.logs.get_mut(&chat) {
            log.wanted |= page["more_after"] == true || log.has_gap();
        }
    }

    fn listed(&mut self, page: &Value) {
        self.wants_list = false;
        let rows = page["items"].as_array().expect("a page");
        let listed: BTreeMap<ConversationId, u64> = rows
            .iter()
            .map(|row| (id(row, "conversation_id"), number(row, "read_seq")))
            .collect();
        self.logs.retain(|chat, _| listed.contains_key(chat));
        for chat in listed.keys() {
            if !self.logs.contains_key(chat) {
                self.begins(*chat);
            }
        }
        self.read = listed;
    }

    fn refused(&mut self, call: Call, error: &Value, now_ms: i64, book: &mut Book) {
        let (class, code) = (
            error["class"].as_str().unwrap_or(""),
            error["code"].as_str().unwrap_or(""),
        );
        let passing = matches!(class, "unavailable" | "limited" | "unknown" | "internal");
        book.stats.failed_calls += u64::from(passing && class != "limited");
        if class == "internal" {
            book.complain(format!("an internal error: {error}"));
        }
        if passing {
            let wait_ms = error["retry_after_ms"].as_i64().unwrap_or(RETRY_MS);
            self.hold_until = now_ms + wait_ms.max(1);
        }
        match call {
            Call::Open => {
                if class == "unauthenticated" {
                    self.needs_tokens();
                }
                self.hangs_up(now_ms, book);
            }
            Call::Renew => self.renew = passing && class != "unknown",
            Call::Send(id) => {
                if let Some(written) = book.written.get_mut(&id) {
                    written.unsure |= matches!(class, "unknown" | "internal");
                    if !passing {
                        written.given_up = Some(code.to_owned());
                        book.stats.expired_ids += u64::from(code == "expired");
                    }
                }
                match passing {
                    true => self
                        .outbox
                        .iter_mut()
                        .filter(|draft| draft.id == id)
                        .for_each(|draft| draft.under_way = false),
                    false => self.outbox.retain(|draft| draft.id != id),
                }
            }
            Call::Change(key) => match passing {
                true => self
                    .changes
                    .iter_mut()
                    .for_each(|change| change.under_way = false),
                false => self.changes.retain(|change| change.key != key),
            },
            Call::Load(chat, made) => {
                let Some(log) = self.logs.get_mut(&chat).filter(|log| log.made == made) else {
                    return;
                };
                (log.busy, log.wanted) = (false, true);
                if !passing {
                    self.logs.remove(&chat);
                }
            }
            Call::Read(_) | Call::List(_) => {}
        }
    }
}
