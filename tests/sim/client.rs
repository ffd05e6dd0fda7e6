//! A client as the contract means it, without I/O: it keeps what is pushed, finds gaps by the numbers,
//! resumes with cursors, loads anew when told to, keeps what it wrote until it is answered.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::extract::ws::Message;
use chat_core::ids::{ConversationId, Id, UserId};
use serde_json::{Value, json};
use world::{Codec, Dice};

use crate::book::{Book, Written};
use crate::life::{space, user};
use crate::pipe::Line;
use crate::run::Broken;

mod comes;

/// How long a refused call waits before it is made again.
const RETRY_MS: i64 = 300;
/// A client's heartbeat (wire contract).
const BEAT_MS: i64 = 30_000;
/// Entries of a page: few, so that histories take several.
const PAGE: usize = 25;

/// A pair of tokens.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) access_until: i64,
    pub(crate) refresh: String,
}

/// Where answers over HTTP arrive: tokens, "sign in again", or nothing (try later).
pub(crate) type Mail = Arc<Mutex<VecDeque<Option<Result<Tokens, ()>>>>>;

/// What a client asks of the world around it.
pub(crate) enum Ask {
    Connect,
    SignIn,
    Refresh(String),
}

/// What a client keeps of one conversation.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) entries: BTreeMap<u64, Value>,
    loaded: bool,
    wanted: bool,
    busy: bool,
    made: u64,
}

impl Log {
    /// The number up to which nothing is missing.
    fn whole_until(&self) -> u64 {
        let Some(mut seq) = self.entries.keys().next().copied() else {
            return 0;
        };
        while self.entries.contains_key(&(seq + 1)) {
            seq += 1;
        }
        seq
    }

    fn has_gap(&self) -> bool {
        self.entries
            .last_key_value()
            .is_some_and(|(last, _)| *last != self.whole_until())
    }
}

struct Draft {
    id: String,
    chat: ConversationId,
    peer: Option<UserId>,
    text: String,
    under_way: bool,
}

/// A change of a discussion, made again with the same key until it is answered.
struct Change {
    key: String,
    method: &'static str,
    params: Value,
    under_way: bool,
}

enum Call {
    Open,
    Renew,
    Send(String),
    Change(String),
    Read(ConversationId),
    Load(ConversationId, u64),
    List(u64),
}

/// A client.
pub(crate) struct Client {
    pub(crate) who: usize,
    pub(crate) device: usize,
    pub(crate) tokens: Option<Tokens>,
    pub(crate) mail: Mail,
    pub(crate) online: bool,
    pub(crate) reads: bool,
    pub(crate) line: Option<Line>,
    pub(crate) logs: BTreeMap<ConversationId, Log>,
    pub(crate) read: BTreeMap<ConversationId, u64>,
    codec: Codec,
    /// Sends one message after the other; else all at once.
    patient: bool,
    broken: Broken,
    asking: bool,
    open: bool,
    expiring: bool,
    renew: bool,
    calls: BTreeMap<u32, Call>,
    next_call: u32,
    connect_at: i64,
    /// Not before then is a refused call made again; 0: nothing was refused.
    hold_until: i64,
    beat_at: i64,
    self_seq: u64,
    wants_list: bool,
    made: u64,
    outbox: VecDeque<Draft>,
    changes: VecDeque<Change>,
    dice: Dice,
}

impl Client {
    /// Device number `device` of person `who`.
    pub(crate) fn new(who: usize, device: usize, seed: u64, broken: Broken) -> Self {
        let mut dice = Dice::seeded(seed.wrapping_mul(1_000).wrapping_add(device as u64));
        Self {
            who,
            device,
            tokens: None,
            mail: Mail::default(),
            online: false,
            reads: true,
            line: None,
            logs: BTreeMap::new(),
            read: BTreeMap::new(),
            codec: *dice.one(&Codec::BOTH),
            patient: dice.below(2) == 0,
            broken,
            asking: false,
            open: false,
            expiring: false,
            renew: false,
            calls: BTreeMap::new(),
            next_call: 0,
            connect_at: 0,
            hold_until: 0,
            beat_at: 0,
            self_seq: 0,
            wants_list: false,
            made: 0,
            outbox: VecDeque::new(),
            changes: VecDeque::new(),
            dice,
        }
    }

