//! Data folders of other releases. `tests/fixtures/format-1.tar.gz` is a folder of the store's format 1, and
//! `format-1.backup` a backup in format 1; `format-1-files-and-bots` are of the same format, later, when there was more to
//! keep. All were made by the binary of their time (`make-fixture.sh` beside them).

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::process::Command;
use world::{Process, says};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// The fixture of the first release with a format, and one of later with files, bots and administrators.
const FIRST: &str = "format-1";
const LATER: &str = "format-1-files-and-bots";

/// A copy of a folder of format 1.
async fn folder_of(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(fixture(&format!("{name}.tar.gz")));
    tar.arg("-C").arg(folder.path());
    assert!(tar.status().await.expect("tar is there").success());
    folder
}

/// The token of the administrator.
async fn signs_in(process: &Process) -> String {
    let params = json!({"login": "zhangsan", "password": "chaoke-2026"});
    let signed_in = process.wire().http("session.sign_in", params).await.ok();
    assert_eq!(signed_in["space"]["name"], "超客科技");
    signed_in["access_token"].as_str().unwrap().to_owned()
}

fn names(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("people").iter();
    items
        .map(|item| item["name"].as_str().or(item["user"]["name"].as_str()))
        .map(|name| name.expect("a name"))
        .collect()
}

/// Everybody and everything that was written into the fixture; a bot said something in the later ones.
async fn is_all_there(process: &Process, bot: Option<&str>) {
    let (wire, token) = (process.wire(), &*signs_in(process).await);
    let call = async |method: &str, params: Value| wire.http_as(token, method, params).await.ok();
    let members = call("space.members", json!({})).await;
    assert_eq!(names(&members), ["李四", "王五", "张三"]);
    let list = call("conversation.list", json!({})).await;
    let list = list["items"].as_array().unwrap();
    assert_eq!(list.len(), 2);
    let mut said = Vec::new();
    for row in list {
        let id = &row["conversation_id"];
        let page = call("message.list", json!({"conversation_id": id, "after": 0})).await;
        let items = page["items"].as_array().unwrap();
        for (n, message) in items.iter().enumerate() {
            assert_eq!(message["seq"], n as u64 + 1, "no gap");
            said.extend(message["text"].as_str().map(str::to_owned));
        }
        // It goes on.
        let params = json!({"conversation_id": id, "client_msg_id": "new", "text": "新的一句"});
        let sent = call("message.send", params).await;
        assert_eq!(sent["seq"], items.len() as u64 + 1);
    }
    said.sort_unstable();
    let mut wanted: Vec<String> = (1..=20).map(|n| format!("第{n:02}句")).collect();
    wanted.extend((1..=5).map(|n| format!("李四你好{n}")));
    wanted.extend(bot.map(str::to_owned));
    wanted.sort_unstable();
    assert_eq!(said, wanted);
}

#[tokio::test]
async fn plat_i19_a_folder_of_format_1_is_opened_with_everything_in_it() {
    let mut process = Process::start_on(folder_of(FIRST).await, &[]).await;
    is_all_there(&process, None).await;
    // The store of that time had no list of administrators.
    let token = signs_in(&process).await;
    let admins = process.wire().http_as(&token, "space.admins", json!({}));
    assert_eq!(names(&admins.await.ok()), ["张三"]);
    process.terminate().await;
    process.start_again().await;
    assert!(!process.has_setup_link());
}

#[tokio::test]
async fn plat_i15_plat_i19_a_backup_in_format_1_is_restored_with_everything_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (fixture("format-1.backup"), folder.path());
    let arguments = [
        "restore",
        file.to_str().unwrap(),
        "--data",
        data.to_str().unwrap(),
    ];
    let said = says(&arguments).await;
    assert!(said.ok, "{said:?}");
    is_all_there(&Process::start_on(folder, &[]).await, None).await;
}

