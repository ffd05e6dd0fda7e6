//! Bots (`PLAT-i10`): tools that post into a discussion by an address, and do nothing else.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use world::{HttpAnswer, Opening, Person, Setup, World};

fn here(conversation: &str) -> Value {
    json!({"conversation_id": conversation})
}

/// A discussion of a member, with an administrator and another member; somebody else is not in it.
struct Scene {
    world: World,
    admin: Person,
    owner: Person,
    member: Person,
    onlooker: Person,
    group: String,
}

impl Scene {
    async fn new() -> Self {
        Self::of(Setup::memory()).await
    }

    async fn of(setup: Setup) -> Self {
        let world = setup.start().await;
        let admin = world.company("超客").admin("张三").await;
        let (owner, member) = (admin.adds("李四").await, admin.adds("王五").await);
        let onlooker = admin.adds("赵六").await;
        let group = owner.gathers(&[&admin, &member], "项目组").await;
        Self {
            world,
            admin,
            owner,
            member,
            onlooker,
            group,
        }
    }

    async fn adds(&self, name: &str) -> (String, String) {
        let made = self.owner.does("bot.create", self.named(name)).await;
        (text(&made["bot"]["bot_id"]), text(&made["path"]))
    }

    fn named(&self, name: &str) -> Value {
        json!({"conversation_id": self.group, "name": name})
    }

    fn bot(&self, bot_id: &str) -> Value {
        json!({"conversation_id": self.group, "bot_id": bot_id})
    }

    async fn posts(&self, path: &str, text: &str) -> HttpAnswer {
        let body = json!({"text": text}).to_string();
        self.world.wire().tool_posts(path, &[], body).await
    }

    /// The texts of the discussion.
    async fn texts(&self) -> Vec<String> {
        let log = self.owner.log(&self.group).await;
        log.iter()
            .filter_map(|entry| entry["text"].as_str().map(str::to_owned))
            .collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn taken(answer: &HttpAnswer) {
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (200, "ok"),
        "{}",
        answer.body
    );
}

fn refused(answer: HttpAnswer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.refusal().code, code);
}

