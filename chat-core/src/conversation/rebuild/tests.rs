//! Lists are damaged and made again while people join and leave, on an engine whose delays a seed decides.

use storage::engine::faulty::Faults;
use storage::max_value;

use super::super::change::{say, seat, unseat};
use super::*;
use crate::effect::letter;
use crate::job::{NewJob, jobs_home};
use crate::message::types::SystemLine;
use crate::testing::{Machine, NOON_MS, Running, eventually};

const PEOPLE: u64 = 4;
const CONVERSATIONS: u64 = 3;

fn person(n: u64) -> UserId {
    Id::derived("test", &[b"user", &n.to_be_bytes()])
}

fn conversation(n: u64) -> ConversationId {
    Id::derived("test", &[b"conv", &n.to_be_bytes()])
}

/// Numbers that a seed decides.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % n
    }
}

/// Takes a person in who is out, or out who is in.
async fn turns(store: &Store, user: UserId, id: ConversationId) -> Answer<()> {
    retry(|| async {
        let mut t = store.transaction(&conversation_home(id));
        let user_ids = vec![user];
        if t.read(&ROSTER, &(), &user).await?.is_none() {
            say(&mut t, user, SystemLine::Joined { user_ids })?;
            seat(&mut t, id, &[user])?;
        } else {
            say(&mut t, user, SystemLine::Removed { user_ids })?;
            unseat(&mut t, id, user)?;
        }
        t.commit().await?;
        Ok(())
    })
    .await
}

/// Breaks a person's list: a row goes, a row comes that should not be there, the count is anything.
async fn breaks(store: &Store, dice: &mut Dice) {
    for n in 0..PEOPLE {
        let mut t: Transaction = store.transaction(&user_home(person(n)));
        for c in 0..CONVERSATIONS {
            let id = conversation(c);
            match dice.below(4) {
                0 => t.delete(JOINED.at(&(), &id)),
                1 => {
                    let row = JoinedRow {
                        from_seq: 1_000 + dice.below(9),
                        from_count: 3,
                        joined_at: 5,
                    };
                    t.set(&JOINED, &(), &id, &row).unwrap();
                }
                2 => t.put(JOINED.at(&(), &id), Value::bytes(b"damaged".to_vec())),
                _ => {}
            }
        }
        match dice.below(3) {
            0 => t.put(joined_count(), Value::bytes(vec![0; 8])),
            1 => t.put(joined_count(), Value::bytes(b"damaged".to_vec())),
            _ => {}
        }
        t.commit().await.unwrap();
    }
}

async fn begins(store: &Store) {
    let mut t = store.transaction(&jobs_home());
    let new = NewJob {
        id: REBUILD,
        kind: REBUILD,
        payload: &(),
        at_ms: NOON_MS,
        ordinal: 0,
    };
    job::begin(&mut t, &new).unwrap();
    t.commit().await.unwrap();
}

/// Where lists are not what the rosters say.
async fn wrong_ones(store: &Store) -> Vec<String> {
    let mut found = Vec::new();
    for n in 0..PEOPLE {
        let home = user_home(person(n));
        let mut listed = 0;
        for c in 0..CONVERSATIONS {
            let id = conversation(c);
            let row = store.get(&home, &JOINED.at(&(), &id)).await.unwrap();
            listed += i64::from(row.is_some());
            let of_list = row.map(|row| match JOINED.decode(&row) {
                Ok(row) => (row.from_seq, row.from_count),
                Err(_) => (0, 0),
            });
            let (of, user) = (conversation_home(id), person(n));
            let member = store.read(&of, &ROSTER, &(), &user).await.unwrap();
            // Only system lines are written here, and they do not count.
            let of_roster = member.map(|member| (member.from_seq, 0));
            if of_list != of_roster {
                found.push(format!("{c} for {n}: {of_list:?} is {of_roster:?}"));
            }
            let cursor = store.get(&home, &cursor_at(id)).await.unwrap();
            let read = cursor.map(|cursor| max_value(&cursor).unwrap().0);
            if member.map(|member| member.from_seq - 1) > read {
                found.push(format!("{c} for {n} is read up to {read:?}"));
            }
        }
        let count = store.get(&home, &joined_count()).await.unwrap();
        let count = count.map_or(Ok(0), |row| sum_value(&row));
        if count != Ok(listed) {
            found.push(format!("{n} has {listed} and counts {count:?}"));
        }
    }
    found
}

