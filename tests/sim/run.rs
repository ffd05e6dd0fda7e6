//! A run of a plan: a pure function from the plan to what was found. Everything happens on one thread, in
//! simulated time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chat_core::api::Class;
use chat_core::ids::{ConversationId, Id};
use serde_json::{Value, json};
use storage::engine::faulty::{Disk, Faults, Faulty};
use storage::engine::in_memory;
use tokio::sync::Notify;

use crate::audit;
use crate::book::{Book, Stats};
use crate::client::{Ask, Client, Mail, Tokens, direct};
use crate::life::{self, BEGINNING_MS, Life, user};
use crate::pipe::{Line, pipe};
use crate::plan::{Chat, DEVICES, PEOPLE, Plan, Step, Weather};

/// What is broken on purpose, to see that it is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Nothing.
    #[default]
    Nothing,
    /// Clients send again under a new id.
    ResendsUnderANewId,
    /// The server loses one message push in so many and does not say so.
    LosesPushes(u64),
}

/// What was found in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding(pub(crate) String);

/// Rounds of looking at one moment of a run; more is a circle.
const LOOKS: usize = 100_000;
/// How long all may take to come to rest in the end, in turns of a second.
const REST_S: usize = 120;
/// A text that fills queues: the longest there is, 15 KB.
const LONG_CHARS: usize = 4_990;

/// How a life ended.
enum End {
    /// Killed; the next one is, too, at this step of its engine.
    Killed(Option<u64>),
    /// Stopped in order.
    Stopped,
    /// All steps are done.
    Done,
}

/// All that outlives a server.
pub(crate) struct World {
    disk: Arc<Disk>,
    pub(crate) clients: Vec<Client>,
    pub(crate) book: Book,
    pub(crate) groups: BTreeMap<usize, ConversationId>,
    broken: Broken,
    heard: Arc<Notify>,
    /// Connections whose clients went without a word.
    ghosts: Vec<Line>,
    now_ms: i64,
    texts: u64,
}

/// Runs a plan.
///
/// # Errors
/// What was found.
pub(crate) fn run(plan: &Plan, broken: Broken) -> Result<Stats, Finding> {
    let mut world = World {
        disk: Disk::new(in_memory(1)),
        clients: (0..DEVICES)
            .map(|at| Client::new(at % PEOPLE, at, plan.seed, broken))
            .collect(),
        book: Book::default(),
        groups: BTreeMap::new(),
        broken,
        heard: Arc::default(),
        ghosts: Vec::new(),
        now_ms: BEGINNING_MS,
        texts: 0,
    };
    world.lives(life::faults(Weather::Calm, plan.seed, None), Part::Founding)?;
    let (mut steps, mut crash_at) = (&plan.steps[..], None);
    loop {
        let starts = world.book.stats.starts;
        let seed = plan.seed.wrapping_mul(1_000).wrapping_add(starts);
        let faults = life::faults(plan.weather, seed, crash_at.take());
        match world.lives(faults, Part::Days(&mut steps))? {
            End::Killed(at) => {
                crash_at = at;
                world.book.stats.crashes += 1;
            }
            End::Stopped => {}
            End::Done => break,
        }
    }
    // In the end nothing fails that a client could notice.
    let faults = life::faults(Weather::Hidden, plan.seed.wrapping_add(7), None);
    world.lives(faults, Part::LastDay)?;
    world.book.stats.steps = plan.steps.len() as u64;
    world.book.stats.simulated_ms = (world.now_ms - BEGINNING_MS).unsigned_abs();
    Ok(world.book.stats)
}

/// What happens in one life of a server.
enum Part<'a, 'p> {
    /// The company is founded.
    Founding,
    /// The steps of the plan that are left.
    Days(&'a mut &'p [Step]),
    /// Everybody comes to rest, and everything is looked at.
    LastDay,
}

