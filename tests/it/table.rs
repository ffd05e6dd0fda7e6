//! Loops over the one table of methods and events: what holds for each of them, tested for each of them.

use std::time::Duration;

use chat_core::api::registry::Access;
use gateway::server::registry;
use serde_json::{Value, json};
use world::{Codec, Device, HttpAnswer, Opening, Person, Setup, fresh_id, within};

use crate::samples::Scene;

/// Methods that are the connection's own: called with their sample they answer only over a socket.
const OF_THE_CONNECTION: [&str; 3] = ["connection.open", "connection.renew", "presence.watch"];

pub(crate) fn methods() -> Vec<(String, Access)> {
    let table = registry();
    table
        .methods()
        .map(|row| (row.name.clone(), row.access))
        .collect()
}

fn closed_ones() -> impl Iterator<Item = (String, Access)> {
    methods()
        .into_iter()
        .filter(|(_, access)| *access != Access::Public)
}

#[tokio::test]
async fn each_method_is_refused_without_a_token() {
    let scene = Scene::new().await;
    for (method, _) in closed_ones() {
        let answer = scene
            .world
            .wire()
            .http(&method, scene.sample(&method))
            .await;
        assert_eq!(answer.status, 401, "{method}");
        assert_eq!(
            answer.refusal().kind(),
            ("unauthenticated", "unauthenticated"),
            "{method}"
        );
        let forged = format!("{}{}", &scene.member.tokens().access[..26], "A".repeat(43));
        let answer = scene
            .world
            .wire()
            .http_as(&forged, &method, scene.sample(&method))
            .await;
        assert_eq!(answer.status, 401, "{method}");
    }
}

#[tokio::test]
async fn each_method_but_the_change_is_refused_with_a_first_password() {
    let scene = Scene::new().await;
    let login = fresh_id("new");
    let added = scene.admin.http(
        "space.add_member",
        json!({"name": "新人", "login": login, "role": "admin"}),
    );
    let credential = added.await.ok()["credential"].as_str().unwrap().to_owned();
    let params = json!({"login": login, "password": credential});
    let first = scene
        .world
        .wire()
        .http("session.sign_in", params)
        .await
        .ok();
    let token = first["access_token"].as_str().unwrap();
    for (method, access) in closed_ones() {
        if access == Access::NewPassword {
            continue;
        }
        let answer = scene
            .world
            .wire()
            .http_as(token, &method, scene.sample(&method))
            .await;
        assert_eq!(answer.status, 403, "{method}");
        assert_eq!(
            answer.refusal().code,
            "password_change_required",
            "{method}"
        );
    }
    for codec in Codec::BOTH {
        let socket = scene.world.wire().socket(codec).await;
        let params = json!({"token": token, "device_id": "d", "client": "c", "locale": "en"});
        let refusal = socket.call("connection.open", params).await.unwrap_err();
        assert_eq!(refusal.code, "password_change_required");
        assert_eq!(socket.closes().await.code, 4401);
    }
}

#[tokio::test]
async fn each_method_of_an_administrator_is_refused_to_a_member() {
    let scene = Scene::new().await;
    let mut seen = 0;
    for (method, _) in closed_ones().filter(|(_, access)| *access == Access::Admin) {
        seen += 1;
        let params = scene.sample(&method);
        let answer = scene.member.http(&method, params.clone()).await;
        assert_eq!(answer.status, 403, "{method}");
        assert_eq!(
            answer.refusal().kind(),
            ("forbidden", "forbidden"),
            "{method}"
        );
        let refusal = scene.member.is_refused(&method, params).await;
        assert_eq!(refusal.kind(), ("forbidden", "forbidden"), "{method}");
    }
    assert!(seen > 0);
    let members = scene.admin.does("space.members", json!({})).await;
    assert_eq!(
        members["items"].as_array().unwrap().len(),
        3,
        "and nothing was done"
    );
}

#[tokio::test]
async fn each_public_method_is_for_http_only() {
    let scene = Scene::new().await;
    for (method, access) in methods() {
        if access == Access::Public && !OF_THE_CONNECTION.contains(&method.as_str()) {
            let refusal = scene
                .member
                .is_refused(&method, scene.sample(&method))
                .await;
            assert_eq!(refusal.kind(), ("invalid", "http_only"), "{method}");
        }
    }
}

