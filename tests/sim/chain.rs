//! kill -9 at each step of the store while one call is answered. Left alone afterwards, what the call asked
//! for is there whole or not at all; repeated with its key, it is there once (`PLAT-i03`, `PLAT-i05`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chat_core::api::{Answer, Codec};
use chat_core::ctx::{Caller, Origin};
use chat_core::directory::person::{self, PROFILE};
use chat_core::ids::Id;
use gateway::server::Call;
use serde_json::{Value, json};
use storage::engine::faulty::{Disk, Faults, Faulty};
use storage::engine::in_memory;

use crate::client::direct;
use crate::life::{BEGINNING_MS, Life, space, user};
use crate::plan::PEOPLE;

const SETUP_TOKEN: &str = "the-set-up-token";
const PASSWORD: &str = "chaoke2026";
/// Longer than effects and read positions take to be written.
pub(crate) const REST: Duration = Duration::from_secs(10);
/// The id of the discussion that stands in the parameters of later calls.
pub(crate) const DISCUSSION: &str = "$discussion";

/// A call of somebody, or of nobody.
#[derive(Clone)]
pub(crate) struct Deed {
    who: Option<usize>,
    pub(crate) method: &'static str,
    params: Value,
}

pub(crate) fn deed(who: impl Into<Option<usize>>, method: &'static str, params: Value) -> Deed {
    Deed {
        who: who.into(),
        method,
        params,
    }
}

/// A call to be killed, what comes before it, and how its outcome is seen.
struct Case {
    founded: bool,
    before: Vec<Deed>,
    deed: Deed,
    seen: Vec<Deed>,
}

impl Case {
    /// Seen by everybody's list, each conversation in it, and the list of members.
    fn of(before: Vec<Deed>, deed: Deed) -> Self {
        let everybody = 0..PEOPLE;
        let seen = everybody.flat_map(|who| {
            [
                self::deed(who, "conversation.list", json!({})),
                self::deed(who, "space.members", json!({"limit": 200})),
            ]
        });
        // There is an entry in the audit where something was done, and only there.
        let audit = self::deed(0, "admin.audit.list", json!({}));
        Self {
            founded: true,
            before,
            deed,
            seen: seen.chain([audit]).collect(),
        }
    }
}

/// What the people see, ids replaced by their order of appearance and times left out.
pub(crate) type Seen = Vec<Value>;

