//! What a program outside reads from a stream of JetStream, by the protocol of NATS itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// What lies in a stream.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Where it was published.
    pub subject: String,
    /// Its `Nats-Msg-Id`.
    pub id: String,
    /// The payload.
    pub event: Value,
}

/// Everything in the stream, oldest first; nothing if there is no such stream, or no server.
pub(super) async fn read(address: &str, stream: &str) -> Option<Vec<Stored>> {
    let mut line = Line::open(address).await?;
    let info = line
        .ask(&format!("$JS.API.STREAM.INFO.{stream}"), &json!({}))
        .await?;
    let state = info.get("state")?;
    let (first, last) = (state["first_seq"].as_u64()?, state["last_seq"].as_u64()?);
    let mut found = Vec::new();
    for seq in first..=last {
        let get = format!("$JS.API.STREAM.MSG.GET.{stream}");
        let got = line.ask(&get, &json!({"seq": seq})).await?;
        let message = got.get("message")?;
        let headers = STANDARD.decode(message["hdrs"].as_str()?).ok()?;
        let headers = String::from_utf8(headers).ok()?;
        let id = headers
            .lines()
            .find_map(|line| line.strip_prefix("Nats-Msg-Id: "))?;
        let data = STANDARD.decode(message["data"].as_str()?).ok()?;
        found.push(Stored {
            subject: message["subject"].as_str()?.to_owned(),
            id: id.trim().to_owned(),
            event: serde_json::from_slice(&data).ok()?,
        });
    }
    Some(found)
}

const ANSWERS: &str = "_ANSWERS";

/// A connection that asks one question after the other.
struct Line(BufReader<TcpStream>);

impl Line {
    async fn open(address: &str) -> Option<Self> {
        let mut line = Self(BufReader::new(TcpStream::connect(address).await.ok()?));
        let me = json!({"verbose": false, "headers": true, "no_responders": true});
        let hello = format!("CONNECT {me}\r\nSUB {ANSWERS} 1\r\n");
        line.0.write_all(hello.as_bytes()).await.ok()?;
        Some(line)
    }

    async fn ask(&mut self, subject: &str, question: &Value) -> Option<Value> {
        let question = question.to_string();
        let length = question.len();
        let asked = format!("PUB {subject} {ANSWERS} {length}\r\n{question}\r\n");
        self.0.write_all(asked.as_bytes()).await.ok()?;
        loop {
            let mut said = String::new();
            if self.0.read_line(&mut said).await.ok()? == 0 {
                return None;
            }
            let Some(message) = said.strip_prefix("MSG ") else {
                if said.starts_with("PING") {
                    self.0.write_all(b"PONG\r\n").await.ok()?;
                }
                // Nobody answers: the server has no JetStream.
                if said.starts_with("HMSG") || said.starts_with("-ERR") {
                    return None;
                }
                continue;
            };
            let length: usize = message.split_whitespace().last()?.parse().ok()?;
            let mut payload = vec![0; length + 2];
            self.0.read_exact(&mut payload).await.ok()?;
            return serde_json::from_slice(&payload[..length]).ok();
        }
    }
}
