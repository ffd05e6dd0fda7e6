//! What files take of the disk, whose they are, how much a person may have, and what is too old to be kept.

use std::time::Duration;

use serde_json::{Value, json};
use world::{Person, Setup, eventually, fresh_id, within};

const MB: u64 = 1 << 20;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The beginning of a small PNG.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0\0\0\x01\0\x08\x06\0\0\0\0\0\0\0";

async fn figures(admin: &Person) -> Value {
    admin.http("admin.storage.get", json!({})).await.ok()
}

/// A kind in the books, once it is this.
async fn counted(admin: &Person, kind: &str, files: u64, bytes: u64) {
    let wanted = json!({"files": files, "bytes": bytes});
    eventually(&format!("{kind}: {wanted}"), async || {
        (figures(admin).await[kind] == wanted).then_some(())
    })
    .await;
}

async fn people(admin: &Person, params: Value) -> Value {
    admin.http("admin.storage.people", params).await.ok()
}

async fn begins(person: &Person, megabytes: u64) -> world::HttpAnswer {
    let params = json!({"name": "a.bin", "size": megabytes * MB, "purpose": "message"});
    person.http("file.begin", params).await
}

/// Tokens end by a clock that is moved.
async fn sign_in_anew(people: &[&Person]) {
    for person in people {
        person.holds(person.signs_in().await);
    }
}

#[tokio::test]
async fn plat_i20_use_is_told_by_kind_and_by_person() {
    let world = Setup::embedded().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let none = figures(&zhang).await;
    let nothing = json!({"files": 0, "bytes": 0});
    assert_eq!((&none["images"], &none["files"]), (&nothing, &nothing));
    assert_eq!(
        none["counting"],
        json!(false),
        "a new server has nothing to count"
    );
    assert!(none["disk"]["store_bytes"].is_u64(), "{none}");
    assert_eq!(people(&zhang, json!({})).await, json!({"items": []}));

    let group = zhang.gathers(&[&li, &wang], "项目组").await;
    let picture = zhang.uploads("照片.png", PNG).await;
    zhang.sends_file(&group, &picture).await;
    li.uploads("a.txt", b"hello").await;
    begins(&wang, 3).await.ok();
    let size = PNG.len() as u64;
    counted(&zhang, "images", 1, size).await;
    counted(&zhang, "files", 1, 5).await;
    counted(&zhang, "uploading", 1, 3 * MB).await;

    // Most first, page by page.
    let first = people(&zhang, json!({"limit": 1})).await;
    assert_eq!(
        first["items"],
        json!([{
            "user_id": wang.id, "images": nothing, "files": nothing,
            "uploading": {"files": 1, "bytes": 3 * MB}, "bytes": 3 * MB,
        }])
    );
    let rest = people(&zhang, json!({"limit": 5, "cursor": first["next"]})).await;
    let ids = rest["items"].as_array().unwrap().iter();
    let ids: Vec<_> = ids.map(|item| item["user_id"].as_str().unwrap()).collect();
    assert_eq!(ids, [&*zhang.id, &*li.id]);
    assert_eq!(rest["next"], Value::Null);

    // What is never sent, or never whole, is given back a day later; it survives a restart to be so.
    world.stop().await;
    world.starts_again().await;
    world.passes(DAY);
    sign_in_anew(&[&zhang]).await;
    counted(&zhang, "uploading", 0, 0).await;
    counted(&zhang, "files", 0, 0).await;
    counted(&zhang, "images", 1, size).await;
    let left = people(&zhang, json!({})).await;
    assert_eq!(left["items"].as_array().unwrap().len(), 1, "{left}");
}