    /// How it writes.
    pub(crate) fn server_codec(&self) -> chat_core::api::Codec {
        match self.codec {
            Codec::Json => chat_core::api::Codec::Json,
            Codec::Msgpack => chat_core::api::Codec::Msgpack,
        }
    }

    /// Whether nothing is left to do.
    pub(crate) fn rests(&self) -> bool {
        let loaded = |log: &Log| log.loaded && !log.wanted && !log.busy;
        self.open
            && !self.wants_list
            && self.calls.is_empty()
            && self.outbox.is_empty()
            && self.changes.is_empty()
            && self.logs.values().all(loaded)
    }

    /// What is left to do.
    pub(crate) fn shown(&self) -> String {
        let busy: Vec<_> = self
            .logs
            .iter()
            .filter(|(_, log)| !log.loaded || log.wanted || log.busy)
            .map(|(id, _)| *id)
            .collect();
        format!(
            "device {} open {} calls {} outbox {} changes {} list {} logs {busy:?}",
            self.device,
            self.open,
            self.calls.len(),
            self.outbox.len(),
            self.changes.len(),
            self.wants_list
        )
    }

    // ---- what its user does

    /// Writes a message.
    pub(crate) fn writes(
        &mut self,
        chat: ConversationId,
        peer: Option<UserId>,
        text: String,
        now_ms: i64,
        book: &mut Book,
    ) {
        let id = Id::v7(now_ms, self.ten()).to_string();
        let written = Written {
            who: self.who,
            chat,
            text: text.clone(),
            sent: None,
            acknowledged: None,
            unsure: false,
            given_up: None,
        };
        book.written.insert(id.clone(), written);
        self.outbox.push_back(Draft {
            id,
            chat,
            peer,
            text,
            under_way: false,
        });
    }

    /// Reads all but the last `behind` of what it has.
    pub(crate) fn marks(&mut self, chat: ConversationId, behind: u64, book: &mut Book) {
        let last = self.logs.get(&chat).map_or(0, Log::whole_until);
        let seq = last.saturating_sub(behind);
        if self.open && seq > 0 {
            let tried = &mut book.read.entry((self.who, chat)).or_default().1;
            *tried = seq.max(*tried);
            let params = json!({"conversation_id": chat, "seq": seq});
            self.call("conversation.mark_read", params, None, Call::Read(chat));
        }
    }

    /// Changes a discussion.
    pub(crate) fn changes(
        &mut self,
        method: &'static str,
        params: Value,
        key: Option<String>,
        now_ms: i64,
    ) {
        let key = key.unwrap_or_else(|| Id::v7(now_ms, self.ten()).to_string());
        self.changes.push_back(Change {
            key,
            method,
            params,
            under_way: false,
        });
    }

    /// Ends all other sessions of its person.
    pub(crate) fn ends_others(&mut self, now_ms: i64) {
        self.changes("session.revoke_others", json!({}), None, now_ms);
    }

    /// Forgets what it loaded.
    pub(crate) fn forgets(&mut self, now_ms: i64, book: &mut Book) {
        self.hangs_up(now_ms, book);
        self.logs.clear();
        self.read.clear();
        self.self_seq = 0;
    }

    fn ten(&mut self) -> [u8; 10] {
        let (one, other) = (
            self.dice.roll().to_be_bytes(),
            self.dice.roll().to_be_bytes(),
        );
        std::array::from_fn(|at| if at < 8 { one[at] } else { other[at - 8] })
    }

    // ---- its connection

    /// Cuts its connection; what was under way is not known.
    pub(crate) fn hangs_up(&mut self, now_ms: i64, book: &mut Book) {
        drop(self.take_line(now_ms, book));
    }