async fn comes_to_rest(running: &Running) {
    let store = &running.node.store;
    eventually("the job is done", async || {
        let look = job::look(store, &jobs_home(), REBUILD).await;
        look.unwrap().is_none()
    })
    .await;
    eventually("no effect waits", async || {
        let last = store.last_position().await;
        let ran = running.node.effects.passed(last).await;
        ran && letter::page(store, None, 9).await.unwrap().is_empty()
    })
    .await;
}

async fn starts(machine: &Machine, faults: Faults) -> Option<Running> {
    let jobs = vec![kind()];
    machine.start_with(faults, crate::effects(), jobs).await
}

/// Lists are broken, and made again while others go on joining and leaving. Gives how much was broken.
async fn a_day(seed: u64) -> usize {
    let machine = Machine::new();
    let running = starts(&machine, Faults::hidden(seed)).await.unwrap();
    let store = running.node.store.clone();
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..10 {
        let (user, id) = (
            person(dice.below(PEOPLE)),
            conversation(dice.below(CONVERSATIONS)),
        );
        turns(&store, user, id).await.unwrap();
    }
    comes_to_rest(&running).await;
    assert_eq!(wrong_ones(&store).await, [""; 0], "seed {seed}");
    breaks(&store, &mut dice).await;
    let broken = wrong_ones(&store).await.len();
    let others = async {
        for _ in 0..60 {
            let (user, id) = (
                person(dice.below(PEOPLE)),
                conversation(dice.below(CONVERSATIONS)),
            );
            turns(&store, user, id).await.unwrap();
            for _ in 0..dice.below(20) {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::join!(others, begins(&store));
    comes_to_rest(&running).await;
    // Whoever joined or left with a list that nobody had mended yet may have left a wrong number behind.
    begins(&store).await;
    comes_to_rest(&running).await;
    assert_eq!(wrong_ones(&store).await, [""; 0], "seed {seed}");
    let outcome = last(&store).await.unwrap().unwrap();
    assert_eq!((outcome.failed, outcome.mended), (0, 0), "seed {seed}");
    assert!(outcome.homes >= PEOPLE + CONVERSATIONS, "{outcome:?}");
    broken
}

#[tokio::test(start_paused = true)]
async fn lists_are_made_again_while_people_join_and_leave_and_equal_the_rosters_in_the_end() {
    let mut broken = 0;
    for seed in 1..=30 {
        broken += a_day(seed).await;
    }
    assert!(broken > 100, "{broken} rows were broken in all");
}

/// Lets the effects of everything that was written run.
async fn effects_ran(running: &Running) {
    let last = running.node.store.last_position().await;
    assert!(running.node.effects.passed(last).await);
}

/// The guard by itself: the roster is read, then somebody leaves and the effect of that runs, then the commit comes.
#[tokio::test(start_paused = true)]
async fn a_mending_is_void_when_somebody_joins_or_leaves_between_its_look_and_its_commit() {
    for was_in in [true, false] {
        let machine = Machine::new();
        let running = starts(&machine, Faults::default()).await.unwrap();
        let store = running.node.store.clone();
        let (user, id) = (person(1), conversation(1));
        turns(&store, user, id).await.unwrap();
        if !was_in {
            turns(&store, user, id).await.unwrap();
        }
        effects_ran(&running).await;
        // Broken: the row is gone though he is in, or there though he is out.
        let mut t = store.transaction(&user_home(user));
        if was_in {
            t.delete(JOINED.at(&(), &id));
        } else {
            let row = JoinedRow {
                from_seq: 1,
                from_count: 0,
                joined_at: 5,
            };
            t.set(&JOINED, &(), &id, &row).unwrap();
        }
        t.commit().await.unwrap();
        recount(&store, user).await.unwrap();

        let looked = mending(&store, user, id).await.unwrap().expect("wrong");
        turns(&store, user, id).await.unwrap();
        effects_ran(&running).await;
        // By the row that it read, else by the log whose end it expects.
        let refused = looked.commit().await.unwrap_err();
        let void = matches!(
            refused,
            StoreError::Conflict { .. } | StoreError::Limit { .. }
        );
        assert!(void, "{refused:?}");

        mend(&store, user, id).await.unwrap();
        let home = conversation_home(id);
        let member = store.read(&home, &ROSTER, &(), &user).await.unwrap();
        assert_eq!(member.is_some(), !was_in);
        let row = store.get(&user_home(user), &JOINED.at(&(), &id)).await;
        assert!(!wrong(member, row.unwrap().as_ref()));
    }
}
