//! A company with as many people as a scenario needs, each signed in with a password of his own.
//!
//! It is made as any company is: the set-up link, pasted lists, a first sign-in with the one-time
//! credential and a change of password. That costs three password hashes a person, about 60 ms of one
//! core; the server limits strangers to 20 calls a minute and address, so that people come from many
//! loopback addresses. Afterwards the server is started again: no figure has the set-up in it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::frame::Codec;
use crate::client::http::{Api, Call};
use crate::client::socket::Place;
use crate::server::Server;
use crate::trouble::{Outcome, Trouble};

/// People that come from one address: the server takes 20 calls at once from a stranger.
const PEOPLE_PER_ADDRESS: usize = 15;
/// Lines of one pasted list. The server takes 500, and 10 s for a call.
const LINES: usize = 200;
/// People who sign in at the same time: enough to keep the server's two hashers busy.
const AT_ONCE: usize = 8;
/// People of one run at most: 10 connections each are more than a process may open.
pub(crate) const PEOPLE_MAX: usize = 2_000;
/// Keeps a company for the next run.
const FILE: &str = "load-people.json";

/// Which server, which company.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The binary to start.
    pub(crate) binary: PathBuf,
    /// A folder to keep; a temporary one when absent.
    pub(crate) data: Option<PathBuf>,
    /// A server that runs already.
    pub(crate) attached: Option<Attached>,
}

/// A server that runs already, with an administrator to speak for.
#[derive(Clone, Debug)]
pub(crate) struct Attached {
    /// Where; several if several servers are one.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Their processes.
    pub(crate) pids: Vec<u32>,
    /// The administrator.
    pub(crate) login: String,
    /// His password.
    pub(crate) password: String,
}

/// A person who is signed in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Person {
    /// Names him in the company.
    pub(crate) user_id: String,
    /// For calls and connections.
    pub(crate) access: String,
    refresh: String,
}

/// A company on a server.
pub(crate) struct World {
    /// The server.
    pub(crate) server: Server,
    /// The people, without the administrator.
    pub(crate) people: Vec<Person>,
    /// How long it took to make them.
    pub(crate) made_in_s: f64,
    admin: Person,
    folder: Folder,
}

/// The folder, and whether it is left behind.
struct Folder {
    path: PathBuf,
    kept: bool,
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.kept {
            // What can't be removed lies in the folder for temporary files.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

#[derive(Deserialize)]
struct SignedIn {
    user: User,
    access_token: String,
    #[serde(default)]
    refresh_token: String,
}

#[derive(Deserialize)]
struct User {
    user_id: String,
}

impl From<SignedIn> for Person {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            user_id: signed_in.user.user_id,
            access: signed_in.access_token,
            refresh: signed_in.refresh_token,
        }
    }
}

#[derive(Deserialize)]
struct Lines {
    items: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    login: String,
    #[serde(default)]
    credential: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    admin: Person,
    people: Vec<Person>,
}

/// Where a person is at home.
pub(crate) fn address_of(person: usize) -> Ipv4Addr {
    let home = person / PEOPLE_PER_ADDRESS + 1;
    let part = |value: usize| u8::try_from(value % 250 + 1).unwrap_or(1);
    Ipv4Addr::new(127, 1, part(home / 250), part(home))
}

impl World {
    /// Makes a company with `count` people, or takes the one that was kept, and starts the server anew.
    ///
    /// # Errors
    /// Whatever of it fails.
    pub(crate) async fn make(origin: &Origin, count: usize) -> Outcome<Self> {
        if count > PEOPLE_MAX {
            return Err(Trouble::new(format!("at most {PEOPLE_MAX} people")));
        }
        let folder = folder(origin);
        let began = Instant::now();
        let server = match &origin.attached {
            Some(attached) => Server::attach(&attached.addresses, &attached.pids)?,
            None => Server::start(&origin.binary, &folder.path).await?,
        };
        let kept = kept(&folder.path, count);
        let (admin, people) = match kept {
            Some(kept) if server.is_own() => (kept.admin, kept.people),
            _ => {
                let admin = administrator(&server, origin.attached.as_ref()).await?;
                let people = newcomers(&server, &admin, count).await?;
                (admin, people)
            }
        };
        let mut world = Self {
            server,
            people,
            made_in_s: 0.0,
            admin,
            folder,
        };
        world.restart().await?;
        world.made_in_s = began.elapsed().as_secs_f64();
        println!("{count} people ready in {:.1} s", world.made_in_s);
        Ok(world)
    }

