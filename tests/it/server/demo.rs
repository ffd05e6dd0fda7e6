//! `chaoke demo`: a company to look at.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use world::{Process, says};

fn line<'a>(out: &'a str, name: &str) -> &'a str {
    let line = out.lines().find_map(|line| line.strip_prefix(name));
    let rest = line.unwrap_or_else(|| panic!("{name} in {out}"));
    rest.split_whitespace().next().expect("a word")
}

#[tokio::test]
async fn plat_i16_the_demo_is_a_company_that_talked_for_a_week_by_the_ordinary_rules() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap().to_owned();
    let said = says(&["demo", "--data", &data]).await;
    assert!(said.ok, "{said:?}");
    let (login, password) = (line(&said.out, "login "), line(&said.out, "password "));
    let process = Process::start_on(folder, &[]).await;
    assert!(!process.has_setup_link());
    let wire = process.wire();
    let params = json!({"login": login, "password": password});
    let signed_in = wire.http("session.sign_in", params).await.ok();
    assert_eq!(signed_in["user"]["role"], "admin");
    let now_ms = signed_in["access_expires_at"].as_i64().unwrap() - 15 * 60_000;
    let token = signed_in["access_token"].as_str().unwrap();
    let call = async |method: &str, params: Value| wire.http_as(token, method, params).await.ok();
    let members = call("space.members", json!({"limit": 200})).await;
    let members = members["items"].as_array().unwrap();
    let names: BTreeSet<&str> = members
        .iter()
        .map(|m| m["name"].as_str().unwrap())
        .collect();
    assert_eq!((members.len(), names.len()), (60, 60));
    let list = call("conversation.list", json!({})).await;
    let list = list["items"].as_array().unwrap();
    assert!(list.len() > 15, "{}", list.len());
    let kinds: BTreeSet<&str> = list
        .iter()
        .map(|row| row["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, BTreeSet::from(["direct", "discussion"]));
    let unread = list.iter().filter(|row| row["unread"] != 0).count();
    assert!(
        unread > 0 && unread < list.len(),
        "some is read, some is not"
    );
    let mut before_ms = now_ms - 8 * 86_400_000;
    let mut days = BTreeSet::new();
    let params = json!({"conversation_id": list[0]["conversation_id"], "after": 0, "limit": 200});
    let page = call("message.list", params).await;
    for (n, message) in page["items"].as_array().unwrap().iter().enumerate() {
        assert_eq!(message["seq"], n as u64 + 1);
        let sent_ms = message["sent_at"].as_i64().unwrap();
        assert!((before_ms..=now_ms).contains(&sent_ms), "{message}");
        before_ms = sent_ms;
        days.insert(sent_ms / 86_400_000);
    }
    assert!(!days.is_empty());
    // Anybody else signs in as well, with the same password and the name in pinyin.
    let other = members.iter().find(|m| m["role"] == "member").unwrap();
    let params = json!({"login": other["login"], "password": password});
    let signed_in = wire.http("session.sign_in", params).await.ok();
    assert_eq!(signed_in["must_change_password"], false);
    let again = says(&["demo", "--data", &data]).await;
    assert!(
        !again.ok && again.err.contains("holds a store already"),
        "{again:?}"
    );
}
