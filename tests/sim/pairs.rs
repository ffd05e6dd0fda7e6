//! Two calls at once, in many of the orders in which the store's steps may come: what they answer and what they leave
//! behind is what the one after the other would have.

use chat_core::api::Class;
use serde_json::{Value, json};
use storage::engine::faulty::Faults;

use crate::chain::{DISCUSSION, Deed, Machine, REST, Seen, calls, deed, discussion_of, normal};
use crate::client::direct;
use crate::life::{Life, user};
use crate::plan::PEOPLE;

/// Orders in which the store's steps come.
const SEEDS: u64 = 30;

struct Pair {
    before: Vec<Deed>,
    one: Deed,
    other: Deed,
}

async fn answer(life: &Life, deed: &Deed, key: &str) -> Value {
    match calls(life, deed, key).await {
        Ok(mut answer) => {
            // Whether the lists have followed when it is answered is a matter of time.
            if let Some(fields) = answer.as_object_mut() {
                fields.remove("pending");
            }
            answer
        }
        Err(error) => {
            // Two calls that nobody understands would always agree.
            assert_ne!(error.class, Class::Invalid, "{}: {error:?}", deed.method);
            json!({"refused": error.code})
        }
    }
}

/// The answers of the two, and what everybody sees in the end.
async fn outcome(life: &Life, answers: [Value; 2], looks: &[Deed]) -> Seen {
    tokio::time::sleep(REST).await;
    let mut seen = Seen::from(answers);
    for look in looks {
        seen.push(answer(life, look, "look").await);
    }
    normal(seen)
}

/// Runs the two by `how` on a machine of their own.
fn happens(
    pair: &Pair,
    faults: Faults,
    how: impl AsyncFnOnce(&Life, &Deed, &Deed) -> [Value; 2],
) -> Seen {
    let mut machine = Machine::new();
    machine.prepare(true, &pair.before);
    let (one, other) = (machine.named(&pair.one), machine.named(&pair.other));
    let looks: Vec<Deed> = looks(pair).iter().map(|look| machine.named(look)).collect();
    let seen = machine.lives_with(faults, async |life| {
        let answers = how(life, &one, &other).await;
        outcome(life, answers, &looks).await
    });
    seen.expect("nothing kills it")
}

/// Everybody's list, everybody's history of the conversation that it is about, the members of the company.
fn looks(pair: &Pair) -> Vec<Deed> {
    let mut looks = vec![
        deed(0, "space.members", json!({"limit": 200})),
        deed(0, "space.disabled_members", json!({})),
    ];
    for who in 0..PEOPLE {
        looks.push(deed(who, "conversation.list", json!({})));
        if !pair.before.is_empty() {
            let here = || json!({"conversation_id": DISCUSSION});
            looks.push(deed(who, "message.list", here()));
            looks.push(deed(who, "conversation.members", here()));
        }
    }
    looks
}

fn is_one_after_the_other(pair: &Pair) {
    let orders = [
        happens(pair, Faults::default(), async |life, one, other| {
            let first = answer(life, one, "one").await;
            [first, answer(life, other, "other").await]
        }),
        happens(pair, Faults::default(), async |life, one, other| {
            let first = answer(life, other, "other").await;
            [answer(life, one, "one").await, first]
        }),
    ];
    let mut met = [0_u32; 2];
    for seed in 1..=SEEDS {
        let came = happens(pair, Faults::hidden(seed), async |life, one, other| {
            <[Value; 2]>::from(tokio::join!(
                answer(life, one, "one"),
                answer(life, other, "other")
            ))
        });
        let order = orders.iter().position(|order| *order == came);
        let what = format!(
            "{} with {}, seed {seed}",
            pair.one.method, pair.other.method
        );
        met[order.unwrap_or_else(|| {
            panic!(
                "{what} came to {came:#?}\nand not to {:#?}\nor {:#?}",
                orders[0], orders[1]
            )
        })] += 1;
    }
    assert!(met[0] > 0, "{met:?}");
}

/// A discussion of the first three, and two calls about it.
fn in_a_discussion(one: Deed, other: Deed) -> Pair {
    Pair {
        before: vec![discussion_of(&[1, 2])],
        one,
        other,
    }
}

fn here(who: usize, method: &'static str, mut params: Value) -> Deed {
    params["conversation_id"] = json!(DISCUSSION);
    deed(who, method, params)
}

fn says(who: usize) -> Deed {
    here(
        who,
        "message.send",
        json!({"text": format!("说{who}"), "client_msg_id": format!("m{who}")}),
    )
}

fn first(who: usize, peer: usize) -> Deed {
    let (conversation_id, peer_id) = direct(who, peer);
    let params = json!({"conversation_id": conversation_id, "peer_id": peer_id, "text": format!("说{who}"), "client_msg_id": "first"});
    deed(who, "message.send", params)
}

fn disables(who: usize, whom: usize) -> Deed {
    deed(
        who,
        "space.disable_member",
        json!({"user_id": user(whom), "reason": "已离职"}),
    )
}

/// Found by a busy machine: the second one's seat was read before the chat began, and the chat after it.
#[test]
fn im_i01_two_first_messages_at_once_are_one_after_the_other() {
    is_one_after_the_other(&Pair {
        before: vec![],
        one: first(0, 1),
        other: first(1, 0),
    });
}

#[test]
fn im_i12_two_acts_on_a_discussion_at_once_are_one_after_the_other() {
    let adds = |who: usize, whom: usize| {
        here(
            who,
            "conversation.add_members",
            json!({"user_ids": [user(whom)]}),
        )
    };
    let removes = |whom: usize| {
        here(
            0,
            "conversation.remove_member",
            json!({"user_id": user(whom)}),
        )
    };
    let transfers = |whom: usize| here(0, "conversation.transfer", json!({"user_id": user(whom)}));
    let leaves = |who: usize| here(who, "conversation.leave", json!({}));
    let renames = |who: usize, name: &str| here(who, "conversation.rename", json!({"name": name}));
    let dissolves = || here(0, "conversation.dissolve", json!({}));
    for (one, other) in [
        (says(0), says(1)),
        (adds(0, 3), adds(1, 3)),
        (adds(1, 3), removes(1)),
        (says(2), removes(2)),
        (leaves(2), removes(2)),
        (leaves(0), leaves(1)),
        (leaves(1), transfers(1)),
        (leaves(0), adds(1, 3)),
        (removes(1), transfers(1)),
        (renames(0, "合同"), renames(0, "投标")),
        (dissolves(), says(1)),
        (dissolves(), adds(1, 3)),
        (dissolves(), leaves(0)),
    ] {
        is_one_after_the_other(&in_a_discussion(one, other));
    }
}

#[test]
fn user_05_disabling_somebody_at_once_with_something_else_is_one_after_the_other() {
    for (one, other) in [
        (disables(0, 2), says(1)),
        (disables(0, 2), disables(0, 2)),
        (
            disables(0, 3),
            here(0, "conversation.rename", json!({"name": "合同"})),
        ),
    ] {
        is_one_after_the_other(&in_a_discussion(one, other));
    }
}
