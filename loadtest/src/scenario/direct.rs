//! `direct`: pairs of people in direct chats, one socket each; how long until a message is acknowledged
//! (it is durable then) and until the other one has it.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::json;

use super::{Common, measure};
use crate::audit;
use crate::pace;
use crate::report::Run;
use crate::talk::{self, Chat, Talk};
use crate::trouble::{Outcome, Trouble};
use crate::world::World;

/// Seconds of talk before the measured ones: first messages make the chats, caches fill.
const WARM_S: f64 = 3.0;
/// A person may make 20 calls a second: at half of it nobody is refused by chance.
pub(crate) const PER_PERSON: f64 = 10.0;

/// What is asked.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Direct {
    /// Messages a second.
    #[arg(long, default_value_t = 500.0)]
    pub(crate) rate: f64,
    /// Measured seconds.
    #[arg(long, default_value_t = 30.0)]
    pub(crate) seconds: f64,
    /// People; half as many chats.
    #[arg(long, default_value_t = 200)]
    pub(crate) people: usize,
}

#[derive(Deserialize)]
struct State {
    conversation_id: String,
    head_seq: u64,
}

/// One run.
///
/// # Errors
/// It could not be done.
pub(crate) async fn run(world: &World, asked: Direct, common: Common) -> Outcome<Run> {
    if asked.rate > PER_PERSON * f64::from(u32::try_from(asked.people).unwrap_or(u32::MAX)) {
        return Err(Trouble::new(format!(
            "{} people may not send {} messages a second: the server takes 20 calls/s of each",
            asked.people, asked.rate
        )));
    }
    let pairs = u32::try_from(asked.people / 2).unwrap_or(0);
    let chats: Vec<Chat> = stream::iter(0..pairs)
        .map(|pair| chat(world, pair))
        .buffered(16)
        .try_collect()
        .await?;
    let members: Vec<Vec<u32>> = chats.iter().map(|chat| chat.members.clone()).collect();
    let plan = pace::plan(asked.rate, WARM_S + asked.seconds, &members, common.seed);
    let talk = Talk {
        chats,
        direct: true,
        plan: Arc::new(plan),
        warm_us: warm_us(WARM_S),
        codec: common.codec,
    };
    let mut run = Run::begun();
    run.disk(&world.disk_sync_us()?)?;
    let read = audit::read_before(world, &talk.chats).await?;
    let told = talk::run(world, asked.people, &talk).await?;
    measure(&talk, &told, &mut run)?;
    run.audit = audit::talk(world, &talk, &told, &read).await?;
    Ok(run)
}

async fn chat(world: &World, pair: u32) -> Outcome<Chat> {
    let members = vec![pair * 2, pair * 2 + 1];
    let params = json!({"user_id": world.user_id(members[1])});
    let state: State = world
        .call(members[0] as usize, "conversation.open_direct", &params)
        .await?;
    Ok(Chat {
        id: state.conversation_id,
        members,
        base_seq: state.head_seq,
    })
}

/// Seconds in µs.
pub(crate) fn warm_us(seconds: f64) -> u64 {
    let warm = std::time::Duration::from_secs_f64(seconds);
    u64::try_from(warm.as_micros()).unwrap_or(0)
}
