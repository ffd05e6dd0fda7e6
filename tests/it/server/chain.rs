//! kill -9 while a person comes to be: repeated with the same key it completes, and nobody is half.

use std::time::Duration;

use serde_json::json;
use world::{Dice, Person, Process, within};

/// A person takes about so many ms to be made; killed at any of them.
const CHAIN_MS: usize = 24;

/// Whether somebody with this login is found.
async fn found(admin: &Person, login: &str) -> bool {
    let found = admin
        .http("directory.search", json!({"query": login}))
        .await
        .ok();
    found["items"]
        .as_array()
        .unwrap()
        .iter()
        .any(|item| item["login"] == login)
}

#[tokio::test]
async fn plat_i05_plat_i03_adding_somebody_is_completed_after_a_kill() {
    let mut dice = Dice::seeded(11);
    let mut process = Process::start().await;
    let zhang = process.company("超客").await.admin("张三").await;
    let token = zhang.tokens().access;
    for round in 0..10 {
        let (login, key) = (format!("member{round}"), format!("add{round}"));
        let params = json!({"name": format!("同事{round}"), "login": login});
        let wire = std::sync::Arc::clone(process.wire());
        let adding = wire.http_if_alive(Some(&token), &key, "space.add_member", params.clone());
        let moment = Duration::from_millis(dice.below(CHAIN_MS) as u64);
        let answered = tokio::time::timeout(moment, adding).await.ok().flatten();
        process.kill().await;
        process.start_again().await;
        let before = found(&zhang, &login).await;
        if answered.is_some() {
            assert!(before, "round {round}: he was there before the kill");
        }
        let again = wire
            .http_keyed(Some(&token), &key, "space.add_member", params)
            .await
            .ok();
        if let Some(first) = answered {
            assert_eq!(
                first.ok()["credential"],
                again["credential"],
                "the same as before"
            );
        }
        assert!(found(&zhang, &login).await);
        let credential = again["credential"].as_str().unwrap();
        let person = Person::begins(process.wire(), &login, credential).await;
        assert_eq!(person.id, again["user"]["user_id"].as_str().unwrap());
    }
    let members = zhang.http("space.members", json!({})).await.ok();
    assert_eq!(members["items"].as_array().unwrap().len(), 11);
}

#[tokio::test]
async fn one_who_was_begun_is_completed_by_the_next_start_itself() {
    let mut dice = Dice::seeded(12);
    let mut process = Process::start().await;
    let zhang = process.company("超客").await.admin("张三").await;
    let token = zhang.tokens().access;
    for round in 0..6 {
        let (login, key) = (format!("member{round}"), format!("add{round}"));
        let params = json!({"name": format!("同事{round}"), "login": login});
        let wire = std::sync::Arc::clone(process.wire());
        let adding = wire.http_if_alive(Some(&token), &key, "space.add_member", params.clone());
        let moment = Duration::from_millis(dice.below(CHAIN_MS) as u64);
        let _ = tokio::time::timeout(moment, adding).await;
        process.kill().await;
        process.start_again().await;
        // Another administrator asks for the same login: it is free, or its owner is whole.
        let other = json!({"name": "另一个", "login": login});
        let outcome = wire
            .http_keyed(Some(&token), "other", "space.add_member", other)
            .await;
        let credential = if outcome.status == 200 {
            outcome.ok()["credential"].as_str().unwrap().to_owned()
        } else {
            assert_eq!(outcome.refusal().code, "login_taken", "round {round}");
            within(Duration::from_secs(5), "its owner is whole", || async {
                found(&zhang, &login).await.then_some(())
            })
            .await;
            let again = wire
                .http_keyed(Some(&token), &key, "space.add_member", params)
                .await;
            again.ok()["credential"].as_str().unwrap().to_owned()
        };
        Person::begins(process.wire(), &login, &credential).await;
    }
    let members = zhang.http("space.members", json!({})).await.ok();
    assert_eq!(members["items"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn plat_i03_a_pasted_list_goes_on_where_it_stood_after_a_kill() {
    let mut dice = Dice::seeded(13);
    let mut process = Process::start().await;
    let zhang = process.company("超客").await.admin("张三").await;
    let token = zhang.tokens().access;
    for round in 0..3 {
        let lines = (0..20).map(|n| format!("同事{n} list{round}.{n}"));
        let params = json!({"text": lines.collect::<Vec<_>>().join("\n")});
        let key = format!("list{round}");
        let wire = std::sync::Arc::clone(process.wire());
        let adding = wire.http_if_alive(Some(&token), &key, "space.add_members", params.clone());
        let moment = Duration::from_millis((20 + dice.below(120)) as u64);
        let _ = tokio::time::timeout(moment, adding).await;
        process.kill().await;
        process.start_again().await;
        let again = wire
            .http_keyed(Some(&token), &key, "space.add_members", params)
            .await
            .ok();
        let items = again["items"].as_array().unwrap();
        assert_eq!(items.len(), 20);
        assert!(
            items.iter().all(|item| item["outcome"] == "added"),
            "{again}"
        );
        for item in [&items[0], &items[dice.below(20)], &items[19]]
            .into_iter()
            .take(2)
        {
            let login = item["login"].as_str().unwrap();
            Person::begins(process.wire(), login, item["credential"].as_str().unwrap()).await;
        }
        let members = zhang
            .http("space.members", json!({"limit": 200}))
            .await
            .ok();
        assert_eq!(
            members["items"].as_array().unwrap().len(),
            1 + 20 * (round + 1)
        );
    }
}

#[tokio::test]
async fn set_up_is_completed_by_the_next_start_or_the_next_link_after_a_kill() {
    let mut dice = Dice::seeded(14);
    for round in 0..6 {
        let mut process = Process::start().await;
        let complete = |token: String| json!({"token": token, "company_name": "超客", "name": "张三", "login": "zhangsan", "password": Person::PASSWORD});
        let first = process.setup_token().await;
        let wire = std::sync::Arc::clone(process.wire());
        let completing =
            wire.http_if_alive(None, "setup", "setup.complete", complete(first.clone()));
        // The password is hashed first: about 25 ms.
        let moment = Duration::from_millis((15 + dice.below(60)) as u64);
        let answered = tokio::time::timeout(moment, completing)
            .await
            .ok()
            .flatten();
        process.kill().await;
        process.start_again().await;
        let state = wire.http("setup.state", json!({})).await.ok();
        if answered.is_some() {
            assert_eq!(state["done"], true, "round {round}: it was answered");
        }
        if state["done"] == false {
            let next = process.setup_token().await;
            assert_ne!(first, next, "the old link has ended");
            let refusal = wire.http("setup.complete", complete(first)).await.refusal();
            assert_eq!(refusal.code, "setup_token_invalid");
            wire.http("setup.complete", complete(next)).await.ok();
        }
        let params = json!({"login": "zhangsan", "password": Person::PASSWORD});
        let signed_in = within(
            Duration::from_secs(5),
            "the set-up is completed",
            || async {
                let answer = wire.http("session.sign_in", params.clone()).await;
                (answer.status == 200).then(|| answer.ok())
            },
        )
        .await;
        assert_eq!(signed_in["space"]["name"], "超客");
        assert_eq!(signed_in["user"]["role"], "admin");
        let token = signed_in["access_token"].as_str().unwrap();
        let members = wire.http_as(token, "space.members", json!({})).await.ok();
        assert_eq!(
            members["items"].as_array().unwrap().len(),
            1,
            "round {round}: {members}"
        );
        within(Duration::from_secs(5), "the used link is gone", || async {
            (!process.has_setup_link()).then_some(())
        })
        .await;
    }
}
