//! Everything that may happen to a cluster, under load and with an audit: each part killed, the writer stopped
//! beyond the life of its part of the journal, NATS gone and back, the database killed, and standing still for 20
//! seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use storage::suite::cassandra::{self, Cassandra};
use storage::suite::signal;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use world::{Nats, Opening, Person, Process, Wire, runs, within};

use super::nodes::{TAKEOVER, flags_on};

/// A call that a stopped server never answers is sent to another one after this long.
const PATIENCE: Duration = Duration::from_secs(12);
/// Buckets so small, dropped so soon, that a server stopped for seconds wakes up behind them.
const LIMITS: &str = "bucket_positions=64,mark_age_ms=0,mark_ms=0,drop_age_ms=1000";
/// How long the database stands still.
const STANDSTILL: Duration = Duration::from_secs(20);

/// Servers, and what they stand on.
struct Fleet {
    keyspace: &'static str,
    cassandra: Cassandra,
    nats: Nats,
    servers: Vec<Process>,
}

const NAMES: [&str; 3] = ["one", "two", "three"];

impl Fleet {
    async fn begin(keyspace: &'static str, size: usize) -> Self {
        let cassandra = tokio::task::spawn_blocking(|| cassandra::start("kept")).await;
        let mut fleet = Self {
            keyspace,
            cassandra: cassandra.expect("a database"),
            nats: Nats::start().await,
            servers: Vec::new(),
        };
        for name in &NAMES[..size] {
            let server = Process::start_with(&fleet.flags(name)).await;
            fleet.servers.push(server);
        }
        fleet
    }

    fn flags(&self, name: &str) -> Vec<String> {
        let mut flags = flags_on(&self.cassandra, self.keyspace, name, Some(&self.nats));
        flags.extend(["--cql-limits".to_owned(), LIMITS.to_owned()]);
        flags
    }

    fn wires(&self) -> Vec<Arc<Wire>> {
        let wire = |server: &Process| Arc::clone(server.wire());
        self.servers.iter().map(wire).collect()
    }

    /// Which server writes, as `chaoke status` says.
    async fn writer(&self) -> usize {
        within(TAKEOVER, "somebody writes", || async {
            let mut arguments = vec!["status".to_owned()];
            let flags = super::database::flags_on(&self.cassandra, self.keyspace);
            arguments.extend(flags);
            arguments.extend(["--cql-limits".to_owned(), LIMITS.to_owned()]);
            let said = runs(&arguments).await;
            let line = said
                .lines()
                .find(|line| line.contains("journal 0") && line.contains(" yes "))?;
            NAMES.iter().position(|name| line.starts_with(name))
        })
        .await
    }

    fn signal_database(&self, name: &str) {
        signal::send(self.cassandra.pid, name);
    }

    /// Buckets of the journal whose entries are gone.
    async fn dropped(&self) -> usize {
        let session = cassandra::session(&self.cassandra.address).await;
        let session = session.expect("the database answers");
        let text = format!(
            "SELECT DISTINCT bucket, dropped FROM {}.journal",
            self.keyspace
        );
        let text = text.replace("DISTINCT bucket", "DISTINCT incarnation, journal, bucket");
        let rows = session.query_unpaged(text, ()).await.expect("an answer");
        let rows = rows.into_rows_result().expect("rows");
        let rows = rows.rows::<(i64, i32, i64, Option<bool>)>().expect("rows");
        rows.filter(|row| matches!(row, Ok((.., Some(true)))))
            .count()
    }
}

/// People who write until they are told to stop, to whichever server answers.
struct Load {
    stop: watch::Sender<bool>,
    answered: Arc<AtomicUsize>,
    writing: Vec<JoinHandle<BTreeMap<String, Value>>>,
}

/// One who sends what he wrote until it is acknowledged, under one id.
struct Writer {
    token: String,
    wires: Vec<Arc<Wire>>,
    at: usize,
}

