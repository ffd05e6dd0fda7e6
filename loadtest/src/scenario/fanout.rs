//! `fanout`: one discussion, everybody in it connected; what a delivery costs the server.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

use super::direct::{PER_PERSON, warm_us};
use super::{Common, measure};
use crate::audit;
use crate::pace;
use crate::report::Run;
use crate::talk::{self, Chat, Talk};
use crate::trouble::{Outcome, Trouble};
use crate::world::World;

/// Seconds of talk before the measured ones.
const WARM_S: f64 = 2.0;
/// Members of a discussion at most (`docs/methods.md`).
const MEMBERS_MAX: usize = 500;

/// What is asked.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Fanout {
    /// Members, all of them connected.
    #[arg(long, default_value_t = 500)]
    pub(crate) members: usize,
    /// Messages a second, each by a random member.
    #[arg(long, default_value_t = 20.0)]
    pub(crate) rate: f64,
    /// Measured seconds.
    #[arg(long, default_value_t = 30.0)]
    pub(crate) seconds: f64,
}

#[derive(Deserialize)]
struct State {
    head_seq: u64,
}

/// One run.
///
/// # Errors
/// It could not be done.
pub(crate) async fn run(world: &World, asked: Fanout, common: Common) -> Outcome<Run> {
    let most = PER_PERSON * f64::from(u32::try_from(asked.members).unwrap_or(0));
    if !(2..=MEMBERS_MAX).contains(&asked.members) || asked.rate > most {
        return Err(Trouble::new(format!(
            "2 to {MEMBERS_MAX} members, {PER_PERSON} messages a second of each"
        )));
    }
    let members: Vec<u32> = (0..u32::try_from(asked.members).unwrap_or(0)).collect();
    let id = world.discussion("Load", &members).await?;
    let params = json!({"conversation_id": id});
    let state: State = world.call(0, "conversation.get", &params).await?;
    let plan = pace::plan(
        asked.rate,
        WARM_S + asked.seconds,
        std::slice::from_ref(&members),
        common.seed,
    );
    let talk = Talk {
        chats: vec![Chat {
            id,
            members,
            base_seq: state.head_seq,
        }],
        direct: false,
        plan: Arc::new(plan),
        warm_us: warm_us(WARM_S),
        codec: common.codec,
    };
    let mut run = Run::begun();
    run.disk(&world.disk_sync_us()?)?;
    let read = audit::read_before(world, &talk.chats).await?;
    let told = talk::run(world, asked.members, &talk).await?;
    measure(&talk, &told, &mut run)?;
    run.audit = audit::talk(world, &talk, &told, &read).await?;
    Ok(run)
}