#[tokio::test]
async fn plat_i10_a_tool_posts_into_a_discussion_marked_as_a_bot() {
    let scene = Scene::of(Setup::embedded()).await;
    let (bot, path) = scene.adds("构建").await;
    let added = scene.member.log(&scene.group).await;
    let added = added.last().expect("a line");
    assert_eq!(
        added["system"],
        json!({"what": "bot_added", "name": "构建"})
    );
    assert_eq!(added["author_id"], scene.owner.id.as_str());
    taken(&scene.posts(&path, "构建 #1 失败").await);
    for person in [&scene.owner, &scene.member, &scene.admin] {
        let message = person.sees("构建 #1 失败").await;
        assert_eq!(message["bot"], json!({"name": "构建"}));
        assert_eq!(message["author_id"], bot.as_str());
        let row = person.row(&scene.group).await.expect("it is in the list");
        assert_eq!(row["unread"], 1, "nobody wrote it himself");
        assert_eq!(row["last"]["bot"], json!({"name": "构建"}));
        assert_eq!(row["member_count"], 3, "a bot is no member");
    }
    let found = scene
        .owner
        .does("directory.get", json!({"user_ids": [bot]}))
        .await;
    assert_eq!(found["items"], json!([]), "nor anybody of the company");
    scene.world.stop().await;
    scene.world.starts_again().await;
    taken(&scene.posts(&path, "构建 #2 成功").await);
    let bots = scene.member.http("bot.list", here(&scene.group)).await.ok();
    let listed = &bots["items"][0];
    assert_eq!(bots["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&listed["bot_id"], &listed["name"]),
        (&json!(bot), &json!("构建"))
    );
    assert_eq!(listed["created_by"], scene.owner.id.as_str());
    let away = scene
        .member
        .also_on(Opening::fresh().seen(&scene.group, 0))
        .await
        .1;
    let entries = away.resumed(&scene.group)["entries"].clone();
    assert_eq!(
        entries
            .as_array()
            .and_then(|all| all.last())
            .expect("entries")["bot"]["name"],
        "构建"
    );
}

#[tokio::test]
async fn plat_i10_the_owner_and_an_administrator_in_it_manage_bots_and_nobody_else() {
    let scene = Scene::new().await;
    let (bot, path) = scene.adds("构建").await;
    let direct = scene.owner.writes(&scene.member, "你好").await["conversation_id"].clone();
    let calls = || {
        [
            ("bot.create", scene.named("另一个")),
            ("bot.renew", scene.bot(&bot)),
            ("bot.remove", scene.bot(&bot)),
        ]
    };
    for (method, params) in calls() {
        let refusal = scene.member.is_refused(method, params.clone()).await;
        assert_eq!(refusal.kind(), ("forbidden", "not_owner"), "{method}");
        let refusal = scene.onlooker.is_refused(method, params.clone()).await;
        assert_eq!(refusal.kind(), ("not_found", "not_found"), "{method}");
        let mut params = params;
        params["conversation_id"] = direct.clone();
        let refusal = scene.owner.is_refused(method, params).await;
        assert_eq!(refusal.kind(), ("conflict", "not_a_discussion"), "{method}");
    }
    let refusal = scene
        .onlooker
        .is_refused("bot.list", here(&scene.group))
        .await;
    assert_eq!(refusal.kind(), ("not_found", "not_found"));
    let refusal = scene
        .owner
        .is_refused("bot.list", json!({"conversation_id": direct}))
        .await;
    assert_eq!(refusal.kind(), ("conflict", "not_a_discussion"));
    taken(&scene.posts(&path, "还在").await);
    for (method, params) in calls() {
        scene.admin.does(method, params).await;
    }
    refused(scene.posts(&path, "还在吗").await, 404, "no_bot");
    // An administrator who is not in it may not.
    scene
        .admin
        .does("conversation.leave", here(&scene.group))
        .await;
    let refusal = scene
        .admin
        .is_refused("bot.create", scene.named("又一个"))
        .await;
    assert_eq!(refusal.kind(), ("not_found", "not_found"));
    let unknown = json!({"conversation_id": scene.group, "bot_id": bot});
    let refusal = scene.owner.is_refused("bot.renew", unknown).await;
    assert_eq!(refusal.kind(), ("not_found", "not_found"));
    let line = scene.owner.log(&scene.group).await;
    let lines = line
        .iter()
        .filter(|entry| entry["system"]["what"] == "bot_removed");
    assert_eq!(lines.count(), 1);
}

#[tokio::test]
async fn plat_i10_an_address_is_good_for_posting_and_ends_when_it_is_taken_away() {
    let scene = Scene::of(Setup::memory().clock_by_hand()).await;
    let (bot, first) = scene.adds("构建").await;
    let token = first.strip_prefix("/hooks/").expect("a path");
    let refusal = scene
        .world
        .wire()
        .http_as(token, "message.list", here(&scene.group))
        .await;
    refused(refusal, 401, "unauthenticated");
    assert_eq!(
        scene.world.wire().get(&first).await.0,
        405,
        "there is nothing to read"
    );
    let other = format!(
        "{}{}",
        &first[..first.len() - 1],
        if first.ends_with('A') { "E" } else { "A" }
    );
    refused(scene.posts(&other, "猜").await, 404, "no_bot");
    refused(scene.posts("/hooks/x", "猜").await, 404, "no_bot");

    let renewed = scene.owner.does("bot.renew", scene.bot(&bot)).await;
    let second = text(&renewed["path"]);
    assert_ne!(first, second);
    let until = renewed["bot"]["old_until"].as_i64().expect("a time");
    taken(&scene.posts(&first, "旧地址").await);
    taken(&scene.posts(&second, "新地址").await);
    scene.world.passes(Duration::from_secs(24 * 60 * 60));
    assert_eq!(until, scene.world.server().now_ms());
    refused(scene.posts(&first, "旧地址").await, 404, "no_bot");
    let mut at_once = scene.bot(&bot);
    at_once["at_once"] = true.into();
    // The clock stood still for a day: the connections' tokens have ended.
    let owner = scene.owner.signs_in().await;
    let renewed = scene
        .world
        .wire()
        .http_as(&owner.access, "bot.renew", at_once)
        .await
        .ok();
    assert!(renewed["bot"].get("old_until").is_none());
    refused(scene.posts(&second, "旧地址").await, 404, "no_bot");
    let third = text(&renewed["path"]);
    taken(&scene.posts(&third, "新地址").await);
    let gone = scene.world.wire();
    gone.http_as(&owner.access, "conversation.dissolve", here(&scene.group))
        .await
        .ok();
    refused(scene.posts(&third, "还在吗").await, 409, "dissolved");
    let bots = gone
        .http_as(&owner.access, "bot.list", here(&scene.group))
        .await
        .ok();
    assert_eq!(bots["items"].as_array().map(Vec::len), Some(1));
    let log = json!({"conversation_id": scene.group, "after": 0});
    let log = gone.http_as(&owner.access, "message.list", log).await.ok();
    let texts = log["items"].as_array().expect("entries").iter();
    let texts: Vec<_> = texts.filter_map(|entry| entry["text"].as_str()).collect();
    assert_eq!(texts, ["旧地址", "新地址", "新地址"]);
}

#[tokio::test]
async fn plat_i10_a_call_that_is_repeated_answers_the_same_address() {
    let scene = Scene::new().await;
    let token = scene.owner.tokens().access;
    let keyed = async |key: &str, method: &str, params: Value| {
        scene
            .world
            .wire()
            .http_keyed(Some(&token), key, method, params)
            .await
    };
    let made = keyed("k1", "bot.create", scene.named("构建")).await.ok();
    assert_eq!(
        keyed("k1", "bot.create", scene.named("构建")).await.ok(),
        made
    );
    let other = keyed("k1", "bot.create", scene.named("发布")).await;
    refused(other, 409, "client_id_reused");
    let bot = text(&made["bot"]["bot_id"]);
    let renewed = keyed("k2", "bot.renew", scene.bot(&bot)).await.ok();
    assert_eq!(
        keyed("k2", "bot.renew", scene.bot(&bot)).await.ok(),
        renewed
    );
    assert_ne!(renewed["path"], made["path"]);
    taken(&scene.posts(&text(&renewed["path"]), "好").await);
    for _ in 0..2 {
        keyed("k3", "bot.remove", scene.bot(&bot)).await.ok();
        scene.owner.does("bot.remove", scene.bot(&bot)).await;
    }
    let log = scene.owner.log(&scene.group).await;
    let lines = log.iter().filter(|entry| entry["system"]["name"] == "构建");
    assert_eq!(lines.count(), 2, "added once, removed once");
}

fn sign(secret: &str, id: &str, seconds: i64, body: &str) -> String {
    let key = secret.strip_prefix("whsec_").expect("a signing secret");
    let key = STANDARD.decode(key).expect("base64");
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).expect("a key");
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn plat_i10_a_bot_that_signs_is_heard_only_with_its_signature() {
    let scene = Scene::of(Setup::memory().clock_by_hand()).await;
    let mut signed = scene.named("构建");
    signed["signed"] = true.into();
    let made = scene.owner.does("bot.create", signed).await;
    assert_eq!(made["bot"]["signed"], true);
    let (path, secret) = (text(&made["path"]), text(&made["signing_secret"]));
    let bot = text(&made["bot"]["bot_id"]);
    let now = scene.world.server().now_ms() / 1_000;
    let posts = async |path: &str, id: &str, seconds: i64, signature: &str, body: &str| {
        let seconds = seconds.to_string();
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", seconds.as_str()),
            ("webhook-signature", signature),
        ];
        scene
            .world
            .wire()
            .tool_posts(path, &headers, body.to_owned())
            .await
    };
    let body = json!({"text": "签过名"}).to_string();
    refused(
        scene.posts(&path, "没有签名").await,
        401,
        "signature_missing",
    );
    let right = sign(&secret, "m1", now, &body);
    refused(
        posts(&path, "m1", now, &right, "{\"text\": \"改过\"}").await,
        401,
        "signature_wrong",
    );
    refused(
        posts(&path, "m2", now, &right, &body).await,
        401,
        "signature_wrong",
    );
    let old = sign(&secret, "m1", now - 301, &body);
    refused(
        posts(&path, "m1", now - 301, &old, &body).await,
        401,
        "signature_old",
    );
    taken(&posts(&path, "m1", now, &right, &body).await);
    // A tool that did not hear the answer sends it once more.
    taken(&posts(&path, "m1", now, &right, &body).await);
    // While the old address is good, so is what it signs with; and not for the new one.
    let renewed = scene.owner.does("bot.renew", scene.bot(&bot)).await;
    let (new_path, new_secret) = (text(&renewed["path"]), text(&renewed["signing_secret"]));
    assert_ne!(secret, new_secret);
    let old = sign(&secret, "m3", now, &body);
    refused(
        posts(&new_path, "m3", now, &old, &body).await,
        401,
        "signature_wrong",
    );
    taken(&posts(&path, "m3", now, &old, &body).await);
    let new = sign(&new_secret, "m4", now, &body);
    taken(&posts(&new_path, "m4", now, &new, &body).await);
    assert_eq!(scene.texts().await, ["签过名", "签过名", "签过名"]);
}

