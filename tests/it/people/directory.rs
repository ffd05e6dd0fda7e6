//! Finding colleagues.

use serde_json::{Value, json};
use world::{Person, World};

async fn found(person: &Person, query: &str) -> Vec<String> {
    let found = person
        .does("directory.search", json!({"query": query}))
        .await;
    let items = found["items"].as_array().unwrap().iter();
    items
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn company(world: &World) -> Person {
    let zhang = world.company("超客").admin("张三").await;
    let lines =
        "单雄信 shan.x\n曾国藩 zengguofan\n仇英 qiuying\n重庆 cq2026\n李四 lisi\nLi Lei lilei";
    let added = zhang
        .http("space.add_members", json!({"text": lines}))
        .await
        .ok();
    assert!(
        added["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["outcome"] == "added")
    );
    zhang
}

#[tokio::test]
async fn dir_01_dir_i01_colleagues_are_found_by_name_sound_initials_and_login() {
    let world = World::memory().await;
    let zhang = company(&world).await;
    for (query, name) in [
        ("李四", "李四"),
        ("四", "李四"),
        ("lisi", "李四"),
        ("LiSi", "李四"),
        ("ls", "李四"),
        ("国藩", "曾国藩"),
        ("zgf", "曾国藩"),
        ("zengguo", "曾国藩"),
        ("li lei", "Li Lei"),
        ("lei", "Li Lei"),
        ("cq2026", "重庆"),
        ("ｚｇｆ", "曾国藩"),
    ] {
        assert!(
            found(&zhang, query).await.contains(&name.to_owned()),
            "{query} finds {name}"
        );
    }
    assert_eq!(found(&zhang, "没有的人").await, [] as [String; 0]);
    assert_eq!(found(&zhang, "%").await, [] as [String; 0]);
    assert_eq!(found(&zhang, " ").await, [] as [String; 0]);
}

#[tokio::test]
async fn dir_i05_surnames_of_several_sounds_are_found_by_each() {
    let world = World::memory().await;
    let zhang = company(&world).await;
    for (query, name) in [
        ("shanxiongxin", "单雄信"),
        ("danxiongxin", "单雄信"),
        ("sxx", "单雄信"),
        ("zeng", "曾国藩"),
        ("qiu", "仇英"),
        ("chou", "仇英"),
        ("chongqing", "重庆"),
        ("zhongqing", "重庆"),
    ] {
        assert!(
            found(&zhang, query).await.contains(&name.to_owned()),
            "{query} finds {name}"
        );
    }
    let members = zhang.does("space.members", json!({})).await;
    let initial = |name: &str| -> Value {
        let mut items = members["items"].as_array().unwrap().iter();
        items.find(|item| item["name"] == name).unwrap()["initial"].clone()
    };
    assert_eq!(initial("单雄信"), "S", "a surname is Shan");
    assert_eq!(initial("曾国藩"), "Z");
    assert_eq!(initial("仇英"), "Q");
}

#[tokio::test]
async fn dir_03_members_are_ordered_by_the_initial_of_their_names_and_pages_name_each_once() {
    let world = World::memory().await;
    let zhang = company(&world).await;
    let (mut items, mut params) = (Vec::new(), json!({"limit": 2}));
    loop {
        let page = zhang.does("space.members", params.clone()).await;
        items.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => params["cursor"] = next.into(),
            None => break,
        }
    }
    let initials: Vec<&str> = items
        .iter()
        .map(|item| item["initial"].as_str().unwrap())
        .collect();
    assert!(initials.is_sorted(), "{initials:?}");
    let mut ids: Vec<&str> = items
        .iter()
        .map(|item| item["user_id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((items.len(), ids.len()), (7, 7));
}

#[tokio::test]
async fn a_search_has_bounds() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let search = |query: String, limit: u64| json!({"query": query, "limit": limit});
    zhang
        .does("directory.search", search("汉".repeat(64), 50))
        .await;
    let refusal = zhang
        .is_refused("directory.search", search("汉".repeat(65), 50))
        .await;
    assert_eq!(
        (refusal.code.as_str(), refusal.field.as_deref()),
        ("too_long", Some("query"))
    );
    for limit in [0, 51] {
        let refusal = zhang
            .is_refused("directory.search", search("a".into(), limit))
            .await;
        assert_eq!(
            (refusal.class.as_str(), refusal.field.as_deref()),
            ("invalid", Some("limit"))
        );
    }
    zhang.adds_many(60).await;
    assert_eq!(found(&zhang, "同事").await.len(), 50);
    let get = |count: usize| json!({"user_ids": vec![zhang.id.clone(); count]});
    zhang.does("directory.get", get(200)).await;
    for count in [0, 201] {
        let refusal = zhang.is_refused("directory.get", get(count)).await;
        assert_eq!(refusal.field.as_deref(), Some("user_ids"));
    }
}