/// Two machines that run the same case run it in the same way.
pub(crate) struct Machine {
    disk: Arc<Disk>,
    turn: u64,
    now_ms: i64,
    /// The discussion that came before.
    discussion: Value,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self {
            disk: Disk::new(in_memory(1)),
            turn: 0,
            now_ms: BEGINNING_MS,
            discussion: Value::Null,
        }
    }

    /// One life; `None` when it was killed.
    pub(crate) fn lives<T>(
        &mut self,
        crash_at: Option<u64>,
        deeds: impl AsyncFnOnce(&Life) -> T,
    ) -> Option<T> {
        self.turn += 1;
        let faults = Faults {
            seed: self.turn,
            crash_at,
            ..Faults::default()
        };
        self.lives_with(faults, deeds)
    }

    /// One life with these faults. Everything under way dies with the runtime.
    pub(crate) fn lives_with<T>(
        &mut self,
        faults: Faults,
        deeds: impl AsyncFnOnce(&Life) -> T,
    ) -> Option<T> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let began_ms = self.now_ms;
        let (done, passed) = runtime.block_on(async {
            let began = tokio::time::Instant::now();
            let engine = Faulty::start(&self.disk, faults).await;
            let plays = async {
                let life = Life::start(&engine, faults, began_ms).await;
                life.server.node.begin_setup(SETUP_TOKEN);
                deeds(&life).await
            };
            let done = tokio::select! {
                biased;
                () = engine.crashed() => None,
                done = plays => Some(done),
            };
            (done, began.elapsed())
        });
        self.now_ms += i64::try_from(passed.as_millis()).expect("less than an age");
        done
    }

    /// The people, and what comes before the call.
    pub(crate) fn prepare(&mut self, founded: bool, before: &[Deed]) {
        let prepared = self.lives(None, async |life| {
            if founded {
                life.found().await.expect("a company");
            }
            for (at, deed) in before.iter().enumerate() {
                let key = format!("before-{at}");
                calls(life, deed, &key).await.expect("it is done");
            }
            tokio::time::sleep(REST).await;
            if !founded {
                return Value::Null;
            }
            let listing = deed(0, "conversation.list", json!({}));
            let list = calls(life, &listing, "list").await.expect("a list");
            list["items"][0]["conversation_id"].clone()
        });
        self.discussion = prepared.expect("nothing kills it");
    }

    /// The call in a life of its own; `None` when it was killed.
    fn does(&mut self, case: &Case, crash_at: Option<u64>) -> Option<()> {
        let deed = self.named(&case.deed);
        self.lives(crash_at, async |life| {
            if let Err(error) = calls(life, &deed, "key").await {
                // A set-up is never repeated: the link is gone with its server.
                assert!(!case.founded && error.code == "setup_done", "{error:?}");
            }
            // The killed one may be an effect of it.
            tokio::time::sleep(REST).await;
        })
    }

    /// The call with the discussion's id where it stands for it.
    pub(crate) fn named(&self, deed: &Deed) -> Deed {
        let mut deed = deed.clone();
        if deed.params.get("conversation_id") == Some(&json!(DISCUSSION)) {
            deed.params["conversation_id"] = self.discussion.clone();
        }
        deed
    }

    fn sees(&mut self, case: &Case) -> Seen {
        let seen = self.lives(None, async |life| {
            tokio::time::sleep(REST).await;
            let mut seen = Seen::new();
            for deed in &case.seen {
                let answer = calls(life, deed, "look").await;
                seen.push(answer.unwrap_or_else(|error| json!({"refused": error.code})));
            }
            seen
        });
        normal(seen.expect("nothing kills it"))
    }
}

pub(crate) async fn calls(life: &Life, deed: &Deed, key: &str) -> Answer<Value> {
    let server = &life.server;
    let caller = match deed.who {
        None => None,
        Some(who) => {
            let home = person::user_home(user(who));
            let profile = server.node.store.read(&home, &PROFILE, &(), &()).await?;
            Some(Caller {
                account_id: profile.expect("a person").account_id,
                user_id: user(who),
                space_id: space(),
                session_id: Id::derived("chain", &[&who.to_be_bytes()]),
                expires_at: i64::MAX,
                must_change_password: false,
            })
        }
    };
    let call = Call {
        method: deed.method.to_owned(),
        caller,
        params: deed
            .params
            .as_object()
            .cloned()
            .expect("parameters are a map"),
        key: Some(key.to_owned()),
        origin: Origin::default(),
        connection: None,
        codec: Codec::Json,
        trace: None,
    };
    let (body, _) = server.call(call).await;
    Ok(serde_json::from_slice(&body?).expect("the server writes JSON"))
}

/// Ids become numbers in the order of their appearance; times and secrets go.
pub(crate) fn normal(mut seen: Seen) -> Seen {
    fn walk(value: &mut Value, known: &mut BTreeMap<String, usize>) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, known)),
            Value::Object(fields) => {
                fields.retain(|name, _| {
                    let changes = ["_at", "_token", "request_id", "entry_id"];
                    !changes.iter().any(|end| name.ends_with(end))
                });
                fields.values_mut().for_each(|field| walk(field, known));
            }
            Value::String(text) if text.parse::<Id>().is_ok() => {
                let next = known.len();
                *value = json!(known.entry(text.clone()).or_insert(next));
            }
            _ => {}
        }
    }
    let mut known = BTreeMap::new();
    seen.iter_mut().for_each(|value| walk(value, &mut known));
    seen
}