#[tokio::test]
async fn plat_i20_a_quota_is_kept_and_what_was_begun_counts() {
    let world = Setup::memory().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    for (params, code) in [
        (json!({"quota_bytes": 100 * MB - 1}), "quota_out_of_range"),
        (
            json!({"quota_bytes": (100_u64 << 40) + 1}),
            "quota_out_of_range",
        ),
        (json!({"file_days": 6}), "days_out_of_range"),
        (json!({"file_days": 3_651}), "days_out_of_range"),
    ] {
        assert_eq!(
            zhang.is_refused("admin.storage.set", params).await.code,
            code
        );
    }
    let preview = zhang.is_refused("admin.storage.preview", json!({"file_days": 6}));
    assert_eq!(preview.await.code, "days_out_of_range");
    begins(&li, 60).await.ok();
    let set = json!({"quota_bytes": 100 * MB});
    assert_eq!(zhang.does("admin.storage.set", set.clone()).await, set);
    assert_eq!(figures(&zhang).await["quota_bytes"], json!(100 * MB));
    let refusal = begins(&li, 41).await.refusal();
    assert_eq!(refusal.kind(), ("conflict", "quota_reached"));
    let told = refusal.whole["message"]["zh"].as_str().unwrap();
    assert!(told.contains("60 MB") && told.contains("100 MB"), "{told}");
    begins(&li, 40).await.ok();
    assert_eq!(begins(&li, 1).await.refusal().code, "quota_reached");
    // It is each person's own, and the same upload is not counted again.
    begins(&zhang, 100).await.ok();
    let again = json!({"name": "b.bin", "size": MB, "purpose": "message"});
    let (token, id) = (li.tokens().access, fresh_id("call"));
    zhang.does("admin.storage.set", json!({})).await;
    let wire = li.wire();
    let begun = async || {
        wire.http_keyed(Some(&token), &id, "file.begin", again.clone())
            .await
            .ok()
    };
    assert_eq!(begun().await, begun().await);
    counted(&zhang, "uploading", 4, 201 * MB).await;
    // Whoever decided is in the audit.
    eventually("the decisions are told", async || {
        let told = zhang.does("admin.audit.list", json!({"method": "admin.storage.set"}));
        let told = told.await["items"].clone();
        let told = told.as_array().unwrap().iter();
        let told: Vec<_> = told.map(|item| item["detail"].clone()).collect();
        let first = format!("quota_bytes = {}, file_days = ∞", 100 * MB);
        (told == [json!("quota_bytes = ∞, file_days = ∞"), json!(first)]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn plat_i20_so_many_uploads_of_one_person_are_open_at_a_time() {
    let world = Setup::memory().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let small = json!({"name": "a.txt", "size": 1, "purpose": "message"});
    let mut last = String::new();
    for _ in 0..200 {
        let begun = li.http("file.begin", small.clone()).await.ok();
        last = begun["upload_id"].as_str().unwrap().to_owned();
    }
    let refusal = li.http("file.begin", small.clone()).await.refusal();
    assert_eq!(refusal.kind(), ("conflict", "too_many_uploads"));
    zhang.http("file.begin", small.clone()).await.ok();
    // One is finished: there is room for one.
    li.puts(&last, 0, b"x").await.ok();
    li.http("file.finish", json!({"upload_id": last}))
        .await
        .ok();
    counted(&zhang, "files", 1, 1).await;
    li.http("file.begin", small).await.ok();
}

#[tokio::test]
async fn plat_i20_old_files_go_when_an_administrator_says_so_and_their_messages_stay() {
    let world = Setup::embedded().clock_by_hand().start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    let group = zhang.gathers(&[&li], "项目组").await;
    // More than one step takes.
    let mut old = vec![];
    for _ in 0..120 {
        let file = zhang.uploads("old.txt", b"old").await;
        zhang.sends_file(&group, &file).await;
        old.push(file);
    }
    world.passes(8 * DAY);
    sign_in_anew(&[&zhang, &li]).await;
    let young = zhang.uploads("young.txt", b"young").await;
    let send = json!({"conversation_id": group, "client_msg_id": fresh_id("m"), "file_id": young["file_id"]});
    zhang.http("message.send", send).await.ok();
    counted(&zhang, "files", 121, 365).await;
    let preview = zhang.http("admin.storage.preview", json!({"file_days": 7}));
    assert_eq!(preview.await.ok(), json!({"files": 120, "bytes": 360}));
    let longer = zhang.http("admin.storage.preview", json!({"file_days": 30}));
    assert_eq!(longer.await.ok(), json!({"files": 0, "bytes": 0}));
    assert_eq!(figures(&zhang).await["expired"], Value::Null);

    zhang
        .http("admin.storage.set", json!({"file_days": 7}))
        .await
        .ok();
    assert_eq!(figures(&zhang).await["file_days"], json!(7));
    // The job takes a breath of a second behind each hundred, by a clock that only a test moves.
    within(Duration::from_secs(20), "what is old is gone", async || {
        world.passes(Duration::from_secs(1));
        let all = figures(&zhang).await;
        (all["files"] == json!({"files": 1, "bytes": 5})).then_some(())
    })
    .await;
    assert_eq!(
        figures(&zhang).await["expired"],
        json!({"files": 0, "bytes": 0})
    );
    let links = |file: &Value| {
        let params = json!({"conversation_id": group, "file_ids": [file["file_id"]]});
        li.http("file.links", params)
    };
    for file in [&old[0], &old[119]] {
        assert_eq!(links(file).await.ok()["links"], json!([]));
    }
    let link = links(&young).await.ok()["links"][0]["url"].clone();
    assert_eq!(
        li.fetches(link.as_str().unwrap(), &[]).await.bytes,
        b"young"
    );
    // The messages stay, with what the files were.
    let log = json!({"conversation_id": group, "limit": 200});
    let log = li.http("message.list", log).await.ok();
    let files = log["items"].as_array().unwrap().iter();
    let files = files.filter(|message| message["kind"] == "file");
    assert_eq!(files.count(), 121);
}
