//! A person of a company, with what he does.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::{Device, HttpAnswer, Opening, Refusal, Wire};

/// An id that nothing else in this run has.
pub fn fresh_id(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{prefix}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The tokens of one signed-in device.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The device's session.
    pub session_id: String,
    /// For calls.
    pub access: String,
    /// For new tokens; empty when it is kept as a cookie.
    pub refresh: String,
}

impl Tokens {
    /// What a sign-in answered.
    ///
    /// # Panics
    /// When it is no such answer.
    pub fn read(signed_in: &Value) -> Self {
        let text = |name: &str| signed_in[name].as_str().map(str::to_owned);
        Self {
            session_id: text("session_id").expect("a session"),
            access: text("access_token").expect("an access token"),
            refresh: text("refresh_token").unwrap_or_default(),
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tokens of {}", self.session_id)
    }
}

/// A person; cheap to clone.
#[derive(Clone)]
pub struct Person {
    inner: Arc<Inner>,
    /// Names this person in the space.
    pub id: String,
    /// The person's name.
    pub name: String,
    /// The name he signs in with.
    pub login: String,
    /// His password.
    pub password: String,
}

struct Inner {
    wire: Arc<Wire>,
    tokens: Mutex<Tokens>,
    device: Mutex<Option<Device>>,
}

impl Person {
    /// The password that everybody here chooses.
    pub const PASSWORD: &'static str = "海阔天空2026";

    pub(crate) fn new(wire: Arc<Wire>, login: &str, signed_in: &Value) -> Self {
        let text = |name: &str| {
            signed_in["user"][name]
                .as_str()
                .expect("a person")
                .to_owned()
        };
        Self {
            inner: Arc::new(Inner {
                wire,
                tokens: Mutex::new(Tokens::read(signed_in)),
                device: Mutex::new(None),
            }),
            id: text("user_id"),
            name: text("name"),
            login: login.to_owned(),
            password: Self::PASSWORD.to_owned(),
        }
    }

    /// The same person with the same tokens, who reaches the server at another address; he is away there.
    #[must_use]
    pub fn at(&self, wire: &Arc<Wire>) -> Self {
        Self {
            inner: Arc::new(Inner {
                wire: Arc::clone(wire),
                tokens: Mutex::new(self.tokens()),
                device: Mutex::new(None),
            }),
            id: self.id.clone(),
            name: self.name.clone(),
            login: self.login.clone(),
            password: self.password.clone(),
        }
    }

    // ---- people

    /// Adds a colleague, who signs in with the credential, chooses a password and connects.
    pub async fn adds(&self, name: &str) -> Self {
        let login = self.inner.wire.fresh("colleague");
        let params = json!({"name": name, "login": login});
        let added = self.http("space.add_member", params).await.ok();
        let credential = added["credential"].as_str().expect("a credential");
        let person = Self::begins(&self.inner.wire, &login, credential).await;
        person.comes(Opening::fresh()).await;
        person
    }

    /// Signs in with a first credential and chooses a password.
    pub async fn begins(wire: &Arc<Wire>, login: &str, credential: &str) -> Self {
        let params = json!({"login": login, "password": credential});
        let first = wire.http("session.sign_in", params).await.ok();
        assert_eq!(first["must_change_password"], true);
        let params = json!({"old_password": credential, "new_password": Self::PASSWORD});
        let token = Tokens::read(&first).access;
        let changed = wire.http_as(&token, "account.change_password", params);
        Self::new(Arc::clone(wire), login, &changed.await.ok())
    }

    /// Adds many colleagues at once who never sign in; gives their ids.
    pub async fn adds_many(&self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for block in (0..count).collect::<Vec<_>>().chunks(100) {
            let lines = block
                .iter()
                .map(|n| format!("同事{n} {}", self.inner.wire.fresh("many")));
            let text = lines.collect::<Vec<_>>().join("\n");
            let added = self
                .http("space.add_members", json!({"text": text}))
                .await
                .ok();
            let items = added["items"].as_array().expect("a line each");
            ids.extend(items.iter().map(|item| {
                assert_eq!(item["outcome"], "added", "{item}");
                item["user_id"].as_str().expect("an id").to_owned()
            }));
        }
        ids
    }

