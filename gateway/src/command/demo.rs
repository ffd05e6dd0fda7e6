//! `chaoke demo`: a company to look at, in a new folder. Sixty people talk for a week: everything goes through the
//! ordinary methods, under a clock that begins seven days ago. Names and sentences are the same each time; keys and the
//! password are not.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chat_core::api::{Answer, ApiError, Codec};
use chat_core::clock::Clock;
use chat_core::ctx::{Caller, Origin};
use chat_core::directory::guard::Rate;
use chat_core::directory::person::{self, NewPerson, Role, Secret};
use chat_core::directory::{pinyin, session};
use chat_core::ids::Id;
use chat_core::random::Random;
use clap::Args;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use storage::{Limits, Store};

use super::{Data, Outcome, folder};
use crate::server::{Call, Options, Server};

mod talk;
mod words;

use talk::{Chat, Say, Talk};

/// Nobody is slowed down here.
const NO_LIMIT: Rate = Rate {
    burst: 1e9,
    per_second: 1e9,
};
/// The week that is told, in ms.
const WEEK_MS: i64 = 7 * 86_400_000;
/// Read positions written at the same time.
const READERS: usize = 32;

/// What `chaoke demo` is told.
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// A new data folder.
    #[command(flatten)]
    pub data: Data,
}

/// See the module.
///
/// # Errors
/// A sentence; then there is no company.
pub async fn run(told: &Demo) -> Outcome {
    let data = &told.data.folder;
    folder::check(data)?;
    let folder = folder::store(data);
    if folder.exists() {
        return Err(format!(
            "{} holds a store already; the demo needs a new folder: give one with --data",
            data.display()
        )
        .into());
    }
    std::fs::create_dir_all(data)?;
    let made = fill(&folder).await;
    if made.is_err() {
        // Half a company is of no use to anybody.
        let _ = std::fs::remove_dir_all(&folder);
    }
    tell(data, &made?);
    Ok(())
}

/// What is told of a demo.
struct Made {
    login: String,
    password: String,
    talk: Talk,
}

fn tell(data: &Path, made: &Made) {
    let (people, says) = (made.talk.people.len(), made.talk.says.len());
    let groups = made.talk.chats.iter().filter(|chat| chat.name.is_some());
    let (groups, all) = (groups.count(), made.talk.chats.len());
    let (company, data) = (words::COMPANY, data.display());
    println!(
        "{company}: {people} 人，{groups} 个讨论组，{} 个单聊，{says} 条消息",
        all - groups
    );
    println!(
        "{people} people, {groups} discussions, {} direct chats, {says} messages of the last week",
        all - groups
    );
    println!();
    println!("start it    chaoke --data {data}");
    println!(
        "login       {} (administrator; 管理员), or anybody else's: name in pinyin",
        made.login
    );
    println!("password    {} (everybody's; 所有人相同)", made.password);
}

async fn fill(folder: &Path) -> Result<Made, Box<dyn std::error::Error>> {
    let (wall, random) = (Clock::system(), Random::system());
    let now_ms = wall.now_ms();
    let hand = Arc::new(AtomicI64::new(now_ms - WEEK_MS));
    let clock = Clock::by_hand(Arc::clone(&hand));
    let limits = Limits {
        incarnation_seed: u64::from_be_bytes(random.bytes()),
        ..Limits::default()
    };
    let store = Store::embedded(folder, limits, clock.as_fn())?;
    let mut options = Options::new(store, clock, random.clone());
    (options.per_user, options.per_address) = (NO_LIMIT, NO_LIMIT);
    let server = Server::start(options).await?;
    let talk = Talk::of_the_week(now_ms - WEEK_MS, now_ms);
    let password = password(&random);
    let stage = Stage { server, hand };
    let told = stage.tell(&talk, &password).await;
    stage.server.node.store.close().await;
    told?;
    Ok(Made {
        login: login(&talk.people[0].name),
        password,
        talk,
    })
}

/// Good enough to be typed, and nobody's guess: a demo may stand in a network.
fn password(random: &Random) -> String {
    let id = Id(random.bytes()).to_string();
    let [digit] = random.bytes::<1>();
    format!("chaoke-{}{}", &id[..8], digit % 10)
}

fn login(name: &str) -> String {
    pinyin::order(name).replace(' ', "")
}

/// A server whose clock is moved by hand.
struct Stage {
    server: Arc<Server>,
    hand: Arc<AtomicI64>,
}

