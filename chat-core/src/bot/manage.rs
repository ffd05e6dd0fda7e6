//! Adding a bot to a discussion, giving it a new address, taking it away. Each is one commit of the discussion's home.

use storage::{Committed, Direction, KeyRange, Store, Transaction, retry};

use super::rows::{BOT, BotRow, OldToken};
use super::signature;
use super::types::{Bot, BotId, BotRef, Bots, CreateBot, MadeBot, RenewBot};
use crate::api::registry::{Nothing, nothing};
use crate::api::{Answer, ApiError, Class};
use crate::audit::{self, Note, TargetKind};
use crate::bytes32::Bytes32;
use crate::conversation::change::{Asked, Entered, say, settle};
use crate::conversation::listing::seen_by;
use crate::conversation::rows::{META, MetaRow, conversation_home};
use crate::conversation::rules::{open_discussion, owned_by};
use crate::conversation::types::ConversationRef;
use crate::ctx::{Caller, Ctx};
use crate::directory::person::{self, Role};
use crate::ids::{ConversationId, Id};
use crate::limits::{BOT_NAME_CHARS, BOTS_PER_DISCUSSION, OLD_ADDRESS_MS};
use crate::message::types::SystemLine;
use crate::secret::{digest, mac, token};
use crate::text;

// ---- rules

/// Who may add bots and take them away: the owner, and an administrator who is a member.
fn may_manage(meta: &MetaRow, caller: &Caller, role: Role) -> Answer<()> {
    open_discussion(meta)?;
    match role {
        Role::Admin => Ok(()),
        Role::Member => owned_by(meta, caller.user_id),
    }
}

/// Room for one bot more.
fn room_for_one(meta: &MetaRow) -> Answer<()> {
    if meta.bots < BOTS_PER_DISCUSSION {
        return Ok(());
    }
    Err(ApiError::new(
        Class::Conflict,
        "too_many_bots",
        format!("一个讨论组最多 {BOTS_PER_DISCUSSION} 个机器人"),
        format!("A discussion has at most {BOTS_PER_DISCUSSION} bots"),
    ))
}

// ---- methods

pub(super) async fn list(ctx: Ctx, p: ConversationRef) -> Answer<Bots> {
    let caller = ctx.caller()?;
    let snapshot = seen_by(&ctx, &caller, p.conversation_id).await?;
    open_or_over(&snapshot.meta)?;
    let now_ms = ctx.now_ms();
    let mut items: Vec<Bot> = bots(&ctx.node.store, p.conversation_id)
        .await?
        .iter()
        .map(|(id, row)| row.view(*id, now_ms))
        .collect();
    items.sort_by_key(|bot| (bot.created_at, bot.bot_id));
    Ok(Bots { items })
}

pub(super) async fn create(ctx: Ctx, p: CreateBot) -> Answer<MadeBot> {
    let (ctx, key) = keyed(ctx);
    let caller = ctx.caller()?;
    let name = text::line("name", &p.name, BOT_NAME_CHARS)?;
    let signed = p.signed.unwrap_or(false);
    let id = p.conversation_id;
    let bot_id = Id::derived("bot", &[&id.0, &caller.user_id.0, key.as_bytes()]);
    let token = token_for(&ctx, (id, bot_id), &key)?;
    let row = BotRow {
        name,
        created_by: caller.user_id,
        created_at: ctx.now_ms(),
        signed,
        token: Bytes32(digest(token.as_bytes())),
        old: None,
    };
    let parts: [&[u8]; 2] = [row.name.as_bytes(), &[u8::from(signed)]];
    let asked = Asked::new(&ctx, "bot.create", id, &parts)?;
    let done = retry(|| create_once(&ctx, &asked, bot_id, &row)).await?;
    settle(&ctx, &done).await;
    answer(&ctx, (id, bot_id), &token).await
}

async fn create_once(ctx: &Ctx, asked: &Asked, bot_id: BotId, row: &BotRow) -> Answer<Committed> {
    let (t, mut meta) = match enter(ctx, asked).await? {
        Entered::Now(t, meta) => (t, meta),
        Entered::Before(done) => return Ok(done),
    };
    let mut t = t.allowed(room_for_one(&meta)).await?;
    meta.bots += 1;
    t.set(&META, &(), &(), &meta)?;
    t.set(&BOT, &(), &bot_id, row)?;
    let name = row.name.clone();
    say(&mut t, row.created_by, SystemLine::BotAdded { name })?;
    note(ctx, asked, row).await?.put(&mut t)?;
    Ok(t.commit().await?)
}

