//! The smallest plan that still fails: delta debugging over its steps.

use crate::plan::Plan;

/// Takes steps away, in ever smaller pieces, as long as what is left `fails`.
pub(crate) fn smallest(plan: &Plan, fails: impl Fn(&Plan) -> bool) -> Plan {
    let mut plan = plan.clone();
    let mut piece = plan.steps.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < plan.steps.len() {
            let mut less = plan.clone();
            less.steps.drain(at..(at + piece).min(plan.steps.len()));
            if fails(&less) {
                plan = less;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    plan
}
