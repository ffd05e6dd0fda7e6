//! The smallest plan that still fails: delta debugging over its steps.

use crate::plan::Plan;

/// Seeds that are tried for what is left. Fewer steps meet the same faults at other moments, so that a fault which
/// still matters may fall where it does no harm.
const SEEDS: u64 = 6;

/// Takes steps away, in ever smaller pieces, as long as what is left `fails`.
pub(crate) fn smallest(plan: &Plan, fails: impl Fn(&Plan) -> bool) -> Plan {
    let mut plan = plan.clone();
    let mut piece = plan.steps.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < plan.steps.len() {
            let mut less = plan.clone();
            less.steps.drain(at..(at + piece).min(plan.steps.len()));
            let seeded = (plan.seed..plan.seed + SEEDS).map(|seed| Plan {
                seed,
                ..less.clone()
            });
            match seeded.into_iter().find(&fails) {
                Some(failing) => plan = failing,
                None => at += piece,
            }
        }
        piece /= 2;
    }
    plan
}