impl World {
    /// One life of a server. When its runtime is dropped, everything under way stops where it stands.
    fn lives(&mut self, faults: Faults, part: Part<'_, '_>) -> Result<End, Finding> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        self.book.stats.starts += 1;
        let end = runtime.block_on(async {
            let (began, began_ms) = (tokio::time::Instant::now(), self.now_ms);
            let engine = Faulty::start(&self.disk, faults).await;
            let plays = async {
                let life = Life::start(&engine, faults, began_ms).await;
                match part {
                    Part::Founding => {
                        life.found()
                            .await
                            .map_err(|error| Finding(format!("no company: {error:?}")))?;
                        Ok(End::Done)
                    }
                    Part::Days(steps) => self.days(&life, steps).await,
                    Part::LastDay => self.last_day(&life).await.map(|()| End::Done),
                }
            };
            let end = tokio::select! {
                biased;
                () = engine.crashed() => Ok(End::Killed(None)),
                end = plays => end,
            };
            self.now_ms =
                began_ms + i64::try_from(began.elapsed().as_millis()).expect("less than an age");
            self.book.stats.engine_steps += engine.steps();
            self.book.stats.injected(engine.injected());
            end
        });
        // The network goes with the machine.
        for client in &mut self.clients {
            client.loses_server(self.now_ms, &mut self.book);
        }
        self.ghosts.clear();
        drop(runtime);
        end
    }

    async fn days(&mut self, life: &Life, steps: &mut &[Step]) -> Result<End, Finding> {
        while let Some((step, rest)) = steps.split_first() {
            *steps = rest;
            match step {
                Step::Kill { next_at } => return Ok(End::Killed(*next_at)),
                Step::Stop => {
                    self.stops(life).await?;
                    return Ok(End::Stopped);
                }
                Step::Turns { many } => {
                    for _ in 0..*many {
                        tokio::task::yield_now().await;
                        self.looks(life)?;
                    }
                }
                Step::Wait { ms } => self.waits(life, *ms).await?,
                Step::Jump { ms } => tokio::time::advance(Duration::from_millis(*ms)).await,
                step => self.acts(step, life.now_ms()),
            }
            self.looks(life)?;
        }
        Ok(End::Done)
    }

    /// What a server does when it is told to stop.
    async fn stops(&mut self, life: &Life) -> Result<(), Finding> {
        life.server.hub.drain(gateway::server::DRAIN_SPREAD_MS);
        self.waits(life, 100).await?;
        // A store that does not close in time is killed.
        let closing = life.server.node.store.close();
        let _ = tokio::time::timeout(Duration::from_secs(3), closing).await;
        Ok(())
    }

    fn chat(&self, who: usize, chat: Chat) -> Option<(ConversationId, Option<Id>)> {
        match chat {
            Chat::Direct(with) if with == who => None,
            Chat::Direct(with) => {
                let (id, peer) = direct(who, with);
                Some((id, Some(peer)))
            }
            Chat::Group(group) => Some((*self.groups.get(&group)?, None)),
        }
    }

    /// What a user does.
    fn acts(&mut self, step: &Step, now_ms: i64) {
        match *step {
            Step::Send {
                device,
                chat,
                many,
                long,
            } => self.writes(device, chat, many, long, now_ms),
            Step::Read {
                device,
                chat,
                behind,
            } => {
                if let Some((chat, _)) = self.chat(device % PEOPLE, chat) {
                    self.clients[device].marks(chat, behind, &mut self.book);
                }
            }
            Step::Create {
                device,
                group,
                ref people,
            } => self.creates(device, group, people, now_ms),
            Step::Come { device } => self.clients[device].online = true,
            Step::Go { device, silently } => {
                let client = &mut self.clients[device];
                client.online = false;
                let line = client.take_line(now_ms, &mut self.book);
                self.ghosts.extend(line.filter(|_| silently));
            }
            Step::Reads { device, reads } => self.clients[device].reads = reads,
            Step::Forget { device } => self.clients[device].forgets(now_ms, &mut self.book),
            Step::EndOthers { device } => self.clients[device].ends_others(now_ms),
            ref change => {
                if let Some((device, group, method, params)) = asked(change, now_ms) {
                    self.changes(device, group, method, params, now_ms);
                }
            }
        }
    }

    fn writes(&mut self, device: usize, chat: Chat, many: usize, long: bool, now_ms: i64) {
        let Some((chat, peer)) = self.chat(device % PEOPLE, chat) else {
            return;
        };
        for _ in 0..many {
            self.texts += 1;
            let mut text = format!("第{}条", self.texts);
            if long {
                text.push_str(&"长".repeat(LONG_CHARS - text.chars().count()));
            }
            self.clients[device].writes(chat, peer, text, now_ms, &mut self.book);
        }
    }

    fn creates(&mut self, device: usize, group: usize, people: &[usize], now_ms: i64) {
        if self.groups.contains_key(&group) {
            return;
        }
        let owner = user(device % PEOPLE);
        let key = format!("group {group} of {}", device % PEOPLE);
        // As the server derives it from who asks and the key.
        let id = Id::derived("discussion", &[&life::space().0, &owner.0, key.as_bytes()]);
        self.groups.insert(group, id);
        let people: Vec<Id> = people.iter().map(|who| user(*who)).collect();
        let params = json!({"user_ids": people, "name": format!("第{group}组")});
        self.clients[device].changes("conversation.create_discussion", params, Some(key), now_ms);
    }

    fn changes(
        &mut self,
        device: usize,
        group: usize,
        method: &'static str,
        mut params: Value,
        now_ms: i64,
    ) {
        if let Some(id) = self.groups.get(&group) {
            params["conversation_id"] = json!(id);
            self.clients[device].changes(method, params, None, now_ms);
        }
    }

    /// Lets time go by, while everybody looks at what comes.
    async fn waits(&mut self, life: &Life, ms: u64) -> Result<(), Finding> {
        let until_ms = life.now_ms() + i64::try_from(ms).expect("less than an age");
        for _ in 0..LOOKS {
            self.looks(life)?;
            let now_ms = life.now_ms();
            if now_ms >= until_ms {
                return Ok(());
            }
            let wakes = self
                .clients
                .iter()
                .map(Client::wakes_at)
                .min()
                .unwrap_or(i64::MAX);
            let next_ms = wakes.clamp(now_ms + 1, until_ms);
            let heard = Arc::clone(&self.heard);
            tokio::select! {
                biased;
                () = heard.notified() => {}
                () = tokio::time::sleep(Duration::from_millis((next_ms - now_ms).unsigned_abs())) => {}
            }
        }
        Err(Finding(format!(
            "{LOOKS} looks within {ms} ms: somebody runs in a circle"
        )))
    }

    /// Everybody looks at what came and does what follows from it.
    fn looks(&mut self, life: &Life) -> Result<(), Finding> {
        let mut asks = Vec::new();
        for at in 0..self.clients.len() {
            while self.clients[at].goes_on(life.now_ms(), &mut self.book, &mut asks) {
                asks.drain(..).for_each(|ask| self.serves(life, at, ask));
            }
            asks.drain(..).for_each(|ask| self.serves(life, at, ask));
        }
        self.book
            .wrong
            .take()
            .map_or(Ok(()), |what| Err(Finding(what)))
    }

    fn serves(&mut self, life: &Life, at: usize, ask: Ask) {
        let (server, client) = (Arc::clone(&life.server), &mut self.clients[at]);
        let (who, device, mail) = (client.who, client.device, Arc::clone(&client.mail));
        let heard = Arc::clone(&self.heard);
        match ask {
            Ask::Connect => {
                self.book.stats.connections += 1;
                let loses = match self.broken {
                    Broken::LosesPushes(every) => Some(every),
                    _ => None,
                };
                let (line, pipe) = pipe(&self.heard, loses);
                let (codec, address) = (client.server_codec(), format!("10.0.0.{device}"));
                client.opens(line);
                tokio::spawn(gateway::ws::socket::serve(pipe, codec, address, server));
            }
            Ask::SignIn => {
                self.book.stats.sign_ins += 1;
                tokio::spawn(async move {
                    let answer = life::sign_in(server, who, device).await;
                    let answer = answer.map(|signed| {
                        let refresh = signed.refresh_token.unwrap_or_default();
                        (signed.access_token, signed.access_expires_at, refresh)
                    });
                    deliver(&mail, &heard, answer.ok().map(Ok));
                });
            }
            Ask::Refresh(token) => {
                tokio::spawn(async move {
                    let params = json!({"refresh_token": token});
                    let answer = life::call(&server, device, None, "session.refresh", params).await;
                    let letter = match answer {
                        Ok(body) => Some(Ok((
                            body["access_token"].as_str().unwrap_or("").to_owned(),
                            body["access_expires_at"].as_i64().unwrap_or(0),
                            body["refresh_token"].as_str().unwrap_or("").to_owned(),
                        ))),
                        Err(error) if error.class == Class::Unauthenticated => Some(Err(())),
                        Err(_) => None,
                    };
                    deliver(&mail, &heard, letter);
                });
            }
        }
    }

    /// Everybody comes online and to rest; then all is looked at. Then each says a last word, which must
    /// reach all who are there by a push alone.
    async fn last_day(&mut self, life: &Life) -> Result<(), Finding> {
        for client in &mut self.clients {
            (client.online, client.reads) = (true, true);
        }
        self.rests(life).await?;
        audit::audit(self, life).await?;
        let chats = (0..PEOPLE)
            .map(Chat::Direct)
            .chain(self.groups.clone().into_keys().map(Chat::Group));
        for (at, chat) in chats.enumerate() {
            self.writes(at % DEVICES, chat, 1, false, life.now_ms());
        }
        self.rests(life).await?;
        audit::audit(self, life).await
    }

    async fn rests(&mut self, life: &Life) -> Result<(), Finding> {
        let mut rested = false;
        for _ in 0..REST_S {
            // Longer than read positions and effects take to be written. They may begin to be at its very end,
            // so everybody rests for one more.
            self.waits(life, 5_000).await?;
            let rests = self.clients.iter().all(Client::rests);
            if rests && rested {
                return Ok(());
            }
            rested = rests;
        }
        let restless: Vec<String> = self
            .clients
            .iter()
            .filter(|client| !client.rests())
            .map(Client::shown)
            .collect();
        Err(Finding(format!("not everybody came to rest: {restless:?}")))
    }
}

