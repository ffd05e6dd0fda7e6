//! Jobs: each step's effects exactly once, back-off, giving up, cancelling, and never in the way.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use storage::engine::faulty::Faults;
use storage::{Store, Value};

use super::*;
use crate::audit::Note;
use crate::effect::letter::{Asked, Key};
use crate::testing::{Machine, Running, Say, eventually, home, kinds, refuses, tell, told};

/// Says so many numbers to a home, two a step.
async fn count(job: &Job) -> Answer<Step> {
    let total: u64 = job.payload()?;
    let done = job.progress.done;
    let next = (done + 2).min(total);
    let say = |n: u64| {
        let to = vec!["counted".to_owned()];
        let text = n.to_string();
        Ok(("says", Value::encode(&Say { to, text })?))
    };
    Ok(Step {
        progress: Progress {
            done: next,
            total: Some(total),
            at: Bytes::new(),
        },
        effects: (done..next).map(say).collect::<Answer<_>>()?,
        next: if next < total {
            Next::In(0)
        } else {
            Next::Done
        },
    })
}

/// Tells its key to an outside party, which refuses as long as the home of that name does.
async fn call(node: &Node, job: &Job) -> Answer<Step> {
    let outside = home(&job.payload::<String>()?);
    if crate::testing::is_refused(&outside) {
        return Err(crate::testing::refusal());
    }
    let mut t = node.store.transaction(&outside);
    tell(&mut t, &job.key);
    t.commit().await?;
    Ok(done())
}

fn done() -> Step {
    Step {
        progress: Progress::default(),
        effects: Vec::new(),
        next: Next::Done,
    }
}

/// Runs longer than the server looks for timers, but is within its lease.
async fn long(node: &Node, job: &Job) -> Answer<Step> {
    for text in ["begins", "ends"] {
        let mut t = node.store.transaction(&home(&job.payload::<String>()?));
        tell(&mut t, text);
        t.commit().await?;
        let most = std::time::Duration::from_millis(2 * crate::limits::JOB_RENEW_MS);
        tokio::time::sleep(most).await;
    }
    Ok(done())
}

/// Steps that began and never end.
static HANGING: AtomicU64 = AtomicU64::new(0);

fn jobs() -> Vec<Kind> {
    vec![
        Kind {
            name: "count",
            run: |_, job| Box::pin(async move { count(&job).await }),
        },
        Kind {
            name: "call",
            run: |node, job| Box::pin(async move { call(&node, &job).await }),
        },
        Kind {
            name: "hang",
            run: |_, _| {
                HANGING.fetch_add(1, Ordering::SeqCst);
                Box::pin(std::future::pending())
            },
        },
        Kind {
            name: "long",
            run: |node, job| Box::pin(async move { long(&node, &job).await }),
        },
        Kind {
            name: "too_much",
            run: |_, _| {
                let effect = ("says", Value::bytes(vec![0; 70 << 10]));
                let effects = vec![effect];
                Box::pin(async { Ok(Step { effects, ..done() }) })
            },
        },
    ]
}

async fn begins<T: Serialize>(
    store: &Store,
    id: &str,
    kind: &'static str,
    payload: T,
) -> Answer<u64> {
    let mut t = store
        .transaction(&home("owner"))
        .client_id("begin", "test", id, [0; 32], 86_400_000);
    if let Some(done) = t.repeated().await? {
        return Ok(done.position);
    }
    let new = NewJob {
        id,
        kind,
        payload: &payload,
        at_ms: crate::testing::NOON_MS,
        ordinal: 0,
    };
    begin(&mut t, &new)?;
    Ok(t.commit().await?.position)
}

async fn looked(store: &Store, id: &str) -> Option<Look> {
    look(store, &home("owner"), id).await.expect("a read")
}

