//! What the server could not do is looked at and tried again.

use std::time::Duration;

use serde_json::{Value, json};
use storage::Home;
use world::{Person, World, within};

/// Makes the letter of a job that gave up; gives its id.
pub(crate) async fn a_job_gave_up(world: &World) -> String {
    let home = Home::new("space", "0");
    let place = json!({"home": home.as_str(), "id": "mail", "kind": "mail", "code": "refused"});
    let position = causes(world, "job.gave_up", &place).await;
    format!("{position}.0.{home}")
}

/// A commit that causes an effect, which has run; gives its position.
async fn causes(world: &World, kind: &str, payload: &Value) -> u64 {
    let node = &world.server().node;
    let mut t = node.store.transaction(&Home::new("test", 1));
    t.effect(kind, storage::Value::encode(payload).unwrap());
    let position = t.commit().await.unwrap().position;
    assert!(node.effects.passed(position).await);
    position
}

async fn letters(admin: &Person) -> Vec<Value> {
    let page = admin.does("admin.dead_letter.list", json!({})).await;
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn an_administrator_sees_what_failed_and_tries_it_again() {
    let world = World::memory().await;
    let admin = world.company("超客").admin("张三").await;
    assert_eq!(letters(&admin).await.len(), 0);
    let position = causes(&world, "of.no.kind", &json!({"secret": "s"})).await;
    let letter = letters(&admin).await.remove(0);
    assert_eq!(letter["letter_id"], format!("{position}.0."));
    assert_eq!(
        (&letter["what"], &letter["kind"]),
        (&json!("effect"), &json!("of.no.kind"))
    );
    assert!(letter["at"].as_i64().unwrap() >= letter["caused_at"].as_i64().unwrap());
    assert!(
        !letter.to_string().contains("secret"),
        "what it says is not told"
    );
    let again = json!({"letter_id": letter["letter_id"]});
    within(Duration::from_secs(10), "it may be tried again", || async {
        let tried = admin.tries("admin.dead_letter.retry", again.clone()).await;
        tried.map_or_else(
            |refusal| {
                assert_eq!(refusal.kind(), ("unavailable", "not_yet"));
                None
            },
            |_| Some(()),
        )
    })
    .await;
    // It is no better off than before: a new effect, and a new letter.
    within(Duration::from_secs(10), "it failed again", || async {
        let letters = letters(&admin).await;
        let new = letters.len() == 1 && letters[0]["letter_id"] != again["letter_id"];
        new.then_some(())
    })
    .await;
    let refusal = admin.is_refused("admin.dead_letter.retry", again).await;
    assert_eq!(refusal.kind(), ("not_found", "not_found"));
    let nonsense = json!({"letter_id": "nonsense"});
    let refusal = admin.is_refused("admin.dead_letter.retry", nonsense).await;
    assert_eq!(refusal.kind(), ("not_found", "not_found"));
}

#[tokio::test]
async fn letters_come_in_pages() {
    let world = World::memory().await;
    let admin = world.company("超客").admin("张三").await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(Value::from(a_job_gave_up(&world).await));
    }
    let (mut seen, mut params) = (Vec::new(), json!({"limit": 2}));
    loop {
        let page = admin.does("admin.dead_letter.list", params.clone()).await;
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|letter| letter["letter_id"].clone()));
        match page.get("next") {
            Some(next) => params["cursor"] = next.clone(),
            None => break,
        }
    }
    assert_eq!(seen, made);
    let cursor = json!({"cursor": "AAAAAAAAAAA"});
    let refusal = admin.is_refused("admin.dead_letter.list", cursor).await;
    assert_eq!(refusal.class, "invalid");
}

#[tokio::test]
async fn plat_i14_metrics_count_what_was_given_up() {
    let world = World::memory().await;
    world.company("超客").admin("张三").await;
    let near = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let (address, answering) = gateway::metrics::listen(near, &world.server())
        .await
        .unwrap();
    let count = async |what: &str| {
        let url = format!("http://{address}/metrics");
        let page = reqwest::get(url).await.unwrap().text().await.unwrap();
        let name = format!("chaoke_letters{{what=\"{what}\"}} ");
        let line = page.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or_else(|| panic!("{what}: {page}")).to_owned()
    };
    assert_eq!(count("effect").await, "0");
    causes(&world, "of.no.kind", &json!({})).await;
    a_job_gave_up(&world).await;
    a_job_gave_up(&world).await;
    assert_eq!(count("effect").await, "1");
    assert_eq!(count("job").await, "2");
    assert_eq!(count("parked").await, "0");
    answering.abort();
}