/// The sample made wrong in every way that is `invalid`, with what is wrong about it.
fn wrong_ones(sample: &Value) -> Vec<(String, Value)> {
    let mut wrong = vec![
        ("an array".to_owned(), json!([])),
        ("an array with them".to_owned(), json!([sample])),
        ("null".to_owned(), json!(null)),
        ("text".to_owned(), json!("x")),
    ];
    let mut more = sample.clone();
    more["no_such_field"] = json!(1);
    wrong.push(("an unknown field".to_owned(), more));
    for (field, value) in sample.as_object().expect("parameters are a map") {
        let mut with = |what: &str, other: Value| {
            let mut params = sample.clone();
            params[field] = other;
            wrong.push((format!("{what} for {field}"), params));
        };
        with("null", json!(null));
        match value {
            Value::String(_) => {
                with("a number", json!(7));
                with("an array", json!([value]));
            }
            Value::Array(_) => {
                with("text", json!("x"));
                with("null inside", json!([null]));
            }
            Value::Number(_) => {
                with("text", json!("7"));
                with("a negative number", json!(-1));
                with("a fraction", json!(1.5));
            }
            Value::Bool(_) => with("text", json!("true")),
            _ => with("text", json!("x")),
        }
    }
    wrong
}

async fn refuses(
    device: Option<&Device>,
    http: HttpAnswer,
    method: &str,
    what: &str,
    params: Value,
) {
    assert_eq!(
        http.status, 400,
        "{method} takes {what} over HTTP: {}",
        http.body
    );
    assert_eq!(http.refusal().class, "invalid");
    if let Some(device) = device {
        let Err(refusal) = device.call(method, params).await else {
            panic!("{method} takes {what} over {:?}", device.codec());
        };
        assert_eq!(refusal.class, "invalid", "{method}, {what}: {refusal:?}");
    }
}

#[tokio::test]
async fn each_method_refuses_unknown_fields_arrays_nulls_and_wrong_types_in_both_codecs() {
    let scene = Scene::new().await;
    for codec in Codec::BOTH {
        let admin = scene
            .admin
            .opens(Opening::fresh().over(codec))
            .await
            .unwrap();
        let member = scene
            .member
            .opens(Opening::fresh().over(codec))
            .await
            .unwrap();
        for (method, access) in methods() {
            for (what, params) in wrong_ones(&scene.sample(&method)) {
                let (http, device) = match access {
                    Access::Public => {
                        (scene.world.wire().http(&method, params.clone()).await, None)
                    }
                    Access::Admin => (
                        scene.admin.http(&method, params.clone()).await,
                        Some(&admin),
                    ),
                    _ => (
                        scene.member.http(&method, params.clone()).await,
                        Some(&member),
                    ),
                };
                refuses(device, http, &method, &what, params).await;
            }
        }
        // `connection.renew` is the one public method that a connection takes.
        for (what, params) in wrong_ones(&scene.sample("connection.renew")) {
            let Err(refusal) = member.call("connection.renew", params).await else {
                panic!("connection.renew takes {what}");
            };
            assert_eq!(refusal.class, "invalid", "{what}: {refusal:?}");
        }
    }
    assert_eq!(
        scene.admin.row(&scene.group).await.unwrap()["name"],
        "项目组",
        "nothing was done"
    );
}

/// A cursor of this moment around a key that no list has.
fn damaged_cursor(scene: &Scene) -> String {
    let now_ms = scene.world.server().node.clock.now_ms();
    chat_core::api::page::cursor(b"?", now_ms)
}

#[tokio::test]
async fn each_list_says_that_a_damaged_cursor_is_invalid() {
    let scene = Scene::new().await;
    let cursor = damaged_cursor(&scene);
    let manual: Value = serde_json::from_str(include_str!("../../docs/openapi.json")).unwrap();
    let mut lists = 0;
    for (method, access) in methods() {
        let body = "/post/requestBody/content/application~1json/schema/$ref";
        let path = &manual["paths"][format!("/api/v1/{method}")];
        let params = path.pointer(body).and_then(Value::as_str).unwrap_or("#");
        let params = manual.pointer(&params[1..]).expect("a schema");
        if params.pointer("/properties/cursor").is_none() {
            continue;
        }
        let mut sample = scene.sample(&method);
        sample["cursor"] = json!(cursor);
        let caller = match access {
            Access::Admin => &scene.admin,
            _ => &scene.member,
        };
        let refusal = caller.is_refused(&method, sample).await;
        assert_eq!(refusal.kind(), ("invalid", "cursor_expired"), "{method}");
        lists += 1;
    }
    assert!(lists >= 4, "{lists} lists take a cursor");
}

#[tokio::test]
async fn each_method_hides_a_conversation_from_an_onlooker() {
    let scene = Scene::new().await;
    let mut seen = 0;
    for (method, _) in closed_ones() {
        let params = scene.sample(&method);
        if params["conversation_id"] != scene.group.as_str() {
            continue;
        }
        seen += 1;
        // Adding oneself is no request about somebody else.
        let params = match method.as_str() {
            "conversation.add_members" => {
                json!({"conversation_id": scene.group, "user_ids": [scene.member.id]})
            }
            _ => params,
        };
        let refusal = scene.onlooker.is_refused(&method, params.clone()).await;
        assert_eq!(refusal.kind(), ("not_found", "not_found"), "{method}");
        let mut nowhere = params;
        nowhere["conversation_id"] = "01kb0000000000000000000000".into();
        let absent = scene.onlooker.is_refused(&method, nowhere).await;
        assert_eq!(
            absent.whole["message"], refusal.whole["message"],
            "{method} tells the two apart"
        );
    }
    assert!(seen >= 10, "{seen}");
}