    // ---- devices

    /// The tokens of his first device.
    ///
    /// # Panics
    /// Never: nobody panics while holding them.
    pub fn tokens(&self) -> Tokens {
        self.inner
            .tokens
            .lock()
            .expect("no test panicked here")
            .clone()
    }

    /// From now on his first device has these tokens.
    ///
    /// # Panics
    /// Never: nobody panics while holding them.
    pub fn holds(&self, tokens: Tokens) {
        *self.inner.tokens.lock().expect("no test panicked here") = tokens;
    }

    /// The connection of his first device.
    ///
    /// # Panics
    /// When he is away.
    pub fn device(&self) -> Device {
        let device = self.inner.device.lock().expect("no test panicked here");
        device
            .clone()
            .unwrap_or_else(|| panic!("{} is away", self.name))
    }

    /// His first device connects; gives the connection, which is the one that he uses from now on.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn comes(&self, opening: Opening) -> Device {
        let device = self.opens(opening).await.expect("a connection");
        *self.inner.device.lock().expect("no test panicked here") = Some(device.clone());
        device
    }

    /// A further connection of his first device, beside the one that he uses.
    ///
    /// # Errors
    /// What the server said.
    pub async fn opens(&self, opening: Opening) -> Result<Device, Refusal> {
        opening.open(self.wire(), &self.tokens()).await
    }

    /// His first device loses its connection; gives it, for what it has seen.
    ///
    /// # Panics
    /// When he is away already.
    pub fn goes(&self) -> Device {
        let device = self
            .inner
            .device
            .lock()
            .expect("no test panicked here")
            .take();
        let device = device.unwrap_or_else(|| panic!("{} is away", self.name));
        device.cut();
        device
    }

    /// Signs in on a further device.
    pub async fn signs_in(&self) -> Tokens {
        Tokens::read(&self.tries_to_sign_in(&self.password).await.ok())
    }

    /// Tries a password.
    pub async fn tries_to_sign_in(&self, password: &str) -> HttpAnswer {
        let params = json!({"login": self.login, "password": password});
        self.inner.wire.http("session.sign_in", params).await
    }