pub(super) async fn renew(ctx: Ctx, p: RenewBot) -> Answer<MadeBot> {
    let (ctx, key) = keyed(ctx);
    let (id, at_once) = (p.conversation_id, p.at_once.unwrap_or(false));
    let token = token_for(&ctx, (id, p.bot_id), &key)?;
    let hash = Bytes32(digest(token.as_bytes()));
    let parts: [&[u8]; 2] = [&p.bot_id.0, &[u8::from(at_once)]];
    let asked = Asked::new(&ctx, "bot.renew", id, &parts)?;
    let until = ctx.now_ms() + OLD_ADDRESS_MS;
    retry(|| async {
        let Entered::Now(mut t, _) = enter(&ctx, &asked).await? else {
            return Answer::Ok(());
        };
        let row = t.read(&BOT, &(), &p.bot_id).await?;
        let row = row.ok_or_else(ApiError::not_found)?;
        let old = OldToken {
            token: row.token,
            until,
        };
        let row = BotRow {
            token: hash,
            old: (!at_once).then_some(old),
            ..row
        };
        t.set(&BOT, &(), &p.bot_id, &row)?;
        note(&ctx, &asked, &row).await?.put(&mut t)?;
        t.commit().await?;
        Ok(())
    })
    .await?;
    answer(&ctx, (id, p.bot_id), &token).await
}

pub(super) async fn remove(ctx: Ctx, p: BotRef) -> Answer<Nothing> {
    let caller = ctx.caller()?;
    let asked = Asked::new(&ctx, "bot.remove", p.conversation_id, &[&p.bot_id.0])?;
    retry(|| async {
        let Entered::Now(mut t, mut meta) = enter(&ctx, &asked).await? else {
            return Ok(());
        };
        // Gone already: what was asked for is true.
        let Some(row) = t.read(&BOT, &(), &p.bot_id).await? else {
            return Answer::Ok(());
        };
        t.delete(BOT.at(&(), &p.bot_id));
        meta.bots = meta.bots.saturating_sub(1);
        t.set(&META, &(), &(), &meta)?;
        let name = row.name.clone();
        say(&mut t, caller.user_id, SystemLine::BotRemoved { name })?;
        note(&ctx, &asked, &row).await?.put(&mut t)?;
        let done = t.commit().await?;
        settle(&ctx, &done).await;
        Ok(())
    })
    .await?;
    nothing()
}

// ---- parts

/// The bots of a discussion.
///
/// # Errors
/// What the store answers.
pub(super) async fn bots(store: &Store, id: ConversationId) -> Answer<Vec<(BotId, BotRow)>> {
    let (home, all) = (conversation_home(id), KeyRange::all());
    let partition = BOT.partition(&());
    let rows = store
        .scan(
            &home,
            &partition,
            all,
            Direction::Forward,
            BOTS_PER_DISCUSSION,
        )
        .await?;
    rows.iter()
        .map(|(key, row)| Ok((BOT.key(key)?, BOT.decode(row)?)))
        .collect()
}

/// The call with a client id, made up where it has none: the address is derived from it.
fn keyed(mut ctx: Ctx) -> (Ctx, String) {
    let key = ctx.key_or_new();
    ctx.key = Some(key.clone());
    (ctx, key)
}

/// The token that a call makes; its repeat makes the same.
fn token_for(ctx: &Ctx, (id, bot_id): (ConversationId, BotId), key: &str) -> Answer<String> {
    let user = ctx.caller()?.user_id;
    let parts: [&[u8]; 4] = [b"bot-token", &bot_id.0, &user.0, key.as_bytes()];
    Ok(token(id, &mac(&ctx.node.secret, &parts)))
}

/// What is shown of a bot once.
async fn answer(ctx: &Ctx, (id, bot_id): (ConversationId, BotId), token: &str) -> Answer<MadeBot> {
    let home = conversation_home(id);
    let row = ctx.node.store.read(&home, &BOT, &(), &bot_id).await?;
    let bot = row.ok_or_else(ApiError::not_found)?;
    let bot = bot.view(bot_id, ctx.now_ms());
    let signing = signature::secret(&ctx.node.secret, &digest(token.as_bytes()));
    Ok(MadeBot {
        path: format!("/hooks/{token}"),
        signing_secret: bot.signed.then(|| signature::shown(&signing)),
        bot,
    })
}

/// Begins a change by somebody who may manage the bots.
async fn enter(ctx: &Ctx, asked: &Asked) -> Answer<Entered> {
    let (t, meta) = match asked.enter(ctx).await? {
        Entered::Now(t, meta) => (t, meta),
        before @ Entered::Before(_) => return Ok(before),
    };
    let caller = ctx.caller()?;
    let member = person::member(&ctx.node.store, caller.space_id, caller.user_id).await?;
    let role = member.ok_or_else(ApiError::not_found)?.role;
    let t: Transaction = t.allowed(may_manage(&meta, &caller, role)).await?;
    Ok(Entered::Now(t, meta))
}

/// A direct chat has no bots; one that was dissolved still tells of them.
fn open_or_over(meta: &MetaRow) -> Answer<()> {
    match open_discussion(meta) {
        Err(error) if error.code != "dissolved" => Err(error),
        _ => Ok(()),
    }
}

async fn note(ctx: &Ctx, asked: &Asked, row: &BotRow) -> Answer<Note> {
    let id = asked.conversation_id;
    let note = audit::note(ctx).await?.to(TargetKind::Conversation, id);
    Ok(note.with(row.name.clone()))
}