/// Kills the call at each step there is.
fn at_each_step(case: &Case) {
    let mut machine = Machine::new();
    machine.prepare(case.founded, &case.before);
    let before = machine.sees(case);
    machine.does(case, None).expect("nothing kills it");
    let after = machine.sees(case);
    assert_ne!(before, after, "{}: it does something", case.deed.method);
    let (mut kills, mut absent) = (0, 0);
    for crash_at in 1.. {
        let mut machine = Machine::new();
        machine.prepare(case.founded, &case.before);
        if machine.does(case, Some(crash_at)).is_some() {
            break;
        }
        kills += 1;
        let left = machine.sees(case);
        let what = format!("{} killed at step {crash_at}", case.deed.method);
        assert!(
            left == after || left == before,
            "{what} is half done: {left:#?}\nafter: {after:#?}"
        );
        absent += u32::from(left == before);
        machine.does(case, None).expect("nothing kills it");
        assert_eq!(machine.sees(case), after, "{what} and repeated");
    }
    assert!(
        absent > 0 && kills > absent,
        "{kills} kills, {absent} of them too early for anything"
    );
}

pub(crate) fn discussion_of(people: &[usize]) -> Deed {
    let user_ids: Vec<_> = people.iter().map(|who| user(*who)).collect();
    deed(
        0,
        "conversation.create_discussion",
        json!({"user_ids": user_ids, "name": "报价"}),
    )
}

#[test]
fn plat_i05_set_up_is_whole_or_absent_at_each_step() {
    let complete = json!({"token": SETUP_TOKEN, "company_name": "超客", "name": "张三", "login": "zhangsan", "password": PASSWORD});
    let sign_in = json!({"login": "zhangsan", "password": PASSWORD});
    at_each_step(&Case {
        founded: false,
        before: vec![],
        deed: deed(None, "setup.complete", complete),
        seen: vec![
            deed(None, "setup.state", json!({})),
            deed(None, "session.sign_in", sign_in),
        ],
    });
}

#[test]
fn plat_i03_plat_i05_a_colleague_is_whole_or_absent_at_each_step() {
    let params = json!({"name": "赵云", "login": "zhaoyun"});
    let mut case = Case::of(vec![], deed(0, "space.add_member", params));
    let found = json!({"query": "zhaoyun"});
    case.seen.push(deed(1, "directory.search", found));
    at_each_step(&case);
}

#[test]
fn plat_i03_plat_i05_disabling_somebody_is_whole_or_absent_at_each_step() {
    let params = json!({"user_id": user(3), "reason": "已离职"});
    let mut case = Case::of(vec![], deed(0, "space.disable_member", params));
    let listing = deed(0, "space.disabled_members", json!({}));
    case.seen.push(listing);
    at_each_step(&case);
}

#[test]
fn plat_i03_plat_i05_a_discussion_and_its_changes_are_whole_or_absent_at_each_step() {
    let there = || vec![discussion_of(&[1, 2])];
    let changes = |method, params: Value| {
        let mut params = params;
        params["conversation_id"] = json!(DISCUSSION);
        Case::of(there(), deed(0, method, params))
    };
    for case in [
        Case::of(vec![], discussion_of(&[1, 2])),
        changes("conversation.add_members", json!({"user_ids": [user(3)]})),
        changes("conversation.remove_member", json!({"user_id": user(2)})),
        changes("conversation.leave", json!({})),
        changes("conversation.rename", json!({"name": "合同"})),
        changes("conversation.transfer", json!({"user_id": user(1)})),
        changes("conversation.dissolve", json!({})),
        changes(
            "message.send",
            json!({"text": "你好", "client_msg_id": "first"}),
        ),
    ] {
        at_each_step(&case);
    }
}

#[test]
fn plat_i03_plat_i05_the_first_message_to_somebody_is_whole_or_absent_at_each_step() {
    let (conversation_id, peer_id) = direct(0, 1);
    let params = json!({"conversation_id": conversation_id, "peer_id": peer_id, "text": "你好", "client_msg_id": "first"});
    at_each_step(&Case::of(vec![], deed(0, "message.send", params)));
}
