//! A signed-in device with an open connection.

use std::collections::BTreeMap;
use std::ops::Deref;

use serde_json::{Value, json};

use crate::{Codec, Connecting, Refusal, Socket, Tokens, Wire};

/// How a device opens its connection.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    codec: Option<Codec>,
    self_seq: Option<u64>,
    cursors: Option<BTreeMap<String, u64>>,
    receive_buffer: Option<u32>,
}

impl Opening {
    /// As a fresh client does: it has seen nothing.
    pub fn fresh() -> Self {
        Self::default()
    }

    /// Writes with this codec.
    #[must_use]
    pub fn over(mut self, codec: Codec) -> Self {
        self.codec = Some(codec);
        self
    }

    /// Has seen the log `self` up to there.
    #[must_use]
    pub fn self_seen(mut self, seq: u64) -> Self {
        self.self_seq = Some(seq);
        self
    }

    /// Has seen a conversation up to there.
    #[must_use]
    pub fn seen(mut self, conversation: &str, seq: u64) -> Self {
        self.cursors
            .get_or_insert_default()
            .insert(conversation.to_owned(), seq);
        self
    }

    /// The machine keeps little for it while it does not read.
    #[must_use]
    pub fn reading_slowly(mut self, bytes: u32) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// Opens a connection with an access token.
    ///
    /// # Errors
    /// What the server said.
    ///
    /// # Panics
    /// When the handshake is refused.
    pub async fn open(self, wire: &Wire, tokens: &Tokens) -> Result<Device, Refusal> {
        let codec = self.codec.unwrap_or(Codec::Json);
        let mut connecting = Connecting::new(&wire.address(), codec);
        connecting.receive_buffer = self.receive_buffer;
        let socket = connecting.connect().await.expect("a handshake");
        let mut params = json!({
            "token": tokens.access,
            "device_id": tokens.session_id,
            "client": "world/1",
            "locale": "zh-CN",
        });
        if let Some(seq) = self.self_seq {
            params["self_seq"] = seq.into();
        }
        if let Some(cursors) = &self.cursors {
            params["cursors"] = json!(cursors);
        }
        let opened = socket.call("connection.open", params).await?;
        Ok(Device { socket, opened })
    }
}

/// A device with an open connection; cheap to clone, cut when the last clone is dropped.
#[derive(Clone)]
pub struct Device {
    socket: Socket,
    /// What `connection.open` answered.
    pub opened: Value,
}

impl Device {
    /// What was missed of a conversation.
    pub fn resumed(&self, conversation: &str) -> &Value {
        &self.opened["logs"]["conversations"][conversation]
    }

    /// What was missed of the log `self`.
    pub fn resumed_self(&self) -> &Value {
        &self.opened["logs"]["self"]
    }

    /// Calls a method that must work.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn does(&self, method: &str, params: Value) -> Value {
        let answer = self.call(method, params).await;
        answer.unwrap_or_else(|refusal| panic!("{method} was refused: {refusal:?}"))
    }

    /// Waits for a message with this text.
    ///
    /// # Panics
    /// When none comes within 5 s.
    pub async fn sees(&self, text: &str) -> Value {
        let push = self
            .sees_push(&format!("the message \"{text}\""), |push| {
                push.event == "message.created" && push.data["message"]["text"] == text
            })
            .await;
        push.data["message"].clone()
    }

    /// Waits for an entry of the log `self`.
    ///
    /// # Panics
    /// When none comes within 5 s.
    pub async fn sees_self(&self, what: &str, conversation: &str) -> Value {
        let push = self
            .sees_push(&format!("{what} in the log self"), |push| {
                push.event == "self.appended"
                    && push.data["what"] == what
                    && push.data["conversation_id"] == conversation
            })
            .await;
        push.data
    }

    /// The messages of a conversation that were pushed so far.
    pub fn messages_of(&self, conversation: &str) -> Vec<Value> {
        self.events("message.created")
            .into_iter()
            .map(|data| data["message"].clone())
            .filter(|message| message["conversation_id"] == conversation)
            .collect()
    }
}

impl Deref for Device {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.socket
    }
}