#[tokio::test]
async fn plat_i10_what_a_tool_sends_again_is_told_once() {
    let scene = Scene::new().await;
    let (_, path) = scene.adds("构建").await;
    let posts = async |header: &'static str, id: &str, text: &str| {
        let body = json!({"text": text}).to_string();
        scene
            .world
            .wire()
            .tool_posts(&path, &[(header, id)], body)
            .await
    };
    for header in ["idempotency-key", "webhook-id"] {
        taken(&posts(header, header, header).await);
        taken(&posts(header, header, header).await);
        refused(posts(header, header, "别的").await, 409, "client_id_reused");
    }
    refused(
        posts("webhook-id", &"x".repeat(65), "长").await,
        400,
        "client_id_length",
    );
    assert_eq!(scene.texts().await, ["idempotency-key", "webhook-id"]);
    // Another bot's ids are its own.
    let (_, other) = scene.adds("发布").await;
    let body = json!({"text": "另一个"}).to_string();
    taken(
        &scene
            .world
            .wire()
            .tool_posts(&other, &[("webhook-id", "webhook-id")], body)
            .await,
    );
}

#[tokio::test]
async fn plat_i10_tools_that_post_to_slack_post_here_too() {
    let scene = Scene::new().await;
    let (_, path) = scene.adds("构建").await;
    let wire = scene.world.wire();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let field = "payload=%7B%22text%22%3A%22%E6%9D%A5%E8%87%AA%E8%A1%A8%E5%8D%95%22%2C%22link_names%22%3A%221%22%7D";
    taken(&wire.tool_posts(&path, &form, field).await);
    let grafana = json!({
        "channel": "#ops", "username": "Grafana", "icon_emoji": "", "attachments": [{
            "title": "[FIRING:1] CPU", "title_link": "https://g/1", "text": "A=92", "color": "#D63232", "mrkdwn_in": null,
        }],
    });
    taken(
        &wire
            .tool_posts(
                &path,
                &[("content-type", "application/json")],
                grafana.to_string(),
            )
            .await,
    );
    let long = format!("{}\n{}", "甲".repeat(4_000), "乙".repeat(4_000));
    taken(&scene.posts(&path, &long).await);
    let texts = scene.texts().await;
    assert_eq!(texts[..2], ["来自表单", "[FIRING:1] CPU https://g/1\nA=92"]);
    assert_eq!(texts[2..], ["甲".repeat(4_000), "乙".repeat(4_000)]);
    // What can't be told is refused, and nothing of it is.
    for (body, status, code) in [
        ("{".to_owned(), 400, "invalid_payload"),
        ("[]".to_owned(), 400, "invalid_payload"),
        ("{}".to_owned(), 400, "no_text"),
        (
            json!({"text": "字".repeat(20_001)}).to_string(),
            400,
            "too_long",
        ),
        (
            json!({"text": "字", "more": "x".repeat(256 * 1024)}).to_string(),
            400,
            "too_large",
        ),
    ] {
        refused(wire.tool_posts(&path, &[], body).await, status, code);
    }
    assert_eq!(scene.texts().await.len(), 4);
}

