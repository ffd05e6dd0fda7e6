//! Data folders of other releases. `tests/fixtures/format-1.tar.gz` is a folder of the store's format 1, and
//! `format-1.backup` a backup in format 1; both were made by the binary of that time (`make-fixture.sh` beside them).

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::process::Command;
use world::{Process, says};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// A copy of the folder of format 1.
async fn folder_of_format_1() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(fixture("format-1.tar.gz"));
    tar.arg("-C").arg(folder.path());
    assert!(tar.status().await.expect("tar is there").success());
    folder
}

/// Everybody and everything that was written into the fixture.
async fn is_all_there(process: &Process) {
    let wire = process.wire();
    let params = json!({"login": "zhangsan", "password": "chaoke-2026"});
    let signed_in = wire.http("session.sign_in", params).await.ok();
    assert_eq!(signed_in["space"]["name"], "超客科技");
    let token = signed_in["access_token"].as_str().unwrap();
    let call = async |method: &str, params: Value| wire.http_as(token, method, params).await.ok();
    let members = call("space.members", json!({})).await;
    let names: Vec<&str> = members["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|person| person["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["李四", "王五", "张三"]);
    // Its store had no list of administrators.
    let admins = call("space.admins", json!({})).await;
    assert_eq!(admins["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(admins["items"][0]["name"], "张三");
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
    wanted.sort_unstable();
    assert_eq!(said, wanted);
}

#[tokio::test]
async fn plat_i19_a_folder_of_format_1_is_opened_with_everything_in_it() {
    let mut process = Process::start_on(folder_of_format_1().await, &[]).await;
    is_all_there(&process).await;
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
    is_all_there(&Process::start_on(folder, &[]).await).await;
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
        let folder = folder_of_format_1().await;
        storage::suite::claim_format(&folder.path().join("store"), format);
        let said = Process::is_refused_in(folder.path(), &[]).await;
        assert!(said.contains(says_so), "{said}");
        // Whoever starts the right release again finds everything.
        storage::suite::claim_format(&folder.path().join("store"), 1);
        is_all_there(&Process::start_on(folder, &[]).await).await;
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
