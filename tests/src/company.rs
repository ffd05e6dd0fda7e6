//! A company that is about to be set up.

use std::sync::Arc;

use serde_json::json;

use crate::{Opening, Person, Wire};

/// A name without people yet.
pub struct Company {
    wire: Arc<Wire>,
    token: String,
    name: String,
}

impl Company {
    pub(crate) fn new(wire: Arc<Wire>, token: String, name: &str) -> Self {
        Self {
            wire,
            token,
            name: name.to_owned(),
        }
    }

    /// Sets it up with its first administrator, who connects.
    pub async fn admin(self, name: &str) -> Person {
        let login = self.wire.fresh("admin");
        let params = json!({
            "token": self.token,
            "company_name": self.name,
            "name": name,
            "login": login,
            "password": Person::PASSWORD,
        });
        let signed_in = self.wire.http("setup.complete", params).await.ok();
        let person = Person::new(Arc::clone(&self.wire), &login, &signed_in);
        person.comes(Opening::fresh()).await;
        person
    }
}
