//! A client as the contract means it: it keeps what is pushed, finds gaps by the numbers, resumes with
//! cursors, loads anew when told to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use world::{Codec, Device, Opening, Person, Refusal, Tokens};

/// What the machine keeps for a client that does not read.
const LITTLE: u32 = 4_096;

/// What a client keeps of one conversation: entry by number.
pub(super) type Log = BTreeMap<u64, Value>;

/// A message that was not acknowledged yet.
#[derive(Clone)]
pub(super) struct Pending {
    pub(super) chat: String,
    pub(super) params: Value,
}

/// A client as the contract means it.
pub(super) struct Client {
    pub(super) who: usize,
    pub(super) person: Person,
    pub(super) tokens: Tokens,
    pub(super) codec: Codec,
    pub(super) device: Option<Device>,
    /// Pushes of the device that were looked at.
    pub(super) looked_at: usize,
    pub(super) logs: BTreeMap<String, Log>,
    pub(super) self_seq: u64,
    pub(super) pending: Vec<Pending>,
    /// What happened to it, so that a plan in which nothing happens is found out.
    pub(super) met: BTreeSet<&'static str>,
}

/// The numbers up to which nothing is missing.
fn whole_until(log: &Log) -> u64 {
    let Some(mut seq) = log.keys().next().copied() else {
        return 0;
    };
    while log.contains_key(&(seq + 1)) {
        seq += 1;
    }
    seq
}

pub(super) fn number(value: &Value, name: &str) -> u64 {
    value[name]
        .as_u64()
        .unwrap_or_else(|| panic!("{name} of {value}"))
}

impl Client {
    /// A further device of `person`, who is the `who`-th; it has seen nothing yet.
    pub(super) async fn new(who: usize, person: &Person, codec: Codec) -> Self {
        Self {
            who,
            person: person.clone(),
            tokens: person.signs_in().await,
            codec,
            device: None,
            looked_at: 0,
            logs: BTreeMap::new(),
            self_seq: 0,
            pending: Vec::new(),
            met: BTreeSet::new(),
        }
    }

    /// Its connection, if it has one.
    pub(super) fn connection(&self) -> Option<Device> {
        let device = self.device.clone();
        device.filter(|device| device.closed().is_none())
    }
    /// Connects with what it has seen, and takes what was missed.
    pub(super) async fn connect(&mut self) {
        let mut opening = Opening::fresh()
            .over(self.codec)
            .reading_slowly(LITTLE)
            .self_seen(self.self_seq);
        for (chat, log) in &self.logs {
            opening = opening.seen(chat, whole_until(log));
        }
        let device = opening
            .open(self.person.wire(), &self.tokens)
            .await
            .expect("a connection");
        self.looked_at = 0;
        self.device = Some(device.clone());
        self.take_self(device.resumed_self()).await;
        let resumed = device.opened["logs"]["conversations"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        for (chat, log) in resumed {
            match log["state"].as_str() {
                Some("recovered") => {
                    let entries = log["entries"].as_array().expect("entries");
                    if !entries.is_empty() {
                        self.met.insert("recovered");
                    }
                    let mine = self.logs.entry(chat).or_default();
                    mine.extend(
                        entries
                            .iter()
                            .map(|entry| (number(entry, "seq"), entry.clone())),
                    );
                }
                Some("reload") => {
                    self.met.insert("reload");
                    self.load(&chat).await;
                }
                Some("not_found") => {
                    self.met.insert("not found");
                    self.logs.remove(&chat);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    async fn take_self(&mut self, log: &Value) {
        match log["state"].as_str() {
            Some("recovered") => {
                for entry in log["entries"].as_array().expect("entries") {
                    self.happened(entry).await;
                }
            }
            // Too much happened: the list tells what there is now.
            Some("reload") => {
                self.self_seq = number(log, "head_seq");
                self.reload_everything().await;
            }
            other => panic!("{other:?}"),
        }
    }

    /// An entry of the log `self`.
    async fn happened(&mut self, entry: &Value) {
        if number(entry, "seq") <= self.self_seq {
            return;
        }
        self.self_seq = number(entry, "seq");
        let chat = entry["conversation_id"]
            .as_str()
            .expect("a conversation")
            .to_owned();
        match entry["what"].as_str() {
            Some("joined") => {
                self.met.insert("joined");
                self.load(&chat).await;
            }
            Some("left") => {
                self.met.insert("left");
                self.logs.remove(&chat);
            }
            _ => {}
        }
    }

    async fn http(&self, method: &str, params: Value) -> Result<Value, Refusal> {
        self.person
            .wire()
            .http_as(&self.tokens.access, method, params)
            .await
            .outcome()
    }

    /// Loads a conversation anew.
    async fn load(&mut self, chat: &str) {
        self.logs.remove(chat);
        self.fill(chat, 0).await;
    }

    /// Asks for what is missing behind `after`.
    async fn fill(&mut self, chat: &str, mut after: u64) {
        loop {
            let params = json!({"conversation_id": chat, "after": after, "limit": 200});
            // He may have left meanwhile.
            let Ok(page) = self.http("message.list", params).await else {
                self.logs.remove(chat);
                return;
            };
            let log = self.logs.entry(chat.to_owned()).or_default();
            for item in page["items"].as_array().expect("a page") {
                after = number(item, "seq");
                log.insert(after, item.clone());
            }
            if page["more_after"] != true {
                return;
            }
        }
    }

    async fn reload_everything(&mut self) {
        let mut params = json!({"limit": 200});
        let page = self
            .http("conversation.list", params.take())
            .await
            .expect("a list");
        self.logs.clear();
        for row in page["items"].as_array().expect("a page") {
            self.load(row["conversation_id"].as_str().expect("an id"))
                .await;
        }
    }

    /// Looks at what was pushed since the last look.
    pub(super) async fn look(&mut self) {
        let Some(device) = self.device.clone() else {
            return;
        };
        let pushes = device.pushes();
        let fresh = pushes[self.looked_at..].to_vec();
        self.looked_at = pushes.len();
        for push in fresh {
            match push.event.as_str() {
                "message.created" => {
                    let message = &push.data["message"];
                    let chat = message["conversation_id"].as_str().expect("a conversation");
                    // Unknown ones come with the log `self`, which says where they begin.
                    match self.logs.get_mut(chat) {
                        Some(log) => {
                            log.insert(number(message, "seq"), message.clone());
                        }
                        None => {
                            self.met.insert("unknown chat");
                        }
                    }
                }
                "self.appended" if number(&push.data, "seq") == self.self_seq + 1 => {
                    self.happened(&push.data).await;
                }
                // A gap in the log `self`, or pushes left out: come back and resume.
                "self.appended" if number(&push.data, "seq") > self.self_seq => {
                    return self.come_back().await;
                }
                "connection.resync" => {
                    self.met.insert("resync");
                    return self.come_back().await;
                }
                _ => {}
            }
        }
        let gaps: Vec<(String, u64)> = self
            .logs
            .iter()
            .filter(|(_, log)| {
                log.last_key_value()
                    .is_some_and(|(last, _)| *last != whole_until(log))
            })
            .map(|(chat, log)| (chat.clone(), whole_until(log)))
            .collect();
        for (chat, after) in gaps {
            self.fill(&chat, after).await;
        }
    }

    async fn come_back(&mut self) {
        if let Some(device) = self.device.take() {
            device.cut();
        }
        Box::pin(self.connect()).await;
    }
}