#[tokio::test]
async fn plat_i19_a_folder_with_files_and_bots_is_opened_with_everything_in_it() {
    let folder = folder_of(LATER).await;
    let path = std::fs::read_to_string(folder.path().join("bot-path")).unwrap();
    let process = Process::start_on(folder, &[]).await;
    is_all_there(&process, Some("构建完成")).await;
    let (wire, token) = (process.wire(), &*signs_in(&process).await);
    let call = async |method: &str, params: Value| wire.http_as(token, method, params).await.ok();
    let admins = call("space.admins", json!({})).await;
    assert_eq!(names(&admins), ["王五", "张三"]);
    let gone = call("space.disabled_members", json!({})).await;
    assert_eq!(names(&gone), ["赵六"]);
    let storage = call("admin.storage.get", json!({})).await;
    assert_eq!(storage["quota_bytes"], 1 << 30, "{storage}");
    let list = call("conversation.list", json!({})).await;
    let find = |page: &Value, kind: &str| {
        let mut items = page["items"].as_array().expect("items").iter();
        items
            .find(|item| item["kind"] == kind)
            .expect("it is there")
            .clone()
    };
    let group = find(&list, "discussion")["conversation_id"].clone();
    let page = call(
        "message.list",
        json!({"conversation_id": group, "after": 0}),
    )
    .await;
    let file = find(&page, "file")["file"].clone();
    assert_eq!(file["name"], "合同.txt");
    let links = json!({"conversation_id": group, "file_ids": [file["file_id"]]});
    let links = call("file.links", links).await;
    let link = links["links"][0]["url"].as_str().expect("a link");
    assert_eq!(wire.get(link).await, (200, "合同正文".to_owned()));
    let posted = wire
        .tool_posts(path.trim(), &[], "{\"text\": \"还在\"}")
        .await;
    assert_eq!((posted.status, &*posted.text), (200, "ok"));
}

#[tokio::test]
async fn plat_i15_plat_i19_a_backup_with_bots_is_restored_with_everything_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let (file, data) = (fixture(&format!("{LATER}.backup")), folder.path());
    let [file, data] = [&*file, data].map(|path| path.to_str().unwrap());
    let said = says(&["restore", file, "--data", data]).await;
    assert!(said.ok, "{said:?}");
    is_all_there(&Process::start_on(folder, &[]).await, Some("构建完成")).await;
}

#[tokio::test]
async fn plat_i19_a_folder_of_another_release_is_refused_in_words_and_not_changed() {
    for (format, says_so) in [
        (
            2,
            "the store was written by a newer release (format 2; this one reads format 1)",
        ),
        (
            0,
            "the store was written by an older release (format 0; this one reads format 1)",
        ),
    ] {
        let folder = folder_of(FIRST).await;
        storage::suite::claim_format(&folder.path().join("store"), format);
        let said = Process::is_refused_in(folder.path(), &[]).await;
        assert!(said.contains(says_so), "{said}");
        // Whoever starts the right release again finds everything.
        storage::suite::claim_format(&folder.path().join("store"), 1);
        is_all_there(&Process::start_on(folder, &[]).await, None).await;
    }
}

#[tokio::test]
async fn plat_i19_a_folder_of_somebody_else_is_refused_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("base")).unwrap();
    let said = Process::is_refused_in(folder.path(), &[]).await;
    assert!(
        said.contains("holds no store but other things, such as base"),
        "{said}"
    );
    assert!(!folder.path().join("store").exists());
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("store")).unwrap();
    std::fs::write(folder.path().join("store/users.db"), "x").unwrap();
    let said = Process::is_refused_in(folder.path(), &[]).await;
    assert!(
        said.contains("holds no store but other things, such as users.db"),
        "{said}"
    );
    let cut = tempfile::tempdir().unwrap();
    std::fs::create_dir(cut.path().join("store.restoring")).unwrap();
    let said = Process::is_refused_in(cut.path(), &[]).await;
    assert!(said.contains("a restore was cut off in"), "{said}");
}