    /// Starts the server anew and gives everybody new tokens, good for the next 15 minutes.
    ///
    /// # Errors
    /// Whatever of it fails.
    pub(crate) async fn restart(&mut self) -> Outcome<()> {
        self.server.restart().await?;
        let server = self.server.address();
        let refreshed = |(address, refresh): (Ipv4Addr, String)| async move {
            let api = Api::new(server, address)?;
            let params = json!({"refresh_token": refresh});
            let signed_in: SignedIn = api.call(public("session.refresh", &params)).await?;
            Ok::<Person, Trouble>(signed_in.into())
        };
        self.admin = refreshed((Ipv4Addr::LOCALHOST, self.admin.refresh.clone())).await?;
        let old = self.people.iter().enumerate();
        let old: Vec<_> = old
            .map(|(at, person)| (address_of(at), person.refresh.clone()))
            .collect();
        self.people = stream::iter(old)
            .map(refreshed)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        if self.folder.kept {
            let kept = Kept {
                admin: self.admin.clone(),
                people: self.people.clone(),
            };
            let text = serde_json::to_string(&kept).map_err(Trouble::at("the kept company"))?;
            std::fs::write(self.folder.path.join(FILE), text)
                .map_err(Trouble::at("the kept company"))?;
        }
        Ok(())
    }

    /// Calls a method for a person.
    ///
    /// # Errors
    /// A refusal that does not pass by itself, or no connection.
    pub(crate) async fn call<R: DeserializeOwned>(
        &self,
        person: usize,
        method: &str,
        params: &Value,
    ) -> Outcome<R> {
        let api = Api::new(self.server.address_for(person), address_of(person))?;
        api.call(Call {
            method,
            params,
            token: Some(&self.people[person].access),
            key: None,
        })
        .await
    }

    /// Calls a method for the administrator, once for each key.
    ///
    /// # Errors
    /// A refusal that does not pass by itself, or no connection.
    pub(crate) async fn by_admin(&self, method: &str, params: &Value, key: &str) -> Outcome<Value> {
        let api = Api::new(self.server.address(), Ipv4Addr::LOCALHOST)?;
        let token = Some(self.admin.access.as_str());
        api.call(Call {
            method,
            params,
            token,
            key: Some(key),
        })
        .await
    }

    /// The access token of a person.
    pub(crate) fn token(&self, person: usize) -> &str {
        &self.people[person].access
    }

    /// The discussion of these people; the first of them owns it.
    ///
    /// # Errors
    /// A refusal.
    pub(crate) async fn discussion(&self, name: &str, members: &[u32]) -> Outcome<String> {
        let (owner, others) = members
            .split_first()
            .ok_or_else(|| Trouble::new("a discussion of nobody"))?;
        let others: Vec<&str> = others.iter().map(|at| self.user_id(*at)).collect();
        let params = json!({"name": name, "user_ids": others});
        let made: Conversation = self
            .call(*owner as usize, "conversation.create_discussion", &params)
            .await?;
        Ok(made.conversation_id)
    }

    /// The direct chat of two.
    ///
    /// # Errors
    /// A refusal.
    pub(crate) async fn direct(&self, one: u32, other: u32) -> Outcome<String> {
        let params = json!({"user_id": self.user_id(other)});
        let made: Conversation = self
            .call(one as usize, "conversation.open_direct", &params)
            .await?;
        Ok(made.conversation_id)
    }

    /// What the server's store lies on.
    pub(crate) fn disk(&self) -> String {
        if self.server.is_own() {
            crate::proc::disk_of(&self.folder.path)
        } else {
            "unknown".to_owned()
        }
    }

    /// How long the disk takes that the server writes to; nothing for a server that ran already.
    ///
    /// # Errors
    /// The folder can't be written.
    pub(crate) fn disk_sync_us(&self) -> Outcome<Vec<u64>> {
        if self.server.is_own() {
            crate::proc::disk_sync_us(&self.folder.path)
        } else {
            Ok(Vec::new())
        }
    }

    /// Names a person in the company.
    pub(crate) fn user_id(&self, person: u32) -> &str {
        &self.people[person as usize].user_id
    }