#[tokio::test]
async fn plat_i08_a_bot_posts_30_at_once_and_then_one_a_second() {
    let scene = Scene::of(Setup::memory().clock_by_hand().with_limits()).await;
    let (_, path) = scene.adds("构建").await;
    let (_, other) = scene.adds("发布").await;
    for n in 0..30 {
        taken(&scene.posts(&path, &format!("第 {n} 条")).await);
    }
    let answer = scene.posts(&path, "太多").await;
    assert_eq!((answer.status, answer.retry_after), (429, Some(1)));
    let refusal = answer.refusal();
    assert_eq!(refusal.kind(), ("limited", "rate_limited"));
    assert_eq!(refusal.retry_after_ms, Some(1_000));
    taken(&scene.posts(&other, "另一个机器人").await);
    scene.world.passes(Duration::from_secs(1));
    taken(&scene.posts(&path, "一秒后").await);
    refused(scene.posts(&path, "太多").await, 429, "rate_limited");
    assert_eq!(
        scene.texts().await.len(),
        32,
        "what was refused is not told"
    );
}

#[tokio::test]
async fn plat_i08_who_tries_addresses_is_slowed_down_and_bots_behind_the_same_address_are_not() {
    let scene = Scene::of(Setup::memory().clock_by_hand().with_limits()).await;
    let (_, path) = scene.adds("构建").await;
    taken(&scene.posts(&path, "早").await);
    let other = format!("{}{}", &path[..path.len() - 5], "AAAAA");
    let mut tries = 0;
    let refusal = loop {
        let answer = scene.posts(&other, "猜").await;
        tries += 1;
        assert!(tries <= 21, "nobody slows it down");
        if answer.status != 404 {
            break answer;
        }
    };
    refused(refusal, 429, "rate_limited");
    taken(&scene.posts(&path, "照常").await);
    // Nor are the people behind it, who sign in.
    scene.member.signs_in().await;
    assert_eq!(scene.texts().await, ["早", "照常"]);
}

