//! Commits evaluated in rounds of any size give what a plain map gives, one commit after the other.

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{Commit, Moment, Overlay, Place, Verdict, evaluate};
use crate::contract::{Committed, Row, StoreError};
use crate::limits::{FIRST_POSITION, Limits};
use crate::scan::is_alive;
use crate::suite::model::{self, Act, Model, Plan};
use crate::suite::{Hands, NOON_MS};
use crate::{Home, Store};

/// Only builds transactions; its writer never sees one.
static BUILDER: LazyLock<Store> =
    LazyLock::new(|| Store::memory(Limits::default(), Hands::default().clock()));

/// What an engine would hold.
#[derive(Default)]
struct Engine {
    rows: BTreeMap<Place, Row>,
    commits: u64,
}

impl Engine {
    fn count(&self, commit: &Commit, now_ms: i64) -> Vec<usize> {
        let counted = commit.ranges.iter().map(|range| {
            let inside = self.rows.iter().filter(|((home, at), row)| {
                *home == commit.home
                    && at.table == range.partition.table
                    && at.partition == range.partition.name
                    && range.range.contains(&at.key)
                    && is_alive(row, now_ms)
            });
            inside.count()
        });
        counted.collect()
    }

    /// One round: fetch, evaluate in order, write once.
    fn round(&mut self, commits: &[Commit], time_ms: i64) -> Vec<Result<Committed, StoreError>> {
        let mut overlay = Overlay::default();
        for commit in commits {
            for at in commit.named() {
                let place = (commit.home.clone(), at);
                let row = self.rows.get(&place).cloned();
                overlay.fetched(place, row);
            }
        }
        let mut answers = Vec::new();
        for commit in commits {
            let position = FIRST_POSITION + self.commits;
            let now = Moment { position, time_ms };
            let counts = self.count(commit, time_ms);
            let verdict = evaluate(commit, &overlay, &counts, now, &Limits::default());
            answers.push(verdict.map(|verdict| match verdict {
                Verdict::Nothing(answer) => answer,
                Verdict::Done(done) => {
                    self.commits += 1;
                    overlay.write(done.rows);
                    done.answer
                }
            }));
        }
        for (place, row) in overlay.into_written() {
            match row {
                Some(row) => self.rows.insert(place, row),
                None => self.rows.remove(&place),
            };
        }
        answers
    }
}

/// How many of the next commits make a round: a range must not follow a commit of its home.
fn fits(plans: &[Plan], wanted: usize) -> usize {
    let mut homes: Vec<Home> = Vec::new();
    for (n, plan) in plans.iter().take(wanted).enumerate() {
        let home = model::home(plan.home);
        let ranged = plan.acts.iter().any(|act| matches!(act, Act::AtMost(_)));
        if ranged && homes.contains(&home) {
            return n;
        }
        homes.push(home);
    }
    wanted.min(plans.len())
}

fn agree(seed: u64, rounds: &[usize]) {
    let mut bits = model::bits(seed);
    let (mut engine, mut model, mut now_ms) = (Engine::default(), Model::default(), NOON_MS);
    for wanted in rounds {
        let plans: Vec<Plan> = (0..*wanted).map(|_| model::plan(&mut bits)).collect();
        let mut rest = plans.as_slice();
        while !rest.is_empty() {
            let (round, after) = rest.split_at(fits(rest, *wanted).max(1));
            rest = after;
            now_ms += round[0].later_ms * 7;
            let mut commits = Vec::new();
            let mut expected = Vec::new();
            for plan in round {
                let mut t = BUILDER.transaction(&model::home(plan.home));
                model::write(plan, &model, now_ms, &mut t);
                commits.push(t.into_commit());
                expected.push(model.run(plan, now_ms));
            }
            let answers = engine.round(&commits, now_ms);
            for ((plan, answer), expected) in round.iter().zip(&answers).zip(&expected) {
                model::compare(plan, answer, expected);
            }
        }
        for n in 0..2 {
            let home = model::home(n);
            let at = |key| crate::RowAt {
                table: model::model_rows().table,
                partition: model::model_rows().name,
                key,
            };
            for (key, row) in model.living(&home, now_ms) {
                assert_eq!(engine.rows.get(&(home.clone(), at(key))), Some(&row));
            }
        }
        for (place, row) in model.others() {
            assert_eq!(engine.rows.get(place), Some(row));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rounds_of_any_size_answer_like_a_plain_map(
        seed in any::<u64>(),
        rounds in proptest::collection::vec(1_usize..20, 1..20),
    ) {
        agree(seed, &rounds);
    }
}