    /// Lets go of its connection without cutting it.
    pub(crate) fn take_line(&mut self, now_ms: i64, book: &mut Book) -> Option<Line> {
        for draft in &mut self.outbox {
            if std::mem::take(&mut draft.under_way)
                && let Some(written) = book.written.get_mut(&draft.id)
            {
                written.unsure = true;
            }
        }
        self.changes
            .iter_mut()
            .for_each(|change| change.under_way = false);
        for log in self.logs.values_mut() {
            log.wanted |= std::mem::take(&mut log.busy);
        }
        self.calls.clear();
        (self.open, self.expiring, self.renew) = (false, false, false);
        self.connect_at = now_ms + 200 + self.dice.below(1_800) as i64;
        self.line.take()
    }

    /// The server's machine is gone: answers over HTTP do not come either.
    pub(crate) fn loses_server(&mut self, now_ms: i64, book: &mut Book) {
        self.hangs_up(now_ms, book);
        self.asking = false;
        self.mail = Mail::default();
    }

    /// When it wants to be asked again.
    pub(crate) fn wakes_at(&self) -> i64 {
        match (&self.line, self.open) {
            (None, _) if self.online && !self.asking => self.connect_at,
            (Some(_), true) if self.hold_until > 0 => self.beat_at.min(self.hold_until),
            (Some(_), true) => self.beat_at,
            _ => i64::MAX,
        }
    }

    /// Does what can be done now; tells whether it did anything.
    pub(crate) fn goes_on(&mut self, now_ms: i64, book: &mut Book, asks: &mut Vec<Ask>) -> bool {
        let mut did = self.takes_mail(now_ms);
        while self.reads
            && let Some(message) = self.line.as_ref().and_then(Line::take)
        {
            did = true;
            self.takes(&message, now_ms, book);
        }
        if self.line.as_ref().is_some_and(Line::ended) {
            self.hangs_up(now_ms, book);
        }
        if self.line.is_none() {
            return did | self.comes(now_ms, asks);
        }
        if now_ms >= self.hold_until {
            self.hold_until = 0;
        }
        if !self.open {
            return did;
        }
        if now_ms >= self.beat_at {
            self.beat_at = now_ms + BEAT_MS;
            self.frame(&json!([0]));
        }
        if self.hold_until > 0 {
            return did;
        }
        if self.expiring
            && !self.asking
            && let Some(tokens) = &self.tokens
        {
            asks.push(Ask::Refresh(tokens.refresh.clone()));
            (self.asking, self.expiring) = (true, false);
        }
        if std::mem::take(&mut self.renew)
            && let Some(tokens) = &self.tokens
        {
            let params = json!({"token": tokens.access});
            self.call("connection.renew", params, None, Call::Renew);
        }
        self.asks_for_logs();
        self.sends(book);
        did
    }

    fn takes_mail(&mut self, now_ms: i64) -> bool {
        let Some(letter) = self
            .mail
            .lock()
            .expect("nothing panics with it")
            .pop_front()
        else {
            return false;
        };
        self.asking = false;
        match letter {
            Some(Ok(tokens)) => {
                self.tokens = Some(tokens);
                self.renew = self.open;
                self.connect_at = self.connect_at.min(now_ms);
            }
            Some(Err(())) => self.tokens = None,
            None => {
                (self.connect_at, self.hold_until) = (now_ms + RETRY_MS, now_ms + RETRY_MS);
                // Asked again in time, or at the next opening.
                self.expiring = self.open;
            }
        }
        true
    }

    fn comes(&mut self, now_ms: i64, asks: &mut Vec<Ask>) -> bool {
        if !self.online || self.asking || now_ms < self.connect_at {
            return false;
        }
        let ask = match &self.tokens {
            None => Ask::SignIn,
            Some(tokens) if tokens.access_until <= now_ms => Ask::Refresh(tokens.refresh.clone()),
            Some(_) => Ask::Connect,
        };
        self.asking = !matches!(ask, Ask::Connect);
        asks.push(ask);
        true
    }

    /// The access token is good no more.
    fn needs_tokens(&mut self) {
        if let Some(tokens) = &mut self.tokens {
            tokens.access_until = 0;
        }
    }