    /// Where a connection of `person` comes from, and whose it is.
    pub(crate) fn place(&self, person: usize, codec: Codec) -> Place<'_> {
        Place {
            server: self.server.address_for(person),
            from: address_of(person),
            codec,
            token: &self.people[person].access,
        }
    }

    /// Stops the server, if it was started here.
    ///
    /// # Errors
    /// It can't be stopped.
    pub(crate) async fn end(mut self) -> Outcome<()> {
        self.server.stop().await
    }
}

#[derive(Deserialize)]
struct Conversation {
    conversation_id: String,
}

fn public<'a>(method: &'a str, params: &'a Value) -> Call<'a> {
    Call {
        method,
        params,
        token: None,
        key: None,
    }
}

fn folder(origin: &Origin) -> Folder {
    let temporary = || std::env::temp_dir().join(format!("chaoke-load-{}", std::process::id()));
    Folder {
        path: origin.data.clone().unwrap_or_else(temporary),
        kept: origin.data.is_some(),
    }
}

/// The company of an earlier run, if it has people enough.
fn kept(folder: &Path, count: usize) -> Option<Kept> {
    let text = std::fs::read_to_string(folder.join(FILE)).ok()?;
    let kept: Kept = serde_json::from_str(&text).ok()?;
    (kept.people.len() >= count).then_some(kept)
}

async fn administrator(server: &Server, attached: Option<&Attached>) -> Outcome<Person> {
    let api = Api::new(server.address(), Ipv4Addr::LOCALHOST)?;
    let signed_in: SignedIn = match attached {
        Some(attached) => {
            let params = json!({"login": attached.login, "password": attached.password});
            api.call(public("session.sign_in", &params)).await?
        }
        None => {
            let params = json!({
                "token": server.setup_token().await?,
                "company_name": "Load",
                "name": "Admin",
                "login": "admin",
                "password": "Load-admin-1",
            });
            api.call(public("setup.complete", &params)).await?
        }
    };
    Ok(signed_in.into())
}

async fn newcomers(server: &Server, admin: &Person, count: usize) -> Outcome<Vec<Person>> {
    let api = Api::new(server.address(), Ipv4Addr::LOCALHOST)?;
    // A server that runs already may know the people of an earlier run.
    let prefix = if server.is_own() {
        "load".to_owned()
    } else {
        format!("load{}-", std::process::id())
    };
    let mut added = Vec::with_capacity(count);
    for from in (0..count).step_by(LINES) {
        let lines: Vec<String> = (from..count.min(from + LINES))
            .map(|at| format!("Load {at:04}\t{prefix}{at:04}"))
            .collect();
        let key = format!("{prefix}-{from}");
        let params = json!({"text": lines.join("\n")});
        let answer: Lines = api
            .call(Call {
                method: "space.add_members",
                params: &params,
                token: Some(&admin.access),
                key: Some(&key),
            })
            .await?;
        added.extend(answer.items);
    }
    println!("{} people added; signing them in", added.len());
    let server = server.address();
    stream::iter(added.into_iter().enumerate())
        .map(|(at, line)| first_sign_in(server, at, line))
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

/// With the one-time credential, which must be changed at once.
async fn first_sign_in(server: SocketAddr, at: usize, line: Line) -> Outcome<Person> {
    let api = Api::new(server, address_of(at))?;
    let credential = line
        .credential
        .ok_or_else(|| Trouble::new(format!("{} was not added", line.login)))?;
    let params = json!({"login": line.login, "password": credential});
    let first: SignedIn = api.call(public("session.sign_in", &params)).await?;
    let params = json!({"old_password": credential, "new_password": format!("Load-pass-{at}")});
    let signed_in: SignedIn = api
        .call(Call {
            method: "account.change_password",
            params: &params,
            token: Some(&first.access_token),
            key: None,
        })
        .await?;
    Ok(signed_in.into())
}

/// Waits a moment for what other tasks are doing.
pub(crate) async fn moment() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn no_address_has_more_people_than_the_server_lets_in_at_once() {
        let mut per_address: BTreeMap<Ipv4Addr, usize> = BTreeMap::new();
        for person in 0..PEOPLE_MAX {
            let address = address_of(person);
            assert!(address.is_loopback() && address != Ipv4Addr::LOCALHOST);
            *per_address.entry(address).or_default() += 1;
        }
        assert!(per_address.values().all(|people| *people <= 20));
    }
}
