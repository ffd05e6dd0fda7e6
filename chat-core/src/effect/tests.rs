//! Each effect is there exactly once, whatever crashes; what is refused waits in words.

use storage::engine::faulty::Faults;
use storage::{Home, Store, Value};

use super::letter::{self, Asked, Key, Letter, What};
use super::{Delivered, Kind, checkpoint, settled};
use crate::api::Answer;
use crate::node::Node;
use crate::testing::{Machine, Running, causes, eventually, home, kinds, refuses, tell, told};

async fn letters(store: &Store) -> Vec<(Key, Letter)> {
    letter::page(store, None, 200).await.expect("a read")
}

fn asked(id: &str) -> Asked<'_> {
    let (author, hash) = ("admin".to_owned(), [0; 32]);
    let note = crate::audit::Note::operator("test.retry");
    Asked {
        author,
        id,
        hash,
        note,
    }
}

async fn again(node: &Node, key: &Key, id: &str) {
    letter::run_again(node, key, &asked(id))
        .await
        .expect("a retry");
}

/// Two sources that speak to two homes; each call may be repeated.
async fn calls(store: &Store) -> Answer<()> {
    causes(store, &home("one"), "says", &["a", "b"], "1").await?;
    causes(store, &home("two"), "takes", &["b"], "2").await?;
    causes(store, &home("one"), "says", &["a"], "3").await?;
    Ok(())
}

