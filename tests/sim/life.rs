//! One life of a server, from its start on a disk to its death. It runs on a runtime of its own: when that
//! is dropped, everything that was under way stops where it stands, as a killed process does.

use std::sync::Arc;

use chat_core::api::Answer;
use chat_core::api::Codec;
use chat_core::clock::Clock;
use chat_core::ctx::{Caller, Ctx, Origin};
use chat_core::directory::person::{self, AccountRow, NewPerson, Role, Secret};
use chat_core::directory::session::{self, SignedIn};
use chat_core::directory::setup::{SYSTEM, system_home};
use chat_core::directory::space::{SPACE, SpaceRow};
use chat_core::ids::{Id, SpaceId, UserId};
use chat_core::random::Random;
use chat_core::secret::{Cost, Passwords};
use gateway::server::{Call, Options, Server};
use serde_json::Value;
use storage::engine::faulty::{Faults, Faulty};
use storage::{Limits, Store};
use tokio::time::Instant;

use crate::plan::{PEOPLE, Weather};

/// 2026-01-05 00:00 UTC, when all plans begin.
pub(crate) const BEGINNING_MS: i64 = 1_767_571_200_000;
/// Starts that a server under faults may need: each reads a handful of rows.
const STARTS: u64 = 50;

/// The company.
pub(crate) fn space() -> SpaceId {
    Id::derived("sim", &[b"space"])
}

/// A person of it.
pub(crate) fn user(who: usize) -> UserId {
    Id::derived("sim", &[b"user", &who.to_be_bytes()])
}

fn new_person(who: usize) -> NewPerson {
    NewPerson {
        space_id: space(),
        account_id: Id::derived("sim", &[b"account", &who.to_be_bytes()]),
        user_id: user(who),
        login: format!("person{who}"),
        name: format!("人{who}"),
        title: None,
        role: if who == 0 { Role::Admin } else { Role::Member },
        secret: Secret::Password {
            hash: String::new(),
        },
        at: BEGINNING_MS,
        note: None,
    }
}

/// A server on a disk.
pub(crate) struct Life {
    pub(crate) server: Arc<Server>,
    began: Instant,
    began_ms: i64,
}

/// The faults of a life.
pub(crate) fn faults(weather: Weather, seed: u64, crash_at: Option<u64>) -> Faults {
    let faults = match weather {
        Weather::Calm => Faults {
            seed,
            ..Faults::default()
        },
        Weather::Hidden => Faults::hidden(seed),
        Weather::Rough => Faults::rough(seed),
    };
    Faults { crash_at, ..faults }
}

impl Life {
    /// Starts a server at `began_ms` of the simulated clock, on an engine with these faults.
    pub(crate) async fn start(engine: &Arc<Faulty>, faults: Faults, began_ms: i64) -> Self {
        let began = Instant::now();
        for turn in 0..STARTS {
            let clock = Clock::reading(move || began_ms + passed_ms(began));
            let limits = Limits {
                incarnation_seed: faults.seed,
                ..Limits::default()
            };
            let store = Store::with_engine(Arc::clone(engine) as _, limits, clock.as_fn());
            // A restart must not draw the ids of the last run again.
            let random = Random::seeded(faults.seed.wrapping_mul(STARTS).wrapping_add(turn));
            let mut options = Options::new(store.clone(), clock, random);
            options.passwords = Passwords::new(Cost::LEAST);
            match Server::start(options).await {
                Ok(server) => {
                    return Self {
                        server,
                        began,
                        began_ms,
                    };
                }
                // A read failed: a server that does not come up is started again.
                Err(_) => store.close().await,
            }
        }
        panic!("{STARTS} starts failed");
    }

    /// Now, on the simulated clock.
    pub(crate) fn now_ms(&self) -> i64 {
        self.began_ms + passed_ms(self.began)
    }

    /// Makes the company and its people.
    pub(crate) async fn found(&self) -> Answer<()> {
        let store = &self.server.node.store;
        let mut t = store.transaction(&person::space_home(space()));
        let row = SpaceRow {
            name: "超客".to_owned(),
            created_at: BEGINNING_MS,
        };
        t.set(&SPACE, &(), &(), &row)?;
        t.commit().await?;
        for who in 0..PEOPLE {
            person::create(store, &new_person(who), self.now_ms()).await?;
        }
        let mut t = store.transaction(&system_home());
        let mut row = t.read(&SYSTEM, &(), &()).await?.expect("made at the start");
        row.space_id = Some(space());
        t.set(&SYSTEM, &(), &(), &row)?;
        t.commit().await?;
        Ok(())
    }
}

fn passed_ms(began: Instant) -> i64 {
    i64::try_from(began.elapsed().as_millis()).expect("less than an age")
}

fn origin(device: usize) -> Origin {
    Origin {
        address: format!("10.0.0.{device}"),
        ..Origin::default()
    }
}

/// Signs a device in, as if the password had been right: hashing one takes a thread, whose timing no seed
/// decides.
pub(crate) async fn sign_in(server: Arc<Server>, who: usize, device: usize) -> Answer<SignedIn> {
    let ctx = Ctx::new(Arc::clone(&server.node), None, None, origin(device))?;
    let person = new_person(who);
    let account = AccountRow {
        login: person.login,
        secret: person.secret,
        space_id: person.space_id,
        user_id: person.user_id,
        disabled: false,
    };
    session::begin(
        &ctx,
        person.account_id,
        &account,
        format!("device {device}"),
        false,
    )
    .await
}

/// A call over HTTP.
pub(crate) async fn call(
    server: &Server,
    device: usize,
    caller: Option<Caller>,
    method: &str,
    params: Value,
) -> Answer<Value> {
    let params = params.as_object().cloned().expect("parameters are a map");
    let call = Call {
        method: method.to_owned(),
        caller,
        params,
        key: None,
        origin: origin(device),
        connection: None,
        codec: Codec::Json,
        trace: None,
    };
    let (body, _) = server.call(call).await;
    Ok(serde_json::from_slice(&body?).expect("the server writes JSON"))
}
