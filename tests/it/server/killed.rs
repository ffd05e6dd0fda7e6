//! kill -9 while several people write: nothing acknowledged is missing, nothing is there twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use world::{Codec, Dice, Opening, Person, Process, within};

const ROUNDS: usize = 5;
/// Messages of one sender in a round: below the burst that a person has.
const MESSAGES: usize = 60;
/// Messages of one sender under way at the same time.
const AT_ONCE: usize = 6;

/// What a client sends again until it is acknowledged.
#[derive(Clone)]
struct Call {
    person: Person,
    method: &'static str,
    key: String,
    params: Value,
}

/// Answers by client id.
type Answers = BTreeMap<String, Value>;

/// Sends one after the other, a few at once; keeps what was acknowledged. Ends when the server dies.
async fn send_all(calls: Vec<Call>, acknowledged: Arc<AtomicUsize>) -> Answers {
    let mut answers = Answers::new();
    for block in calls.chunks(AT_ONCE) {
        let mut asked = Vec::new();
        for call in block {
            let frame = json!([
                asked.len() + 1_000 + answers.len(),
                call.method,
                call.params,
                call.key
            ]);
            let id = u32::try_from(frame[0].as_u64().unwrap()).unwrap();
            call.person
                .device()
                .send(call.person.device().codec().frame(&frame))
                .await;
            asked.push((call.key.clone(), id, call.person.device()));
        }
        for (key, id, device) in asked {
            match device.answer(id).await {
                Ok(answer) => {
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                    answers.insert(key, answer);
                }
                Err(refusal) if refusal.code == "closed" => return answers,
                Err(refusal) => panic!("{key}: {refusal:?}"),
            }
        }
    }
    answers
}

fn say(person: &Person, chat: &str, key: String, peer: Option<&Person>) -> Call {
    let mut params =
        json!({"conversation_id": chat, "client_msg_id": key, "text": format!("正文{key}")});
    if let Some(peer) = peer {
        params["peer_id"] = peer.id.clone().into();
    }
    Call {
        person: person.clone(),
        method: "message.send",
        key,
        params,
    }
}

/// What was sent, what was acknowledged, and the server it was sent to.
pub(crate) struct Story {
    process: Process,
    people: Vec<Person>,
    group: String,
    answers: Answers,
    calls: Vec<Call>,
}

impl Story {
    pub(crate) async fn begin(process: Process) -> Self {
        let zhang = process.company("超客").await.admin("张三").await;
        let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
        let group = zhang.gathers(&[&li, &wang], "项目组").await;
        Self {
            process,
            people: vec![zhang, li, wang],
            group,
            answers: Answers::new(),
            calls: Vec::new(),
        }
    }

    /// The calls of one person in a round: messages, and in their middle a new discussion and the first
    /// message of a new private chat.
    fn plan(&self, round: usize, at: usize, newcomer: &str, chat: &str) -> Vec<Call> {
        let person = &self.people[at];
        let key = |what: &str, n: usize| format!("{what}-{round}-{at}-{n}");
        let mut calls: Vec<Call> = (0..MESSAGES)
            .map(|n| say(person, &self.group, key("m", n), None))
            .collect();
        let create =
            json!({"user_ids": [self.people[(at + 1) % 3].id], "name": format!("第{round}组")});
        calls.insert(
            2 + 9 * round,
            Call {
                person: person.clone(),
                method: "conversation.create_discussion",
                key: key("d", 0),
                params: create,
            },
        );
        let mut first = say(person, chat, key("f", 0), None);
        first.params["peer_id"] = newcomer.into();
        calls.insert(3 + 7 * round, first);
        calls
    }

    /// So many rounds of writing and a kill, then the audit.
    pub(crate) async fn runs(mut self, rounds: usize) {
        let mut dice = Dice::seeded(5);
        for round in 0..rounds {
            self.round(round, &mut dice).await;
        }
        self.audit().await;
    }

    async fn round(&mut self, round: usize, dice: &mut Dice) {
        for (at, person) in self.people.iter().enumerate() {
            let codec = Codec::BOTH[(round + at) % 2];
            person.comes(Opening::fresh().over(codec)).await;
        }
        let newcomers = self.people[0].adds_many(3).await;
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::new();
        for (at, newcomer) in newcomers.iter().enumerate() {
            let params = json!({"user_id": newcomer});
            let opened = self.people[at]
                .does("conversation.open_direct", params)
                .await;
            let chat = opened["conversation_id"].as_str().unwrap();
            let calls = self.plan(round, at, newcomer, chat);
            self.calls.extend(calls.iter().cloned());
            tasks.push(tokio::spawn(send_all(calls, Arc::clone(&acknowledged))));
        }
        let enough = 5 + dice.below(2 * MESSAGES);
        within(
            Duration::from_secs(30),
            "enough is acknowledged",
            || async { (acknowledged.load(Ordering::SeqCst) >= enough).then_some(()) },
        )
        .await;
        self.process.kill().await;
        for task in tasks {
            self.answers.extend(task.await.unwrap());
        }
        self.process.start_again().await;
        self.resend().await;
    }