/// One life: the calls, their effects, and the checkpoint behind them; false if it crashed.
async fn life(machine: &Machine, faults: Faults) -> bool {
    let Some(running) = machine.start_with(faults, kinds(), Vec::new()).await else {
        return false;
    };
    let store = &running.node.store;
    let work = async {
        calls(store).await.expect("the calls");
        let last = store.last_position().await;
        assert!(running.node.effects.passed(last).await);
        eventually("they are behind the checkpoint", async || {
            let at = checkpoint(store).await.expect("a read");
            store.effects_after(at, 1).await.expect("a read").is_empty()
        })
        .await;
    };
    let done = tokio::select! {
        () = work => true,
        () = running.engine.crashed() => false,
    };
    if done {
        store.close().await;
    }
    done
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_leaves_each_effect_there_exactly_once() {
    let mut crashes = 0;
    for crash_at in 1.. {
        let machine = Machine::new();
        let faults = Faults {
            crash_at: Some(crash_at),
            ..Faults::default()
        };
        let whole = life(&machine, faults).await;
        crashes += u32::from(!whole);
        assert!(whole || life(&machine, Faults::default()).await);
        let (store, _) = machine.store(Faults::default()).await;
        for (name, texts) in [("one", ["1", "3"]), ("a", ["1", "3"]), ("b", ["1", "2"])] {
            assert_eq!(
                told(&store, &home(name)).await,
                texts,
                "crash at {crash_at}"
            );
        }
        assert_eq!(letters(&store).await.len(), 0);
        if whole {
            break;
        }
    }
    assert!(crashes > 40, "{crashes} steps were all there were");
}

#[tokio::test(start_paused = true)]
async fn lives_that_end_early_again_and_again_double_nothing() {
    for seed in 1..=15_u64 {
        let machine = Machine::new();
        let mut lives = 0;
        loop {
            let faults = Faults {
                crash_at: (lives < 6).then_some(10 + (seed * 31 + lives * 17) % 60),
                delay: 30,
                unknown_written: 10,
                apply: 10,
                seed: seed * 100 + lives,
                ..Faults::default()
            };
            if life(&machine, faults).await {
                break;
            }
            lives += 1;
        }
        let (store, _) = machine.store(Faults::default()).await;
        assert_eq!(told(&store, &home("a")).await, ["1", "3"], "seed {seed}");
        assert_eq!(told(&store, &home("b")).await, ["1", "2"], "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_effect_becomes_a_letter_and_runs_again_where_it_was_refused() {
    let machine = Machine::new();
    let running = machine.start(kinds(), Vec::new()).await;
    let (node, store) = (&running.node, &running.node.store);
    refuses(&home("dead-b"), 1_000);
    let to = ["dead-a", "dead-b"];
    let position = causes(store, &home("one"), "says", &to, "x").await.unwrap();
    causes(store, &home("one"), "says", &["dead-a"], "y")
        .await
        .unwrap();
    eventually("it is set aside", async || letters(store).await.len() == 1).await;
    let (key, letter) = letters(store).await.remove(0);
    assert_eq!(key, (position, 0, "thing:dead-b".to_owned()));
    assert_eq!((letter.what, letter.kind.as_str()), (What::Effect, "says"));
    assert_eq!(letter.code, "refused_on_purpose");
    refuses(&home("dead-b"), 0);
    again(node, &key, "first").await;
    // The same call once more, after a lost reply.
    again(node, &key, "first").await;
    eventually("it ran", async || {
        told(store, &home("dead-b")).await == ["x"]
    })
    .await;
    assert_eq!(
        told(store, &home("dead-a")).await,
        ["x", "y"],
        "it ran there before"
    );
    assert_eq!(letters(store).await.len(), 0);
    let error = letter::run_again(node, &key, &asked("second")).await;
    assert_eq!(error.unwrap_err().code, "not_found");
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_is_refused_again_is_a_new_letter() {
    let machine = Machine::new();
    let running = machine.start(kinds(), Vec::new()).await;
    let (node, store) = (&running.node, &running.node.store);
    refuses(&home("twice"), 1_000);
    causes(store, &home("one"), "says", &["twice"], "x")
        .await
        .unwrap();
    eventually("it is set aside", async || letters(store).await.len() == 1).await;
    let (key, first) = letters(store).await.remove(0);
    again(node, &key, "first").await;
    eventually("it is set aside again", async || {
        letters(store)
            .await
            .iter()
            .any(|(later, _)| later.0 > key.0)
    })
    .await;
    let (key, second) = letters(store).await.remove(0);
    assert_eq!((second.time_ms, &second.kind), (first.time_ms, &first.kind));
    refuses(&home("twice"), 0);
    again(node, &key, "second").await;
    eventually("it ran", async || {
        told(store, &home("twice")).await == ["x"]
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_of_setting_aside_leaves_one_letter_and_runs_nothing() {
    for crash_at in 1.. {
        let machine = Machine::new();
        let name = format!("aside-{crash_at}");
        refuses(&home(&name), 1_000);
        let work = async |running: &Running| {
            let store = &running.node.store;
            let to = [name.as_str()];
            causes(store, &home("one"), "says", &to, "x").await.unwrap();
            eventually("it is set aside", async || letters(store).await.len() == 1).await;
            // It could be done now, but it is the administrator's.
            refuses(&home(&name), 0);
            let last = causes(store, &home("one"), "says", &to, "y").await.unwrap();
            assert!(running.node.effects.passed(last).await);
        };
        let whole = machine.two_lives(crash_at, kinds, Vec::new, work).await;
        let (store, _) = machine.store(Faults::default()).await;
        assert_eq!(
            told(&store, &home(&name)).await,
            ["y"],
            "crash at {crash_at}"
        );
        assert_eq!(letters(&store).await.len(), 1, "crash at {crash_at}");
        if whole {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_takes_a_right_away_parks_its_home_and_no_other() {
    let machine = Machine::new();
    let running = machine.start(kinds(), Vec::new()).await;
    let store = running.node.store.clone();
    refuses(&home("parked"), 1_000);
    causes(&store, &home("one"), "takes", &["parked", "free"], "1")
        .await
        .unwrap();
    eventually("its home is parked", async || {
        letters(&store).await.len() == 1
    })
    .await;
    causes(&store, &home("one"), "says", &["parked", "free"], "2")
        .await
        .unwrap();
    eventually("the other home goes on", async || {
        told(&store, &home("free")).await == ["1", "2"]
    })
    .await;
    eventually("the next one waits behind it", async || {
        letters(&store).await.len() == 2
    })
    .await;
    let waiting = letters(&store).await;
    assert!(
        waiting
            .iter()
            .all(|(_, letter)| letter.what == What::Parked)
    );
    store.close().await;
    // The next start knows that it is parked.
    let running = machine.start(kinds(), Vec::new()).await;
    let store = &running.node.store;
    causes(store, &home("one"), "says", &["parked", "free"], "3")
        .await
        .unwrap();
    eventually("it waits too", async || letters(store).await.len() == 3).await;
    assert_eq!(told(store, &home("parked")).await, [""; 0]);
    refuses(&home("parked"), 0);
    again(&running.node, &letters(store).await[0].0, "first").await;
    eventually("everything ran in order", async || {
        told(store, &home("parked")).await == ["1", "2", "3"]
    })
    .await;
    causes(store, &home("one"), "says", &["parked"], "4")
        .await
        .unwrap();
    eventually("the home is free again", async || {
        told(store, &home("parked")).await == ["1", "2", "3", "4"]
            && letters(store).await.is_empty()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_parked_home_is_tried_again_by_itself() {
    let machine = Machine::new();
    let running = machine.start(kinds(), Vec::new()).await;
    let store = &running.node.store;
    refuses(&home("later"), super::TRIES + 2);
    causes(store, &home("one"), "takes", &["later"], "1")
        .await
        .unwrap();
    eventually("it ran in the end", async || {
        told(store, &home("later")).await == ["1"] && letters(store).await.is_empty()
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_nobody_knows_is_a_letter_too() {
    let machine = Machine::new();
    let running = machine.start(kinds(), Vec::new()).await;
    let store = &running.node.store;
    causes(store, &home("one"), "gone", &["a"], "1")
        .await
        .unwrap();
    eventually("it is set aside", async || letters(store).await.len() == 1).await;
    let (key, letter) = letters(store).await.remove(0);
    assert_eq!((key.2.as_str(), letter.kind.as_str()), ("", "gone"));
    store.close().await;
    let mut known = kinds();
    known[0].name = "gone";
    let running = machine.start(known, Vec::new()).await;
    let store = &running.node.store;
    eventually("it is behind the checkpoint", async || {
        checkpoint(store).await.unwrap() >= key.0
    })
    .await;
    assert_eq!(
        told(store, &home("a")).await,
        [""; 0],
        "the start left it aside"
    );
    again(&running.node, &key, "first").await;
    eventually("it ran", async || told(store, &home("a")).await == ["1"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_letter_without_a_home_is_tried_again_at_once_and_a_crash_at_any_step_runs_it_once() {
    for crash_at in 1.. {
        let machine = Machine::new();
        let running = machine.start(kinds(), Vec::new()).await;
        let store = &running.node.store;
        causes(store, &home("one"), "gone", &["a"], "1")
            .await
            .unwrap();
        eventually("it is set aside", async || letters(store).await.len() == 1).await;
        let (key, _) = letters(store).await.remove(0);
        store.close().await;
        let known = || {
            let mut known = kinds();
            known[0].name = "gone";
            known
        };
        let work = async |running: &Running| {
            let store = &running.node.store;
            let at = tokio::time::Instant::now();
            again(&running.node, &key, "retry").await;
            assert!(at.elapsed().as_millis() < 50, "it had to wait");
            eventually("it ran", async || !told(store, &home("a")).await.is_empty()).await;
            let last = store.last_position().await;
            assert!(running.node.effects.passed(last).await);
        };
        let whole = machine.two_lives(crash_at, known, Vec::new, work).await;
        let (store, _) = machine.store(Faults::default()).await;
        assert_eq!(told(&store, &home("a")).await, ["1"], "crash at {crash_at}");
        assert_eq!(letters(&store).await.len(), 0);
        if whole {
            assert!(crash_at > 10, "{crash_at} steps were all there were");
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_told_as_still_to_come() {
    let machine = Machine::new();
    let running = machine.start(kinds(), Vec::new()).await;
    let (node, store) = (&running.node, &running.node.store);
    refuses(&home("slow"), 1_000);
    for (kind, to) in [("takes", "slow"), ("says", "slow"), ("says", "refusing")] {
        refuses(&home("refusing"), 1_000);
        let position = causes(store, &home("one"), kind, &[to], &format!("{kind} {to}")).await;
        let position = position.unwrap();
        assert!(!settled(node, position).await, "{kind} {to}");
        eventually("its letter is there", async || {
            letters(store)
                .await
                .iter()
                .any(|(key, _)| key.0 == position)
        })
        .await;
        // The runner has passed it, but it is not there.
        assert!(node.effects.passed(position).await);
        assert!(!settled(node, position).await, "{kind} {to}");
        let other = causes(store, &home("one"), "says", &["free"], to).await;
        assert!(settled(node, other.unwrap()).await);
    }
    let waiting = letters(store).await;
    for name in ["slow", "refusing"] {
        refuses(&home(name), 0);
    }
    for (key, _) in &waiting {
        let retried = letter::run_again(node, key, &asked(&key.0.to_string())).await;
        assert!(retried.is_ok() || key.2 == "thing:slow", "{retried:?}");
    }
    for (key, _) in &waiting {
        eventually("it is there", async || settled(node, key.0).await).await;
    }
}

// ---- timers

async fn ring(node: &Node, effect: &Delivered, home: &Home) -> Answer<()> {
    let mut t = node.store.transaction(home);
    super::stamp(&mut t, effect);
    tell(&mut t, &effect.kind);
    t.commit().await?;
    Ok(())
}

/// Timers called `ring:…` tell their name to the bell.
fn rings() -> Vec<Kind> {
    vec![Kind {
        name: "timer:ring",
        targets: |_| Ok(vec![home("bell")]),
        run: |node, effect, home| Box::pin(async move { ring(&node, &effect, &home).await }),
        takes_a_right: false,
    }]
}

async fn sets_and_cancels(store: &Store, at_ms: i64) -> Result<(), storage::StoreError> {
    let step = |id: &str| {
        store
            .transaction(&home("timers"))
            .client_id("call", "test", id, [0; 32], 86_400_000)
    };
    let mut t = step("set");
    for name in ["ring:kept", "ring:cancelled", "ring:moved"] {
        t.at_time(at_ms, name, Value::bytes(Vec::new()));
    }
    t.commit().await?;
    let mut t = step("cancel");
    t.cancel("ring:cancelled");
    t.at_time(at_ms + 1_000, "ring:moved", Value::bytes(Vec::new()));
    t.commit().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_step_fires_each_timer_once_and_a_cancelled_one_never() {
    for crash_at in 1.. {
        let machine = Machine::new();
        let at_ms = machine.clock().now_ms() + 60_000;
        let work = async |running: &Running| {
            let store = &running.node.store;
            sets_and_cancels(store, at_ms).await.unwrap();
            machine.passes(120_000);
            eventually("both rang", async || {
                told(store, &home("bell")).await.len() >= 2
            })
            .await;
            let last = store.last_position().await;
            assert!(running.node.effects.passed(last).await);
        };
        let whole = machine.two_lives(crash_at, rings, Vec::new, work).await;
        let (store, _) = machine.store(Faults::default()).await;
        let rang = told(&store, &home("bell")).await;
        assert_eq!(
            rang,
            ["timer:ring:kept", "timer:ring:moved"],
            "crash at {crash_at}"
        );
        if whole {
            assert!(crash_at > 30, "{crash_at} steps were all there were");
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_back_and_forward_breaks_no_timer_and_no_position() {
    let machine = Machine::new();
    let running = machine.start(rings(), Vec::new()).await;
    let store = &running.node.store;
    let set = async |name: &str, in_ms: i64| {
        let mut t = store.transaction(&home("timers"));
        let at_ms = machine.clock().now_ms() + in_ms;
        t.at_time(at_ms, name, Value::bytes(Vec::new()));
        t.commit().await.expect("a timer")
    };
    let first = set("ring:tomorrow", 86_400_000).await;
    machine.passes(-8 * 3_600_000);
    let second = set("ring:soon", 1_000).await;
    assert!(second.position > first.position && second.time_ms >= first.time_ms);
    machine.passes(1_000);
    eventually("the near one rang", async || {
        told(store, &home("bell")).await == ["timer:ring:soon"]
    })
    .await;
    machine.passes(40 * 3_600_000);
    eventually("the far one rang", async || {
        told(store, &home("bell")).await.len() == 2
    })
    .await;
    machine.passes(-40 * 3_600_000);
    let third = set("ring:again", 1_000).await;
    assert!(third.position > second.position && third.time_ms >= second.time_ms);
    machine.passes(1_000);
    eventually("a new one rings all the same", async || {
        told(store, &home("bell"))
            .await
            .last()
            .is_some_and(|last| last == "timer:ring:again")
    })
    .await;
    assert_eq!(told(store, &home("bell")).await.len(), 3);
}
