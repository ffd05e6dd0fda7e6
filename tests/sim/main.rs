//! Simulated days: seeded plans of people, devices, messages, reads, changes of members, reconnects and
//! crashes against the whole server but for the network, on an engine with faults, in simulated time.
//! In the end nothing is lost, doubled or reordered, nobody has seen what he may not see, and unread is
//! right. A plan that failed is shrunk and written to `target/sim/`; fixed, it stays in `plans/` for ever.
//!
//! `CHAOKE_SEEDS=5000` runs more seeds, `CHAOKE_SEED=17` one of them.

mod audit;
mod book;
mod chain;
mod client;
mod life;
mod pairs;
mod pipe;
mod plan;
mod run;
mod shrink;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use book::Stats;
use plan::Plan;
use run::{Broken, Finding, run};

/// Seeds of an ordinary run: a few seconds of it.
const SEEDS: u64 = 40;

/// Seeds after which a long run tells how far it is.
const BLOCK: u64 = 200;
/// Steps of a plan to shrink: the first eight bring the devices online.
const SHORT_STEPS: usize = 28;

fn switch(name: &str) -> Option<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch of the test run, not of the product"
    )]
    std::env::var(name).ok()?.parse().ok()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Shrinks a plan that failed, and keeps it where a developer finds it.
fn report(plan: &Plan, finding: &Finding) -> String {
    let small = shrink::smallest(plan, |plan| run(plan, Broken::Nothing).is_err());
    let found = run(&small, Broken::Nothing)
        .err()
        .unwrap_or_else(|| finding.clone());
    let kept = folder("../target/sim");
    std::fs::create_dir_all(&kept).expect("a folder");
    let file = kept.join(format!("{}.json", plan.seed));
    std::fs::write(
        &file,
        serde_json::to_string_pretty(&small).expect("a plan is JSON"),
    )
    .expect("a file");
    format!(
        "seed {}: {}\nshrunk to {} steps: {}\n{}",
        plan.seed,
        finding.0,
        small.steps.len(),
        found.0,
        file.display()
    )
}

#[test]
fn in_simulated_days_nothing_is_lost_doubled_reordered_or_wrongly_unread() {
    let seeds = match switch("CHAOKE_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=switch("CHAOKE_SEEDS").unwrap_or(SEEDS),
    };
    let mut stats = Stats::default();
    let mut first = *seeds.start();
    while first <= *seeds.end() {
        let last = (first + BLOCK - 1).min(*seeds.end());
        block(first, last, &mut stats);
        let so_far = serde_json::to_string(&stats).expect("numbers");
        println!("seeds up to {last}: {so_far}");
        first = last + 1;
    }
}

/// Runs some seeds, on all cores; each run has a thread to itself.
fn block(first: u64, last: u64, stats: &mut Stats) {
    let next = AtomicU64::new(first);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut outcomes: Vec<(Plan, Result<Stats, Finding>)> = std::thread::scope(|scope| {
        let work = || {
            let seeds = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
            let plans = seeds.take_while(|seed| *seed <= last).map(Plan::drawn);
            let outcomes = plans.map(|plan| {
                let outcome = run(&plan, Broken::Nothing);
                (plan, outcome)
            });
            outcomes.collect::<Vec<_>>()
        };
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let outcomes = workers
            .into_iter()
            .map(|worker| worker.join().expect("it runs"));
        outcomes.flatten().collect()
    });
    outcomes.sort_by_key(|(plan, _)| plan.seed);
    for (plan, outcome) in outcomes {
        match outcome {
            Ok(one) => stats.add(&one),
            Err(finding) => panic!("{}", report(&plan, &finding)),
        }
    }
}

#[test]
fn a_plan_that_once_failed_does_not_fail_again() {
    let mut ran = 0;
    for entry in std::fs::read_dir(folder("sim/plans")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a file");
        let plan: Plan = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        if let Err(finding) = run(&plan, Broken::Nothing) {
            panic!("{}: {}", path.display(), finding.0);
        }
        ran += 1;
    }
    assert!(ran > 0, "there are plans");
}

#[test]
fn a_plan_runs_the_same_way_each_time() {
    for seed in 1..=4 {
        let plan = Plan::drawn(seed);
        let kept: Plan =
            serde_json::from_str(&serde_json::to_string(&plan).expect("JSON")).expect("a plan");
        assert_eq!(
            run(&plan, Broken::Nothing),
            run(&kept, Broken::Nothing),
            "seed {seed}"
        );
    }
}

/// What the first seed that finds `broken` says of it.
fn found(broken: Broken) -> Option<String> {
    (1..=20).find_map(|seed| {
        run(&Plan::drawn(seed), broken)
            .err()
            .map(|finding| finding.0)
    })
}

#[test]
fn a_client_that_sends_again_under_a_new_id_is_found() {
    let finding = found(Broken::ResendsUnderANewId).expect("it is found");
    assert!(finding.starts_with("doubled"), "{finding}");
}

#[test]
fn a_server_that_loses_a_push_without_a_word_is_found() {
    let finding = found(Broken::LosesPushes(20)).expect("it is found");
    assert!(finding.starts_with("device"), "{finding}");
}

#[test]
fn a_failing_plan_shrinks_to_the_steps_that_matter() {
    let fails = |plan: &Plan| {
        run(plan, Broken::ResendsUnderANewId).is_err_and(|finding| finding.0.starts_with("doubled"))
    };
    // Half a minute instead of a day: each try runs what is left.
    let short = |seed| {
        let mut plan = Plan::drawn(seed);
        plan.steps.truncate(SHORT_STEPS);
        plan
    };
    let plan = (1..=60).map(short).find(fails).expect("one fails");
    let small = shrink::smallest(&plan, fails);
    assert!(fails(&small) && small.steps.len() <= 10, "{small:?}");
}