    /// Sends again all that was not acknowledged, and some that was.
    async fn resend(&mut self) {
        let mut open: Vec<Call> = Vec::new();
        for (n, call) in self.calls.iter().enumerate() {
            if !self.answers.contains_key(&call.key) || n % 37 == 0 {
                open.push(call.clone());
            }
        }
        for call in open {
            let token = call.person.tokens().access;
            let answer = loop {
                let sent = self.process.wire().http_keyed(
                    Some(&token),
                    &call.key,
                    call.method,
                    call.params.clone(),
                );
                match sent.await.outcome() {
                    Ok(answer) => break answer,
                    // A person has so many calls a second; the rest waits its turn.
                    Err(refusal) => assert_eq!(refusal.code, "rate_limited", "{refusal:?}"),
                }
            };
            if let Some(first) = self.answers.insert(call.key.clone(), answer.clone()) {
                assert_eq!(
                    first["seq"], answer["seq"],
                    "{}: the first answer again",
                    call.key
                );
                assert_eq!(first["conversation_id"], answer["conversation_id"]);
            }
        }
    }

    async fn audit(&self) {
        let log = self.people[0].log(&self.group).await;
        let numbers: Vec<u64> = log.iter().map(|m| m["seq"].as_u64().unwrap()).collect();
        assert_eq!(
            numbers,
            (1..=log.len() as u64).collect::<Vec<_>>(),
            "no gap"
        );
        let sent: Vec<&Call> = self
            .calls
            .iter()
            .filter(|call| call.key.starts_with("m-"))
            .collect();
        assert_eq!(
            log.len(),
            sent.len() + 1,
            "each message once, and the line of the beginning"
        );
        for call in sent {
            let answer = &self.answers[&call.key];
            let message = &log[usize::try_from(answer["seq"].as_u64().unwrap()).unwrap() - 1];
            assert_eq!(*message, answer["message"], "as it was acknowledged");
            assert_eq!(message["client_msg_id"], call.key.as_str());
        }
        for (at, person) in self.people.iter().enumerate() {
            self.audit_person(at, person).await;
        }
    }

    /// Effects ran exactly once: each conversation stands once in the list and once in the log `self`.
    async fn audit_person(&self, at: usize, person: &Person) {
        let mut expected = vec![self.group.clone()];
        for (key, answer) in &self.answers {
            let (own, before) = (format!("-{at}-0"), format!("-{}-0", (at + 2) % 3));
            let discussion =
                key.starts_with("d-") && (key.ends_with(&own) || key.ends_with(&before));
            let first = key.starts_with("f-") && key.ends_with(&own);
            if discussion || first {
                expected.push(answer["conversation_id"].as_str().unwrap().to_owned());
            }
        }
        let rows = person.list().await;
        let mut listed: Vec<&str> = rows
            .iter()
            .map(|row| row["conversation_id"].as_str().unwrap())
            .collect();
        listed.sort_unstable();
        expected.sort_unstable();
        assert_eq!(listed, expected);
        let log = person.log(&self.group).await;
        let own = log
            .iter()
            .rposition(|m| m["author_id"] == person.id.as_str());
        let behind = log.len() - 1 - own.expect("everybody wrote");
        assert_eq!(person.unread(&self.group).await, behind as u64);
        let told = person.self_log().await;
        let told = told.iter().filter(|entry| entry["what"] == "joined");
        let mut told: Vec<&str> = told
            .map(|entry| entry["conversation_id"].as_str().unwrap())
            .collect();
        told.sort_unstable();
        assert_eq!(told, expected, "joined once");
    }
}

#[tokio::test]
async fn plat_i05_im_i02_a_server_killed_while_people_write_loses_nothing_and_doubles_nothing() {
    Story::begin(Process::start().await)
        .await
        .runs(ROUNDS)
        .await;
}

#[tokio::test]
async fn ones_own_message_stays_read_when_the_server_is_killed_right_after_it() {
    let mut process = Process::start().await;
    let zhang = process.company("超客").await.admin("张三").await;
    let li = zhang.adds("李四").await;
    zhang.writes(&li, "在吗").await;
    li.writes(&zhang, "在").await;
    li.writes(&zhang, "什么事").await;
    let chat = zhang.direct(&li).await;
    process.kill().await;
    process.start_again().await;
    assert_eq!((zhang.unread(&chat).await, li.unread(&chat).await), (2, 0));
}
