//! One schedule: at every step something that could happen next is chosen by the seed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::client::{Client, Known};
use super::database::{Pending, Shared, Simulated, Statement, World, unknown};
use super::truth::Kind;
use crate::contract::OpenError;
use crate::engine::cql::Cql;
use crate::limits::{CqlLimits, Limits};
use crate::store::Store;

const NODES: usize = 2;
const STEPS: usize = 120;
const CLAIMS: u32 = 6;
const TIME_OUTS: u32 = 3;
const CRASHES: u32 = 1;
const SENDINGS: u32 = 3;

type Opening = Pin<Box<dyn Future<Output = Result<Cql<Simulated>, OpenError>>>>;
type Writing = Pin<Box<dyn Future<Output = ()>>>;

/// A process.
#[derive(Default)]
struct Node {
    opening: Option<Opening>,
    serving: Option<(Store, Arc<Cql<Simulated>>, Writing)>,
}

/// What may happen next.
#[derive(Debug, Clone, Copy)]
enum Choice {
    Run(usize),
    RunAnswerLater(usize),
    Answer(usize),
    TimeOut(usize),
    Claim(usize),
    StepDown(usize),
    Crash(usize),
    Send(usize, usize),
    Arrive(usize, usize),
    Lose(usize, usize),
}

/// What happened in schedules, so that none of it is missing.
#[derive(Debug, Default, Clone)]
pub(super) struct Seen {
    answered: u64,
    refused: u64,
    deposed: u64,
    late: u64,
    dropped: u64,
    crashes: u64,
    /// Rounds that became durable while the one before was being applied.
    overlapping: u64,
}

impl Seen {
    pub(super) fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.refused += other.refused;
        self.deposed += other.deposed;
        self.late += other.late;
        self.dropped += other.dropped;
        self.crashes += other.crashes;
        self.overlapping += other.overlapping;
    }

    pub(super) fn all_happened(&self) -> bool {
        let all = [
            self.answered,
            self.refused,
            self.deposed,
            self.late,
            self.dropped,
            self.crashes,
            self.overlapping,
        ];
        all.iter().all(|n| *n >= 20)
    }
}

/// A schedule that was run to its end.
pub(super) struct Run {
    seed: u64,
    world: Shared,
    nodes: Vec<Node>,
    clients: Vec<Client>,
    limits: Limits,
    claims: u32,
    time_outs: u32,
    crashes: u32,
    opened: u64,
    overlapping: u64,
    trace: Vec<String>,
    seen: Seen,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.violation().unwrap_or_default();
        writeln!(f, "seed {}, {} steps: {what}", self.seed, self.steps())?;
        self.trace
            .iter()
            .try_for_each(|step| writeln!(f, "    {step}"))
    }
}

impl Run {
    /// Runs the schedule of a seed.
    pub(super) fn of(seed: u64) -> Self {
        let mut world = World::new(seed);
        let buckets = [1, 2, 4][world.draw() as usize % 3];
        // One is soon forgotten; so many never.
        let attempts = [1, 64, 64, 64][world.draw() as usize % 4];
        // Without any, every row is fetched.
        let kept_rows = [0, 1_000][world.draw() as usize % 2];
        let clients = (0..3 + world.draw() % 2).map(|_| {
            let kinds = [
                Kind::Add,
                Kind::PutAbsent,
                Kind::PutAbsent,
                Kind::DeletePresent,
            ];
            Client::new(kinds[world.draw() as usize % kinds.len()])
        });
        let clients = clients.collect();
        let mut run = Self {
            seed,
            world: Arc::new(Mutex::new(world)),
            nodes: (0..NODES).map(|_| Node::default()).collect(),
            clients,
            limits: Limits {
                queue_commits: 16,
                attempts,
                kept_rows,
                cql: CqlLimits {
                    bucket_positions: buckets,
                    mark_age_ms: 0,
                    mark_ms: 0,
                    drop_age_ms: 0,
                    beats: false,
                    ..CqlLimits::default()
                },
                ..Limits::default()
            },
            claims: 0,
            time_outs: 0,
            crashes: 0,
            opened: 0,
            overlapping: 0,
            trace: Vec::new(),
            seen: Seen::default(),
        };
        run.go();
        run
    }

    pub(super) fn violation(&self) -> Option<String> {
        self.world().violation.clone()
    }

    pub(super) fn steps(&self) -> usize {
        self.trace.len()
    }

