//! A small model of the journal: several nodes run the real writer, the real evaluation and the real protocol
//! on a simulated database whose conditional statements may run long after their time-out. Nodes crash, are
//! deposed and come back; senders send again. Seeded schedules, every one repeatable.
//!
//! Every rule is switched off once; a model that does not notice proves nothing.

use super::rules::{OFF, Rule};

mod client;
mod database;
mod run;
mod truth;

use run::Run;

/// Schedules of the whole protocol; every one must hold.
const SCHEDULES: u64 = 6_000;

/// Schedules in which a rule that is off must be noticed; most need a few hundred.
const MUTANT_SCHEDULES: u64 = 60_000;

/// Failing schedules among which the shortest is printed; more than one costs as much time again.
const SHORTEST_OF: usize = 1;

/// What the schedules of some seeds came to.
fn explore(seeds: std::ops::Range<u64>, enough: usize) -> Vec<Run> {
    let mut failed = Vec::new();
    for seed in seeds {
        let run = Run::of(seed);
        if run.violation().is_some() {
            failed.push(run);
            if failed.len() >= enough {
                break;
            }
        }
    }
    failed.sort_by_key(Run::steps);
    failed
}

fn is_noticed(rule: Rule) {
    OFF.set(Some(rule));
    let failed = explore(0..MUTANT_SCHEDULES, SHORTEST_OF);
    OFF.set(None);
    let shortest = failed.first();
    let shortest = shortest.unwrap_or_else(|| panic!("nobody noticed that {rule:?} is off"));
    println!("without {rule:?}: {shortest}");
}

#[test]
fn the_protocol_holds_in_every_schedule() {
    let failed = explore(0..SCHEDULES, 1);
    assert!(failed.is_empty(), "{}", failed[0]);
}

#[test]
fn schedules_commit_refuse_depose_and_drop() {
    let mut seen = run::Seen::default();
    for seed in 0..500 {
        seen.add(&Run::of(seed).seen());
    }
    println!("{seen:?}");
    assert!(seen.all_happened(), "{seen:?}");
}

macro_rules! mutants {
    ($($name:ident: $rule:ident,)*) => {
        $(
            #[test]
            fn $name() {
                is_noticed(Rule::$rule);
            }
        )*
    };
}

mutants! {
    equal_tokens_are_noticed: UniqueToken,
    a_full_bucket_taken_without_a_raise_is_noticed: RaiseFull,
    a_raise_that_forgets_the_position_is_noticed: RaiseComparesNext,
    a_guard_that_is_dropped_is_noticed: KeepGuard,
    a_drop_that_is_not_marked_is_noticed: MarkDropped,
    believing_a_read_after_an_unknown_outcome_is_noticed: RaiseOnUnknown,
    a_refusal_that_is_not_confirmed_is_noticed: ConfirmRefusals,
    a_refusal_out_of_turn_is_noticed: RefuseInTurn,
    running_under_any_token_is_noticed: RunUnderNamedToken,
    an_older_sending_that_runs_is_noticed: NumberedAttempts,
    believing_any_refusal_is_noticed: NewestRefusal,
    an_attempt_that_runs_again_is_noticed: KnownAttempts,
    an_answer_before_the_rows_is_noticed: ApplyBeforeAnswer,
    rows_that_are_durable_and_not_looked_at_are_noticed: UnappliedRows,
    rows_that_a_fetch_missed_are_noticed: OutstandingFetches,
    rounds_that_overtake_each_other_are_noticed: ApplyInOrder,
}