    /// Opens its new connection with what it has seen.
    pub(crate) fn opens(&mut self, line: Line) {
        self.line = Some(line);
        let cursors = self
            .logs
            .iter()
            .filter(|(_, log)| log.loaded && !log.entries.is_empty());
        let cursors: BTreeMap<_, _> = cursors
            .map(|(chat, log)| (*chat, log.whole_until()))
            .collect();
        let token = self.tokens.as_ref().map_or("", |tokens| &tokens.access);
        let params = json!({
            "token": token, "device_id": self.device.to_string(), "client": "sim 1", "locale": "zh-CN",
            "self_seq": self.self_seq, "cursors": cursors,
        });
        self.call("connection.open", params, None, Call::Open);
    }

    fn call(&mut self, method: &str, params: Value, key: Option<&str>, call: Call) {
        self.next_call += 1;
        let frame = match key {
            Some(key) => json!([self.next_call, method, params, key]),
            None => json!([self.next_call, method, params]),
        };
        self.calls.insert(self.next_call, call);
        self.frame(&frame);
    }

    fn frame(&self, value: &Value) {
        if let Some(line) = &self.line {
            line.send(match self.codec {
                Codec::Json => Message::Text(value.to_string().into()),
                Codec::Msgpack => {
                    let bytes = rmp_serde::to_vec_named(value).expect("a value is MessagePack");
                    Message::Binary(bytes.into())
                }
            });
        }
    }

    fn asks_for_logs(&mut self) {
        let page = |(chat, log): (&ConversationId, &mut Log)| {
            if !log.wanted || log.busy {
                return None;
            }
            (log.wanted, log.busy) = (false, true);
            Some((
                *chat,
                log.made,
                if log.loaded { log.whole_until() } else { 0 },
            ))
        };
        let pages: Vec<_> = self.logs.iter_mut().filter_map(page).collect();
        for (chat, made, after) in pages {
            let params = json!({"conversation_id": chat, "after": after, "limit": PAGE});
            self.call("message.list", params, None, Call::Load(chat, made));
        }
        if self.wants_list
            && !self
                .calls
                .values()
                .any(|call| matches!(call, Call::List(_)))
        {
            let call = Call::List(self.self_seq);
            self.call("conversation.list", json!({"limit": 200}), None, call);
        }
    }

    fn sends(&mut self, book: &mut Book) {
        let mut calls = Vec::new();
        let most = if self.patient { 1 } else { 20 };
        for draft in self
            .outbox
            .iter_mut()
            .take(most)
            .filter(|draft| !draft.under_way)
        {
            draft.under_way = true;
            if self.broken == Broken::ResendsUnderANewId && book.written[&draft.id].sent.is_some() {
                let written = book.written[&draft.id].clone();
                if let Some(before) = book.written.get_mut(&draft.id) {
                    before.given_up = Some("renamed".to_owned());
                }
                draft.id = format!("{}x", draft.id);
                book.written.insert(draft.id.clone(), written);
            }
            book.sends(&draft.id);
            let mut params = json!({
                "conversation_id": draft.chat, "client_msg_id": draft.id, "text": draft.text,
            });
            if let Some(peer) = draft.peer {
                params["peer_id"] = json!(peer);
            }
            calls.push(("message.send", params, None, Call::Send(draft.id.clone())));
        }
        if let Some(change) = self.changes.front_mut().filter(|change| !change.under_way) {
            change.under_way = true;
            let key = change.key.clone();
            calls.push((
                change.method,
                change.params.clone(),
                Some(key.clone()),
                Call::Change(key),
            ));
        }
        for (method, params, key, call) in calls {
            self.call(method, params, key.as_deref(), call);
        }
    }
}

/// Whom a direct chat is with, and its id.
pub(crate) fn direct(who: usize, with: usize) -> (ConversationId, UserId) {
    (Id::direct(space(), user(who), user(with)), user(with))
}

pub(crate) fn number(value: &Value, name: &str) -> u64 {
    value[name]
        .as_u64()
        .unwrap_or_else(|| panic!("{name} of {value}"))
}

pub(crate) fn id(value: &Value, name: &str) -> Id {
    let text = value[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} of {value}"));
    text.parse().expect("an id")
}