async fn letters(store: &Store) -> Vec<(Key, Letter)> {
    letter::page(store, None, 200).await.expect("a read")
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_a_job_leaves_what_it_causes_there_exactly_once() {
    for crash_at in 1.. {
        let machine = Machine::new();
        let work = async |running: &Running| {
            let store = &running.node.store;
            begins(store, "job", "count", 5_u64).await.unwrap();
            eventually("it is done", async || {
                // The lease of a step that died has to end.
                machine.passes(10_000);
                looked(store, "job").await.is_none()
            })
            .await;
            let last = store.last_position().await;
            assert!(running.node.effects.passed(last).await);
        };
        let whole = machine.two_lives(crash_at, kinds, jobs, work).await;
        let (store, _) = machine.store(Faults::default()).await;
        let counted = told(&store, &home("counted")).await;
        assert_eq!(counted, ["0", "1", "2", "3", "4"], "crash at {crash_at}");
        if whole {
            assert!(crash_at > 40, "{crash_at} steps were all there were");
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_job_pauses_ever_longer_gives_up_and_is_tried_again_under_the_same_key() {
    let machine = Machine::new();
    let running = machine.start(kinds(), jobs()).await;
    let (node, store) = (&running.node, &running.node.store);
    refuses(&home("party"), 1_000);
    let position = begins(store, "mail", "call", "party").await.unwrap();
    for fails in 1..5 {
        eventually("it fails", async || {
            looked(store, "mail").await.unwrap().fails == fails
        })
        .await;
        let timer = store
            .timer(&home("owner"), "job:mail")
            .await
            .unwrap()
            .unwrap();
        let pause_ms = timer.at_ms - machine.clock().now_ms();
        assert_eq!(pause_ms, JOB_PAUSE_MS << (fails - 1));
        machine.passes(pause_ms);
    }
    eventually("it gives up", async || letters(store).await.len() == 1).await;
    let given_up = looked(store, "mail").await.unwrap().gave_up;
    assert_eq!(given_up.as_deref(), Some("refused_on_purpose"));
    assert_eq!(store.next_timer().await.unwrap(), None);
    let (key, letter) = letters(store).await.remove(0);
    assert_eq!((letter.what, letter.kind.as_str()), (What::Job, "call"));
    assert_eq!(key.2, "thing:owner");
    refuses(&home("party"), 0);
    let (author, hash) = ("admin".to_owned(), [0; 32]);
    let asked = Asked {
        author,
        id: "1",
        hash,
        note: Note::operator("test.retry"),
    };
    letter::run_again(node, &key, &asked).await.unwrap();
    eventually("it is done", async || looked(store, "mail").await.is_none()).await;
    let keys = told(store, &home("party")).await;
    assert_eq!(keys.len(), 1);
    assert!(
        keys[0].ends_with(&format!(":main:{position}:0")),
        "{keys:?}"
    );
    assert_eq!(letters(store).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_job_never_runs_and_one_that_runs_is_cut_off() {
    let machine = Machine::new();
    let running = machine.start(kinds(), jobs()).await;
    let store = &running.node.store;
    let before = HANGING.load(Ordering::SeqCst);
    begins(store, "hangs", "hang", ()).await.unwrap();
    eventually("it hangs", async || HANGING.load(Ordering::SeqCst) > before).await;
    refuses(&home("never"), 1);
    begins(store, "waits", "call", "never").await.unwrap();
    eventually("it waits", async || {
        looked(store, "waits").await.unwrap().fails == 1
    })
    .await;
    let mut t = store.transaction(&home("owner"));
    for id in ["hangs", "waits", "never begun"] {
        cancel(&mut t, id);
    }
    t.commit().await.unwrap();
    assert_eq!(store.next_timer().await.unwrap(), None);
    // Longer than a renewal and any pause.
    tokio::time::sleep(std::time::Duration::from_millis(
        2 * crate::limits::JOB_RENEW_MS,
    ))
    .await;
    machine.passes(3_600_000);
    begins(store, "last", "call", "party-of-cancel")
        .await
        .unwrap();
    eventually("a later one ran", async || {
        looked(store, "last").await.is_none()
    })
    .await;
    assert_eq!(told(store, &home("never")).await, [""; 0]);
    assert_eq!(
        store.next_timer().await.unwrap(),
        None,
        "nothing was set again"
    );
    assert_eq!(looked(store, "hangs").await, None);
}

/// Long before and after anything that jobs wait for.
const JUMP_MS: i64 = 8 * 3_600_000;

async fn due_in(machine: &Machine, store: &Store, id: &str) -> i64 {
    let timer = store.timer(&home("owner"), &format!("job:{id}")).await;
    timer.unwrap().unwrap().at_ms - machine.clock().now_ms()
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_lengthens_no_pause_and_no_lease_also_while_the_server_is_down() {
    for down in [false, true] {
        let machine = Machine::new();
        let mut running = machine.start(kinds(), jobs()).await;
        let store = running.node.store.clone();
        refuses(&home("party-of-jump"), 1);
        begins(&store, "pauses", "call", "party-of-jump")
            .await
            .unwrap();
        eventually("it pauses", async || {
            looked(&store, "pauses").await.unwrap().fails == 1
        })
        .await;
        let before = HANGING.load(Ordering::SeqCst);
        begins(&store, "hangs", "hang", ()).await.unwrap();
        eventually("it hangs", async || HANGING.load(Ordering::SeqCst) > before).await;
        let tomorrow = machine.clock().now_ms() + 3 * JUMP_MS;
        let mut t = store.transaction(&home("owner"));
        t.at_time(tomorrow, "says:tomorrow", Value::bytes(Bytes::new()));
        t.commit().await.unwrap();
        if down {
            store.close().await;
        }
        machine.passes(-JUMP_MS);
        if down {
            running = machine.start(kinds(), jobs()).await;
        }
        let store = running.node.store.clone();
        eventually("the pause is counted from now", async || {
            due_in(&machine, &store, "pauses").await <= JOB_PAUSE_MS
        })
        .await;
        eventually("the lease too", async || {
            due_in(&machine, &store, "hangs").await <= crate::limits::JOB_LEASE_MS
        })
        .await;
        let seen = store.timer(&home("owner"), "says:tomorrow").await.unwrap();
        assert_eq!(seen.unwrap().at_ms, tomorrow, "it is a time, not a wait");
        machine.passes(JOB_PAUSE_MS);
        eventually("it is done", async || {
            looked(&store, "pauses").await.is_none()
        })
        .await;
        assert_eq!(told(&store, &home("party-of-jump")).await.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_forward_takes_no_running_job_up_a_second_time() {
    let machine = Machine::new();
    let running = machine.start(kinds(), jobs()).await;
    let store = &running.node.store;
    let payload = "once".to_owned();
    begins(store, "long", "long", &payload).await.unwrap();
    eventually("it runs", async || {
        told(store, &home("once")).await == ["begins"]
    })
    .await;
    machine.passes(JUMP_MS);
    eventually("it is done", async || looked(store, "long").await.is_none()).await;
    assert_eq!(told(store, &home("once")).await, ["begins", "ends"]);
}

#[tokio::test(start_paused = true)]
async fn slow_jobs_delay_no_effect_no_timer_and_no_commit() {
    let machine = Machine::new();
    let running = machine.start(kinds(), jobs()).await;
    let store = &running.node.store;
    for n in 0..crate::limits::JOBS_AT_ONCE + 5 {
        begins(store, &format!("slow-{n}"), "hang", ())
            .await
            .unwrap();
    }
    let mut t = store.transaction(&home("owner"));
    let say = Say {
        to: vec!["beside".to_owned()],
        text: "timer".to_owned(),
    };
    t.at_time(
        crate::testing::NOON_MS,
        "says:x",
        Value::encode(&say).unwrap(),
    );
    t.commit().await.unwrap();
    eventually("the timer fired beside them", async || {
        store
            .timer(&home("owner"), "says:x")
            .await
            .unwrap()
            .is_none()
    })
    .await;
    let last = crate::testing::causes(store, &home("one"), "says", &["beside"], "effect").await;
    assert!(running.node.effects.passed(last.unwrap()).await);
    assert_eq!(told(store, &home("beside")).await, ["effect"]);
    let leased = async |n: usize| {
        let timer = store.timer(&home("owner"), &format!("job:slow-{n}")).await;
        timer.unwrap().unwrap().at_ms > crate::testing::NOON_MS
    };
    let mut running = 0;
    for n in 0..crate::limits::JOBS_AT_ONCE + 5 {
        running += usize::from(leased(n).await);
    }
    assert_eq!(running, crate::limits::JOBS_AT_ONCE, "the others wait");
}

#[tokio::test(start_paused = true)]
async fn a_step_that_wants_more_than_a_commit_takes_is_refused_in_words() {
    let machine = Machine::new();
    let running = machine.start(kinds(), jobs()).await;
    let store = &running.node.store;
    begins(store, "big", "too_much", ()).await.unwrap();
    eventually("it gives up", async || {
        machine.passes(60_000);
        letters(store).await.len() == 1
    })
    .await;
    assert_eq!(letters(store).await[0].1.code, "too_large");
    begins(store, "odd", "of no kind", ()).await.unwrap();
    eventually("it gives up", async || {
        machine.passes(60_000);
        letters(store).await.len() == 2
    })
    .await;
    assert_eq!(letters(store).await[1].1.code, "no_such_job");
}

#[tokio::test(start_paused = true)]
async fn the_id_of_a_job_has_1_to_100_bytes_and_is_given_once() {
    let machine = Machine::new();
    let running = machine.start(kinds(), Vec::new()).await;
    let store = &running.node.store;
    let try_id = async |id: &str| {
        let mut t = store.transaction(&home("owner"));
        let new = NewJob {
            id,
            kind: "call",
            payload: &(),
            at_ms: i64::MAX,
            ordinal: 0,
        };
        begin(&mut t, &new)?;
        t.commit().await?;
        Ok::<(), ApiError>(())
    };
    for (length, fits) in [(0, false), (1, true), (100, true), (101, false)] {
        let tried = try_id(&"x".repeat(length)).await;
        assert_eq!(tried.is_ok(), fits, "{length}");
    }
    assert_eq!(try_id("x").await.unwrap_err().code, "changed_meanwhile");
}

#[test]
fn a_job_that_fails_for_three_days_gives_up_and_a_good_step_begins_anew() {
    let mut row = Row {
        kind: String::new(),
        payload: Bytes::new(),
        position: Later::Known(1),
        ordinal: 0,
        progress: Progress::default(),
        fails: 0,
        refusals: 0,
        failing_since: None,
        gave_up: None,
    };
    let down = timed_out();
    assert_eq!(row.failed(&down, 0), Fate::Again(JOB_PAUSE_MS));
    assert_eq!(row.failed(&down, 0), Fate::Again(2 * JOB_PAUSE_MS));
    row.fails = 100;
    assert_eq!(row.failed(&down, 0), Fate::Again(JOB_PAUSE_MAX_MS));
    assert_eq!(
        row.failed(&down, JOB_FAILS_MS),
        Fate::Again(JOB_FAILS_MS + JOB_PAUSE_MAX_MS)
    );
    assert_eq!(row.failed(&down, JOB_FAILS_MS + 1), Fate::GivesUp);
    row.well();
    let asks = timed_out().after_ms(7_000);
    assert_eq!(row.failed(&asks, 10), Fate::Again(7_010));
}
