//! Files as a client sends and reads them.

use serde_json::{Value, json};

use crate::wire::sent;
use crate::{HttpAnswer, Person};

/// What came of reading an address.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The status.
    pub status: u16,
    /// The body.
    pub bytes: Vec<u8>,
    headers: reqwest::header::HeaderMap,
}

impl Fetched {
    /// A header; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

impl Person {
    /// Begins an upload; gives its id.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn begins_upload(&self, name: &str, size: usize) -> String {
        let params = json!({"name": name, "size": size, "purpose": "message"});
        let begun = self.http("file.begin", params).await.ok();
        begun["upload_id"].as_str().expect("an id").to_owned()
    }

    /// Sends a part of an upload.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn puts(&self, upload: &str, offset: usize, part: &[u8]) -> HttpAnswer {
        let request = reqwest::Client::new()
            .put(format!("http://{}/files/{upload}", self.wire().address()))
            .bearer_auth(self.tokens().access)
            .header("upload-offset", offset)
            .body(part.to_vec());
        sent(request).await.expect("the server answers")
    }

    /// Uploads a file whole; gives what the server says of it.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn uploads(&self, name: &str, bytes: &[u8]) -> Value {
        let upload = self.begins_upload(name, bytes.len()).await;
        self.puts(&upload, 0, bytes).await.ok();
        let params = json!({"upload_id": upload});
        self.http("file.finish", params).await.ok()
    }

    /// Sends a file that was uploaded; gives the message.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn sends_file(&self, conversation: &str, file: &Value) -> Value {
        let params = json!({
            "conversation_id": conversation, "client_msg_id": self.wire().fresh("sent"), "file_id": file["file_id"],
        });
        self.does("message.send", params).await["message"].clone()
    }

    /// The link to a file of a conversation, if he may see it.
    ///
    /// # Panics
    /// When he is told anything else.
    pub async fn link(&self, conversation: &str, file: &Value) -> Option<String> {
        let params = json!({"conversation_id": conversation, "file_ids": [file["file_id"]]});
        match self.tries("file.links", params).await {
            Ok(linked) => linked["links"][0]["url"].as_str().map(str::to_owned),
            Err(refusal) => {
                assert_eq!(refusal.kind(), ("not_found", "not_found"));
                None
            }
        }
    }

    /// Reads a path of the server, with headers, as a browser does that knows nothing but the link.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn fetches(&self, path: &str, headers: &[(&str, &str)]) -> Fetched {
        let url = format!("http://{}{path}", self.wire().address());
        let mut request = reqwest::Client::new().get(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("the server answers");
        Fetched {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            bytes: response.bytes().await.unwrap_or_default().to_vec(),
        }
    }

    /// How far an upload is, as the server says.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn asks_offset(&self, upload: &str) -> (u16, String) {
        let url = format!("http://{}/files/{upload}", self.wire().address());
        let request = reqwest::Client::new().head(url);
        let request = request.bearer_auth(self.tokens().access);
        let response = request.send().await.expect("the server answers");
        let offset = response.headers().get("upload-offset");
        let offset = offset.and_then(|offset| offset.to_str().ok());
        (response.status().as_u16(), offset.unwrap_or("").to_owned())
    }
}