impl Stage {
    async fn tell(&self, talk: &Talk, password: &str) -> Answer<()> {
        let people = self.people(talk, password).await?;
        let mut ids = Vec::with_capacity(talk.chats.len());
        for chat in &talk.chats {
            ids.push(self.opens(&people, chat).await?);
        }
        for (n, say) in talk.says.iter().enumerate() {
            self.says(&people, &talk.chats[say.chat], &ids[say.chat], say, n)
                .await?;
        }
        self.hand.store(talk.until_ms, Ordering::SeqCst);
        let reads = talk.reads.iter().map(|(person, chat)| {
            let params = json!({"conversation_id": ids[*chat], "seq": u32::MAX});
            self.calls(people[*person], "conversation.mark_read", params)
        });
        stream::iter(reads)
            .buffer_unordered(READERS)
            .try_for_each(|_| async { Ok(()) })
            .await
    }

    /// The first sets the company up, the others are added.
    async fn people(&self, talk: &Talk, password: &str) -> Answer<Vec<Caller>> {
        let node = &self.server.node;
        let token = Id(node.random.bytes()).to_string();
        node.begin_setup(&token);
        let first = &talk.people[0];
        let params = json!({
            "token": token,
            "company_name": words::COMPANY,
            "name": first.name,
            "login": login(&first.name),
            "password": password,
        });
        let signed_in = self.call(None, "setup.complete", params, None).await?;
        let token = signed_in["access_token"].as_str().unwrap_or_default();
        let admin = session::authenticate(&node.store, token, node.clock.now_ms()).await?;
        let hash = node.passwords.hash(password, node.random.bytes()).await?;
        let mut callers = vec![admin];
        for person in &talk.people[1..] {
            let at = node.clock.now_ms();
            let new = NewPerson {
                space_id: admin.space_id,
                account_id: Id::v7(at, node.random.bytes()),
                user_id: Id::v7(at, node.random.bytes()),
                login: person::login("login", &login(&person.name))?,
                name: person.name.clone(),
                title: Some(person.title.to_owned()),
                role: Role::Member,
                secret: Secret::Password { hash: hash.clone() },
                at,
                note: None,
            };
            person::create(&node.store, &new, at).await?;
            callers.push(Caller {
                account_id: new.account_id,
                user_id: new.user_id,
                ..admin
            });
        }
        Ok(callers)
    }

    /// Begins a conversation; gives its id.
    async fn opens(&self, people: &[Caller], chat: &Chat) -> Answer<Value> {
        let first = people[chat.members[0]];
        let others: Vec<Id> = chat.members[1..]
            .iter()
            .map(|n| people[*n].user_id)
            .collect();
        let opened = match chat.name {
            Some(name) => {
                let params = json!({"user_ids": others, "name": name});
                self.calls(first, "conversation.create_discussion", params)
                    .await?
            }
            None => {
                let params = json!({"user_id": others[0]});
                self.calls(first, "conversation.open_direct", params)
                    .await?
            }
        };
        Ok(opened["conversation_id"].clone())
    }

    async fn says(
        &self,
        people: &[Caller],
        chat: &Chat,
        id: &Value,
        say: &Say,
        n: usize,
    ) -> Answer<()> {
        self.hand.store(say.at_ms, Ordering::SeqCst);
        let mut params =
            json!({"conversation_id": id, "client_msg_id": format!("demo-{n}"), "text": say.text});
        if chat.name.is_none() {
            let peer = chat.members.iter().find(|member| **member != say.author);
            params["peer_id"] = json!(peer.map(|peer| people[*peer].user_id));
        }
        self.calls(people[say.author], "message.send", params)
            .await?;
        Ok(())
    }

    async fn calls(&self, caller: Caller, method: &str, params: Value) -> Answer<Value> {
        self.call(Some(caller), method, params, None).await
    }

    async fn call(
        &self,
        caller: Option<Caller>,
        method: &str,
        params: Value,
        key: Option<String>,
    ) -> Answer<Value> {
        let Value::Object(params) = params else {
            return Err(ApiError::internal());
        };
        let call = Call {
            method: method.to_owned(),
            caller,
            params,
            key,
            origin: Origin::default(),
            connection: None,
            codec: Codec::Json,
            trace: None,
        };
        let (answer, _) = self.server.call(call).await;
        serde_json::from_slice(&answer?).map_err(|_| ApiError::internal())
    }
}