    pub(super) fn seen(&self) -> Seen {
        Seen {
            dropped: self.world().dropped,
            crashes: u64::from(self.crashes),
            overlapping: self.overlapping,
            ..self.seen.clone()
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn go(&mut self) {
        for _ in 0..STEPS {
            let choices = self.choices();
            let total: u64 = choices.iter().map(|(weight, _)| weight).sum();
            if total == 0 {
                break;
            }
            let mut pick = self.world().draw() % total;
            let chosen = choices.iter().find(|(weight, _)| {
                let found = pick < *weight;
                pick = pick.saturating_sub(*weight);
                found
            });
            let Some((_, choice)) = chosen else { break };
            self.take(*choice);
            self.poll();
            if self.violation().is_some() {
                return;
            }
        }
        self.heal();
    }

    /// Everything that could happen, with how likely it is.
    fn choices(&self) -> Vec<(u64, Choice)> {
        let mut choices = Vec::new();
        let world = self.world();
        for (n, pending) in world.pending.iter().enumerate() {
            let pace = if pending.slow { 1 } else { 20 };
            match (&pending.ran, &pending.reply) {
                (Some(_), _) => choices.push((pace, Choice::Answer(n))),
                (None, Some(_)) => {
                    choices.push((pace, Choice::Run(n)));
                    let conditional = !matches!(pending.statement, Statement::Pause);
                    if conditional {
                        choices.push((1, Choice::RunAnswerLater(n)));
                    }
                    if conditional && self.time_outs < TIME_OUTS {
                        choices.push((2, Choice::TimeOut(n)));
                    }
                }
                (None, None) => choices.push((2, Choice::Run(n))),
            }
        }
        drop(world);
        for (n, node) in self.nodes.iter().enumerate() {
            let idle = node.opening.is_none() && node.serving.is_none();
            if idle && self.claims < CLAIMS {
                choices.push((4, Choice::Claim(n)));
            }
            if !idle && self.crashes < CRASHES {
                choices.push((1, Choice::Crash(n)));
            }
            let deposed = node.serving.as_ref();
            if deposed.is_some_and(|(_, engine, _)| engine.journal.standing().deposed) {
                choices.push((4, Choice::StepDown(n)));
            }
        }
        for (c, client) in self.clients.iter().enumerate() {
            if client.known == Known::Open && client.sent < SENDINGS {
                let serving = (0..NODES).filter(|n| self.nodes[*n].serving.is_some());
                choices.extend(serving.map(|n| (4, Choice::Send(c, n))));
            }
            for (f, flight) in client.flights.iter().enumerate() {
                if flight.answering.is_none() {
                    let pace = if flight.slow { 1 } else { 12 };
                    choices.push((pace, Choice::Arrive(c, f)));
                    choices.push((1, Choice::Lose(c, f)));
                }
            }
        }
        choices
    }

    fn take(&mut self, choice: Choice) {
        let said = match choice {
            Choice::Run(n) | Choice::RunAnswerLater(n) => self.run(n, choice),
            Choice::Answer(n) => {
                let mut world = self.world();
                let pending = world.pending.remove(n);
                let said = format!("node {} gets its answer", pending.node);
                answer(pending);
                said
            }
            Choice::TimeOut(n) => {
                self.time_outs += 1;
                let mut world = self.world();
                let pending = &mut world.pending[n];
                let said = format!(
                    "node {} gives up waiting for {:?}",
                    pending.node,
                    Shown(&pending.statement)
                );
                if let Some(reply) = pending.reply.take() {
                    let _ = reply.send(Err(unknown()));
                }
                said
            }
            Choice::Claim(n) => {
                self.claims += 1;
                self.open(n);
                format!("node {n} claims")
            }
            Choice::StepDown(n) => {
                self.seen.deposed += 1;
                self.stop(n);
                format!("node {n} steps down")
            }
            Choice::Crash(n) => {
                self.crashes += 1;
                self.stop(n);
                format!("node {n} crashes")
            }
            Choice::Send(c, n) => self.send(c, n),
            Choice::Arrive(c, f) => {
                let node = self.clients[c].flights[f].node;
                match &self.nodes[node].serving {
                    Some((store, ..)) => self.clients[c].arrive(f, store),
                    None => drop(self.clients[c].flights.remove(f)),
                }
                format!("a sending of client {c} reaches node {node}")
            }
            Choice::Lose(c, f) => {
                self.clients[c].flights.remove(f);
                format!("a sending of client {c} is lost")
            }
        };
        self.trace.push(said);
    }

    fn run(&mut self, n: usize, choice: Choice) -> String {
        let shared = Arc::clone(&self.world);
        let (said, late) = {
            let mut world = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let statement = world.pending[n].statement.clone();
            let ran = world.run(&statement);
            let (node, late) = {
                let pending = &world.pending[n];
                (pending.node, pending.reply.is_none())
            };
            let applies = |p: &Pending| p.node == node && p.is_write() && p.reply.is_some();
            if matches!(statement, Statement::Append(..)) && ran && !late {
                self.overlapping += u64::from(world.pending.iter().any(applies));
            }
            if matches!(choice, Choice::RunAnswerLater(_)) {
                world.pending[n].ran = Some(ran);
            } else {
                let mut pending = world.pending.remove(n);
                pending.ran = Some(ran);
                answer(pending);
            }
            let when = if late { " LATE" } else { "" };
            let shown = Shown(&statement);
            (format!("node {node}: {shown:?} runs{when}: {ran}"), late)
        };
        self.seen.late += u64::from(late);
        said
    }

    fn send(&mut self, c: usize, n: usize) -> String {
        let world = Arc::clone(&self.world);
        let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
        let client = &mut self.clients[c];
        if let Some((store, ..)) = &self.nodes[n].serving {
            client.send(n, store, &mut world);
        }
        format!("client {c} sends {:?} to node {n}", client.kind)
    }

    fn open(&mut self, n: usize) {
        let database = Arc::new(Simulated {
            world: Arc::clone(&self.world),
            node: n,
        });
        let limits = self.limits.clone();
        let world = Arc::clone(&self.world);
        let draw = Arc::new(move || {
            let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
            world.draw()
        });
        let opening = Cql::open(database, 1, limits, Arc::new(|| 1), draw);
        self.nodes[n].opening = Some(Box::pin(opening));
    }

    fn stop(&mut self, n: usize) {
        self.nodes[n] = Node::default();
        for pending in self.world().pending.iter_mut().filter(|p| p.node == n) {
            pending.reply = None;
        }
        self.world().pending.retain(|pending| {
            let gone = pending.reply.is_none() && pending.ran.is_some();
            let pause = matches!(pending.statement, Statement::Pause) && pending.reply.is_none();
            !gone && !pause
        });
        for client in &mut self.clients {
            client
                .flights
                .retain(|flight| flight.node != n || flight.answering.is_none());
        }
    }

    /// Lets every process go on as far as it can.
    fn poll(&mut self) {
        for n in 0..NODES {
            self.poll_opening(n);
            if let Some((.., writing)) = &mut self.nodes[n].serving {
                let _ = poll_once(writing.as_mut());
            }
        }
        let world = Arc::clone(&self.world);
        for client in &mut self.clients {
            let mut answers = Vec::new();
            client.flights.retain_mut(|flight| {
                let Some(answering) = &mut flight.answering else {
                    return true;
                };
                let polled = poll_once(answering.as_mut());
                let waits = polled.is_pending();
                if let Poll::Ready(answer) = polled {
                    answers.push(answer);
                }
                waits
            });
            let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
            for answer in answers {
                client.answered(answer, &mut world);
            }
        }
        // What has just arrived is looked at by its writer.
        for node in &mut self.nodes {
            if let Some((.., writing)) = &mut node.serving {
                let _ = poll_once(writing.as_mut());
            }
        }
    }

    fn poll_opening(&mut self, n: usize) {
        let Some(opening) = &mut self.nodes[n].opening else {
            return;
        };
        let Poll::Ready(opened) = poll_once(opening.as_mut()) else {
            return;
        };
        self.nodes[n].opening = None;
        match opened {
            Ok(engine) => {
                let engine = Arc::new(engine);
                // Two stores never give the same attempt id.
                self.opened += 1;
                let limits = Limits {
                    incarnation_seed: self.opened,
                    ..self.limits.clone()
                };
                let (store, writer) = Store::make(Arc::clone(&engine) as _, limits, Arc::new(|| 1));
                self.nodes[n].serving = Some((store, engine, Box::pin(writer.run())));
            }
            Err(OpenError::Damaged(why)) => self.world().violated(format!("an alarm: {why}")),
            Err(_) => {}
        }
    }

    /// At the end a last node takes over while nothing goes wrong any more, and all must be as the journal
    /// says.
    fn heal(&mut self) {
        for n in 0..NODES {
            self.stop(n);
        }
        self.open(0);
        for _ in 0..10_000 {
            self.poll();
            let next = {
                let world = self.world();
                let waits = |p: &Pending| p.reply.is_some();
                world.pending.iter().position(waits)
            };
            match next {
                Some(n) => {
                    self.run(n, Choice::Run(n));
                }
                None => break,
            }
        }
        if self.nodes[0].serving.is_none() {
            self.world()
                .violated("the last takeover did not end".to_owned());
        }
        for client in &self.clients {
            self.seen.answered += u64::from(client.known == Known::Done);
            self.seen.refused += u64::from(client.known == Known::Refused);
        }
        self.world().rows_equal_the_journal();
    }
}

fn answer(pending: Pending) {
    if let (Some(reply), Some(ran)) = (pending.reply, pending.ran) {
        let _ = reply.send(Ok(ran));
    }
}

fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A statement without the bytes of its rows.
struct Shown<'a>(&'a Statement);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Statement::Create(number, guard) => write!(f, "create {number} {guard:?}"),
            Statement::Raise(number, from, to) => write!(f, "raise {number} {from:?} to {to:?}"),
            Statement::Append(number, from, next, _) => {
                write!(f, "append {number} {from:?} up to {next}")
            }
            Statement::Drop(number, guard) => write!(f, "drop {number} {guard:?}"),
            Statement::Write(_, partition, rows) => {
                let rows: Vec<_> = rows.iter().map(|row| (&row.key, row.position)).collect();
                write!(f, "write {partition:?} {rows:?}")
            }
            Statement::Pause => f.write_str("pause"),
        }
    }
}