/// The call by which a step changes a discussion: device, discussion, method, parameters.
fn asked(step: &Step, now_ms: i64) -> Option<(usize, usize, &'static str, Value)> {
    Some(match *step {
        Step::Add { device, group, who } => {
            let params = json!({"user_ids": [user(who)]});
            (device, group, "conversation.add_members", params)
        }
        Step::Remove { device, group, who } => {
            let params = json!({"user_id": user(who)});
            (device, group, "conversation.remove_member", params)
        }
        Step::Transfer { device, group, who } => {
            let params = json!({"user_id": user(who)});
            (device, group, "conversation.transfer", params)
        }
        Step::Rename { device, group } => {
            let params = json!({"name": format!("名字{now_ms}")});
            (device, group, "conversation.rename", params)
        }
        Step::Leave { device, group } => (device, group, "conversation.leave", json!({})),
        Step::Dissolve { device, group } => (device, group, "conversation.dissolve", json!({})),
        _ => return None,
    })
}

fn deliver(mail: &Mail, heard: &Notify, letter: Option<Result<(String, i64, String), ()>>) {
    let tokens = letter.map(|letter| {
        letter.map(|(access, access_until, refresh)| Tokens {
            access,
            access_until,
            refresh,
        })
    });
    mail.lock()
        .expect("nothing panics with it")
        .push_back(tokens);
    heard.notify_one();
}