// ---- events

/// Makes `event` happen between the administrator and the member; gives whom it must have reached.
async fn provoke(scene: &Scene, event: &str) -> Person {
    let (admin, member) = (&scene.admin, &scene.member);
    let here = json!({"conversation_id": scene.group});
    match event {
        "message.created" => {
            admin.says(&scene.group, "只给组里").await;
        }
        "conversation.changed" => {
            let rename = json!({"conversation_id": scene.group, "name": "新名"});
            member.does("conversation.rename", rename).await;
            return admin.clone();
        }
        "conversation.read" => {
            member.reads(&scene.group, 2).await;
            return admin.clone();
        }
        "conversation.typed" => {
            admin.does("conversation.typing", here).await;
        }
        "self.appended" => {
            member.reads(&scene.group, 2).await;
        }
        "presence.changed" => {
            member
                .does("presence.watch", json!({"user_ids": [admin.id]}))
                .await;
            admin.goes();
        }
        // Of one connection alone; the two tests below hold them.
        "connection.expiring" | "connection.resync" => {}
        other => panic!("nothing makes {other} happen in tests/it/table.rs"),
    }
    member.clone()
}

/// Told to everybody in the company; the test below holds what.
const FOR_ALL: [&str; 1] = ["person.changed"];

#[tokio::test]
async fn each_event_is_withheld_from_an_onlooker() {
    let table = registry();
    for event in table
        .events()
        .filter(|event| !event.name.starts_with("connection.") && !FOR_ALL.contains(&event.name))
    {
        let scene = Scene::new().await;
        for person in [&scene.admin, &scene.member, &scene.onlooker] {
            person.device().forget();
        }
        let insider = provoke(&scene, event.name).await;
        insider.device().sees_event(event.name).await;
        // What came before this has come to the onlooker too, if it came at all.
        let hello = fresh_id("hello");
        scene.member.writes(&scene.onlooker, &hello).await;
        scene.onlooker.sees(&hello).await;
        let own = scene.member.direct(&scene.onlooker).await;
        for push in scene.onlooker.device().pushes() {
            assert!(
                push.data.to_string().contains(&own),
                "the onlooker was told {} while {} happened: {}",
                push.event,
                event.name,
                push.data
            );
        }
    }
}

#[tokio::test]
async fn an_event_for_everybody_tells_no_more_than_everybody_may_look_up() {
    let scene = Scene::new().await;
    let onlooker = scene.onlooker.device();
    onlooker.forget();
    let edit = json!({"user_id": scene.member.id, "title": "经理"});
    scene.admin.does("space.update_member", edit).await;
    for event in FOR_ALL {
        let told = onlooker.sees_event(event).await;
        let asked = json!({"user_ids": [scene.member.id]});
        let found = scene.onlooker.does("directory.get", asked).await;
        assert_eq!(told.data, json!({"user": found["items"][0]}));
    }
    // One who left hears nothing: his connections are closed, and he can't open another one.
    let gone = &scene.gone;
    let refusal = gone.tries_to_sign_in(&gone.password).await.refusal();
    assert_eq!(refusal.code, "account_disabled");
}

#[tokio::test]
async fn an_expiring_token_is_told_to_its_own_connection_only() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let early = zhang.device();
    for _ in 0..5 {
        world.passes(Duration::from_secs(60));
        early.does("session.list", json!({})).await;
    }
    let li = zhang.adds("李四").await;
    for _ in 0..9 {
        world.passes(Duration::from_secs(60));
        early.does("session.list", json!({})).await;
        li.does("session.list", json!({})).await;
    }
    early.sees_event("connection.expiring").await;
    li.does("session.list", json!({})).await;
    assert!(li.device().events("connection.expiring").is_empty());
}

#[tokio::test]
async fn a_lagging_connection_alone_is_told_to_catch_up() {
    let scene = Scene::new().await;
    let slow = scene
        .member
        .comes(Opening::fresh().reading_slowly(4_096))
        .await;
    let quick = scene.member.opens(Opening::fresh()).await.unwrap();
    slow.reads(false);
    let text = "慢".repeat(4_900);
    for n in 0..300 {
        scene.admin.says(&scene.group, &format!("{n}{text}")).await;
    }
    slow.reads(true);
    within(
        Duration::from_secs(20),
        "it is told to catch up",
        || async { (!slow.events("connection.resync").is_empty()).then_some(()) },
    )
    .await;
    for other in [quick, scene.admin.device(), scene.onlooker.device()] {
        other.does("session.list", json!({})).await;
        assert!(other.events("connection.resync").is_empty());
    }
}