#[tokio::test]
async fn plat_i10_a_discussion_has_20_bots_at_most_even_when_they_are_added_at_once() {
    let scene = Scene::new().await;
    let adding = (0..23).map(|n| {
        let (scene, name) = (&scene, format!("机器人{n}"));
        async move { scene.owner.http("bot.create", scene.named(&name)).await }
    });
    let answers = futures_util::future::join_all(adding).await;
    let (made, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    for answer in refused {
        let refusal = answer.refusal();
        assert!(
            matches!(refusal.code.as_str(), "too_many_bots" | "contended"),
            "{refusal:?}"
        );
    }
    let mut made = made.len();
    while made < 20 {
        scene.adds("又一个").await;
        made += 1;
    }
    assert_eq!(made, 20);
    let refusal = scene
        .owner
        .is_refused("bot.create", scene.named("多余"))
        .await;
    assert_eq!(refusal.kind(), ("conflict", "too_many_bots"));
    let bots = scene.owner.does("bot.list", here(&scene.group)).await;
    let bots = bots["items"].as_array().expect("bots").clone();
    assert_eq!(bots.len(), 20);
    // Room for another one as soon as one is gone.
    scene
        .owner
        .does("bot.remove", scene.bot(&text(&bots[0]["bot_id"])))
        .await;
    scene.adds("新的").await;
    for (name, code) in [
        ("", "required"),
        (&*"字".repeat(31), "too_long"),
        ("两\n行", ""),
    ] {
        let answer = scene.owner.tries("bot.create", scene.named(name)).await;
        let refusal = answer.expect_err("a name that can't be");
        assert_eq!(refusal.class, "invalid", "{name}");
        assert!(code.is_empty() || refusal.code == code, "{refusal:?}");
    }
}