impl Writer {
    async fn sends(&mut self, key: &str, method: &str, params: Value) -> Value {
        loop {
            let wire = &self.wires[self.at % self.wires.len()];
            let call = wire.http_if_alive(Some(&self.token), key, method, params.clone());
            match timeout(PATIENCE, call).await.ok().flatten() {
                Some(answer) => match answer.outcome() {
                    Ok(answer) => return answer,
                    // He may send 20 a second, and a server without a way to the database says so.
                    Err(refusal) => assert!(
                        ["limited", "unavailable", "unknown"].contains(&refusal.class.as_str()),
                        "{key}: {refusal:?}"
                    ),
                },
                None => self.at += 1,
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Load {
    fn begin(people: &[Person], group: &str, wires: &[Arc<Wire>]) -> Self {
        let (stop, stopped) = watch::channel(false);
        let answered = Arc::new(AtomicUsize::new(0));
        let writing = people.iter().enumerate().map(|(at, person)| {
            let mut writer = Writer {
                token: person.tokens().access,
                wires: wires.to_vec(),
                at,
            };
            let (group, stopped) = (group.to_owned(), stopped.clone());
            let (other, count) = (
                people[(at + 1) % people.len()].id.clone(),
                Arc::clone(&answered),
            );
            tokio::spawn(async move {
                let mut answers = BTreeMap::new();
                for n in 0_usize.. {
                    if *stopped.borrow() {
                        break;
                    }
                    let key = format!("m-{at}-{n}");
                    let params =
                        json!({"conversation_id": group, "client_msg_id": key, "text": key});
                    let answer = writer.sends(&key, "message.send", params).await;
                    answers.insert(key, answer);
                    if n % 40 == 7 {
                        let key = format!("d-{at}-{n}");
                        let params = json!({"user_ids": [other], "name": key});
                        let made = writer
                            .sends(&key, "conversation.create_discussion", params)
                            .await;
                        answers.insert(key, made);
                    }
                    count.fetch_add(1, Ordering::SeqCst);
                }
                answers
            })
        });
        Self {
            writing: writing.collect(),
            stop,
            answered,
        }
    }

    /// So many more are acknowledged.
    async fn goes_on(&self, more: usize) {
        let begun = self.answered.load(Ordering::SeqCst);
        within(TAKEOVER, "people go on writing", || async {
            (self.answered.load(Ordering::SeqCst) >= begun + more).then_some(())
        })
        .await;
    }

    async fn ends(self) -> BTreeMap<String, Value> {
        self.stop.send_replace(true);
        let mut answers = BTreeMap::new();
        for writing in self.writing {
            answers.extend(writing.await.expect("nobody was refused"));
        }
        answers
    }
}

/// What one saw on one connection, of one conversation: each number once, in order. Between two that don't
/// follow each other he was told that he missed something, or lost the connection.
fn in_order(device: &world::Device, group: &str) {
    let seqs: Vec<u64> = device
        .messages_of(group)
        .iter()
        .filter_map(|message| message["seq"].as_u64())
        .collect();
    assert!(
        seqs.is_sorted_by(|a, b| a < b),
        "doubled or reordered: {seqs:?}"
    );
    let gaps = seqs
        .windows(2)
        .filter(|pair| pair[1] != pair[0] + 1)
        .count();
    let told = device.events("connection.resync").len();
    assert!(gaps <= told, "{gaps} gaps and {told} times told: {seqs:?}");
}

/// The audit: each acknowledged once, at its place; nothing else; lists, `self` and unread agree.
async fn audit(
    people: &[Person],
    group: &str,
    wires: &[Arc<Wire>],
    answers: &BTreeMap<String, Value>,
) {
    for wire in wires {
        let log = people[0].at(wire).log(group).await;
        let seqs: Vec<u64> = log.iter().filter_map(|m| m["seq"].as_u64()).collect();
        assert_eq!(seqs, (1..=log.len() as u64).collect::<Vec<_>>(), "no gap");
        let ids: BTreeSet<&str> = log
            .iter()
            .filter_map(|m| m["client_msg_id"].as_str())
            .collect();
        let sent: BTreeMap<&str, &Value> = answers
            .iter()
            .filter(|(key, _)| key.starts_with("m-"))
            .map(|(key, answer)| (key.as_str(), answer))
            .collect();
        assert_eq!(
            log.len(),
            sent.len() + 1,
            "each once, and the line of the beginning"
        );
        assert_eq!(ids, sent.keys().copied().collect());
        for (key, answer) in sent {
            let seq = usize::try_from(answer["seq"].as_u64().expect("a number")).expect("small");
            assert_eq!(
                log[seq - 1]["client_msg_id"],
                key,
                "where it was acknowledged"
            );
        }
        for (at, person) in people.iter().enumerate() {
            let person = person.at(wire);
            let own = log
                .iter()
                .rposition(|m| m["author_id"] == person.id.as_str());
            let behind = log.len() - 1 - own.expect("everybody wrote");
            let last = people.len() - 1;
            within(
                TAKEOVER,
                "unread is what stands behind one's last message",
                || async {
                    person.comes(Opening::fresh()).await;
                    (person.unread(group).await == behind as u64).then_some(())
                },
            )
            .await;
            let made = answers.iter().filter(|(key, _)| {
                let before = if at == 0 { last } else { at - 1 };
                key.starts_with(&format!("d-{at}-")) || key.starts_with(&format!("d-{before}-"))
            });
            let mut expected: Vec<String> = made
                .filter_map(|(_, answer)| answer["conversation_id"].as_str().map(str::to_owned))
                .collect();
            expected.push(group.to_owned());
            expected.sort_unstable();
            let told = person.self_log().await;
            let mut told: Vec<&str> = told
                .iter()
                .filter(|entry| entry["what"] == "joined")
                .filter_map(|entry| entry["conversation_id"].as_str())
                .collect();
            told.sort_unstable();
            assert_eq!(told, expected, "joined each once");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plat_i05_whatever_part_of_a_cluster_fails_nothing_is_lost_doubled_or_reordered() {
    let mut fleet = Fleet::begin("faults", 3).await;
    let zhang = fleet.servers[0].company("超客").await.admin("张三").await;
    let mut people = vec![zhang.clone()];
    for name in ["李四", "王五", "赵六"] {
        people.push(zhang.adds(name).await);
    }
    let others: Vec<&Person> = people[1..].iter().collect();
    let group = zhang.gathers(&others, "项目组").await;
    let wires = fleet.wires();
    let mut devices = Vec::new();
    for (wire, person) in wires.iter().zip(&people) {
        devices.push(person.at(wire).comes(Opening::fresh()).await);
    }
    let load = Load::begin(&people, &group, &wires);
    let began = Instant::now();
    let say = |what: &str| println!("{:>6} ms {what}", began.elapsed().as_millis());
    load.goes_on(40).await;

    say("the writer is killed");
    let writer = fleet.writer().await;
    fleet.servers[writer].kill().await;
    load.goes_on(40).await;
    fleet.servers[writer].start_again().await;

    say("one that does not write is killed");
    let writer = fleet.writer().await;
    let other = (writer + 1) % fleet.servers.len();
    fleet.servers[other].kill().await;
    load.goes_on(40).await;
    fleet.servers[other].start_again().await;

    say("NATS dies and comes back");
    fleet.nats.dies().await;
    load.goes_on(40).await;
    fleet.nats.starts().await;
    load.goes_on(40).await;

    say("the writer stands still until its part of the journal is gone");
    let writer = fleet.writer().await;
    let before = fleet.dropped().await;
    fleet.servers[writer].signal("-STOP");
    within(TAKEOVER * 2, "what it knew is gone", || async {
        (fleet.dropped().await >= before + 3).then_some(())
    })
    .await;
    fleet.servers[writer].signal("-CONT");
    load.goes_on(80).await;

    say("the database is killed");
    let cassandra = fleet.cassandra;
    fleet.cassandra = tokio::task::spawn_blocking(move || cassandra.dies_and_starts())
        .await
        .expect("it starts");
    load.goes_on(40).await;

    say("the database stands still");
    let writer = fleet.writer().await;
    fleet.signal_database("-STOP");
    // Nobody is answered meanwhile, but for what was under way.
    let answered = timeout(STANDSTILL, load.goes_on(people.len() + 1)).await;
    assert!(answered.is_err(), "a database that stands still answered");
    let ready = fleet.servers[writer].wire().get("/readyz").await;
    assert_eq!(ready, (503, "the store does not answer".to_owned()));
    fleet.signal_database("-CONT");
    load.goes_on(40).await;

    let answers = load.ends().await;
    say(&format!(
        "{} calls were acknowledged; the audit",
        answers.len()
    ));
    for device in &devices {
        in_order(device, &group);
    }
    audit(&people, &group, &wires, &answers).await;
    say("done");
}