    /// Signs in on a further device, which connects.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn also_on(&self, opening: Opening) -> (Tokens, Device) {
        let tokens = self.signs_in().await;
        let device = opening.open(&self.inner.wire, &tokens).await;
        (tokens, device.expect("a connection"))
    }

    /// The server as he reaches it.
    pub fn wire(&self) -> &Arc<Wire> {
        &self.inner.wire
    }

    // ---- calls

    /// Calls a method over HTTP.
    pub async fn http(&self, method: &str, params: Value) -> HttpAnswer {
        let token = self.tokens().access;
        self.inner.wire.http_as(&token, method, params).await
    }

    /// Calls a method over his connection.
    ///
    /// # Errors
    /// What the server said.
    pub async fn tries(&self, method: &str, params: Value) -> Result<Value, Refusal> {
        self.device().call(method, params).await
    }

    /// Calls a method over his connection, which must work.
    pub async fn does(&self, method: &str, params: Value) -> Value {
        self.device().does(method, params).await
    }

    /// Calls a method over his connection, which must be refused.
    ///
    /// # Panics
    /// When it is not.
    pub async fn is_refused(&self, method: &str, params: Value) -> Refusal {
        match self.tries(method, params).await {
            Err(refusal) => refusal,
            Ok(answer) => panic!("{method} was not refused: {answer}"),
        }
    }

    // ---- talking

    /// The id of his direct chat with somebody.
    ///
    /// # Panics
    /// When there is none.
    pub async fn direct(&self, other: &Self) -> String {
        let params = json!({"user_id": other.id});
        let opened = self.does("conversation.open_direct", params).await;
        opened["conversation_id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// Begins a discussion; gives its id.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn gathers(&self, others: &[&Self], name: &str) -> String {
        let ids: Vec<&str> = others.iter().map(|person| person.id.as_str()).collect();
        let params = json!({"user_ids": ids, "name": name});
        let created = self.does("conversation.create_discussion", params).await;
        created["conversation_id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    /// Writes to somebody directly; gives the message.
    pub async fn writes(&self, to: &Self, text: &str) -> Value {
        let conversation = self.direct(to).await;
        let mut params = self.message(&conversation, text);
        params["peer_id"] = to.id.clone().into();
        self.does("message.send", params).await["message"].clone()
    }

    /// Says something in a conversation; gives the message.
    pub async fn says(&self, conversation: &str, text: &str) -> Value {
        let params = self.message(conversation, text);
        let sent = self.does("message.send", params).await;
        sent["message"].clone()
    }

    /// Tries to say something in a conversation.
    ///
    /// # Errors
    /// What the server said.
    pub async fn tries_to_say(&self, conversation: &str, text: &str) -> Result<Value, Refusal> {
        self.tries("message.send", self.message(conversation, text))
            .await
    }

    /// Waits for a message on his first device.
    pub async fn sees(&self, text: &str) -> Value {
        self.device().sees(text).await
    }

    /// Reads up to an entry.
    pub async fn reads(&self, conversation: &str, seq: u64) -> Value {
        let params = json!({"conversation_id": conversation, "seq": seq});
        self.does("conversation.mark_read", params).await
    }

    /// His list of conversations, over HTTP.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn list(&self) -> Vec<Value> {
        let (mut items, mut params) = (Vec::new(), json!({}));
        loop {
            let page = self.http("conversation.list", params.clone()).await.ok();
            items.extend(page["items"].as_array().expect("a page").iter().cloned());
            match page["next"].as_str() {
                Some(next) => params["cursor"] = next.into(),
                None => return items,
            }
        }
    }

    /// A conversation in his list.
    pub async fn row(&self, conversation: &str) -> Option<Value> {
        let mut rows = self.list().await.into_iter();
        rows.find(|row| row["conversation_id"] == conversation)
    }

    /// His log `self` from its beginning, as resuming tells it.
    ///
    /// # Panics
    /// When it has become too long to be resumed.
    pub async fn self_log(&self) -> Vec<Value> {
        let device = self.opens(Opening::fresh().self_seen(0)).await;
        let device = device.expect("a connection");
        let entries = device.resumed_self()["entries"].as_array();
        entries.expect("a short log").clone()
    }

    /// How often something of a conversation stands in his log `self`.
    pub async fn times(&self, what: &str, conversation: &str) -> usize {
        let log = self.self_log().await;
        let fits =
            |entry: &&Value| entry["what"] == what && entry["conversation_id"] == conversation;
        log.iter().filter(fits).count()
    }

    /// Messages that he has not read in a conversation.
    ///
    /// # Panics
    /// When it is not in his list.
    pub async fn unread(&self, conversation: &str) -> u64 {
        let row = self.row(conversation).await.expect("a row in the list");
        row["unread"].as_u64().expect("a number")
    }

    /// All that he may see of a conversation, page by page over HTTP.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn log(&self, conversation: &str) -> Vec<Value> {
        let mut items: Vec<Value> = Vec::new();
        loop {
            let after = items
                .last()
                .map_or(0, |last| last["seq"].as_u64().expect("a number"));
            let params = json!({"conversation_id": conversation, "after": after, "limit": 200});
            let page = self.http("message.list", params).await.ok();
            items.extend(page["items"].as_array().expect("a page").iter().cloned());
            if page["more_after"] != true {
                return items;
            }
        }
    }

    fn message(&self, conversation: &str, text: &str) -> Value {
        let id = self.inner.wire.fresh("said");
        json!({"conversation_id": conversation, "client_msg_id": id, "text": text})
    }
}
