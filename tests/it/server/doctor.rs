//! `chaoke doctor`: one sentence for each thing, and what to do where one is wrong.

use serde_json::json;
use world::{Process, Said, says, says_in};

async fn looks(more: &[&str]) -> Said {
    says(&[&["doctor"], more].concat()).await
}

/// How many things are said to be right, and what is said to be wrong, each with its remedy.
fn sorted(said: &Said) -> (usize, Vec<&str>) {
    let lines: Vec<&str> = said.out.lines().collect();
    let right = lines
        .iter()
        .filter(|line| line.starts_with("ok     "))
        .count();
    let mut wrong = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        if let Some(what) = line.strip_prefix("WRONG  ") {
            assert!(lines[n + 1].starts_with("       → "), "a remedy: {said:?}");
            wrong.push(what);
        }
    }
    assert_eq!(said.ok, wrong.is_empty(), "{said:?}");
    (right, wrong)
}

#[tokio::test]
async fn the_doctor_finds_nothing_wrong_with_a_new_folder_and_with_one_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new");
    let said = looks(&["--data", new.to_str().unwrap(), "--listen", "127.0.0.1:0"]).await;
    assert_eq!(sorted(&said), (6, vec![]), "{said:?}");
    assert!(said.out.contains("there is no store yet"));
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing is left"
    );
    let mut process = Process::start().await;
    let zhang = process.company("超客").await.admin("张三").await;
    let data = process.folder().to_str().unwrap().to_owned();
    let address = process.wire().address();
    let flags = ["--data", &data, "--listen", &address];
    let said = looks(&flags).await;
    assert_eq!(sorted(&said), (6, vec![]), "{said:?}");
    assert!(
        said.out
            .contains("is used by the server of this data folder")
    );
    assert!(
        said.out
            .contains(&format!("process {} serves the store", process.id()))
    );
    assert_eq!(zhang.http("conversation.list", json!({})).await.status, 200);
    process.terminate().await;
    let said = looks(&flags).await;
    assert_eq!(sorted(&said), (6, vec![]), "{said:?}");
    assert!(said.out.contains("the store can be read: "));
}

#[tokio::test]
async fn the_doctor_names_what_is_wrong_with_a_remedy_in_ones_own_language() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("photos")).unwrap();
    let data = folder.path().to_str().unwrap();
    let said = looks(&["--data", data, "--listen", &address]).await;
    let (right, wrong) = sorted(&said);
    assert_eq!((right, wrong.len()), (4, 2), "{said:?}");
    assert!(wrong[0].contains("holds no store but other things, such as photos"));
    assert!(wrong[1].contains(&format!("{address} can't be listened on")));
    assert_eq!(said.err, "chaoke: 2 of 6 checks found something wrong\n");
    let arguments = ["doctor", "--data", data, "--listen", &address];
    let said = says_in("zh_CN.UTF-8", &arguments).await;
    assert!(
        !said.ok && said.err.contains("6 项检查中有 2 项不正常"),
        "{said:?}"
    );
    assert!(said.out.contains("无法监听") && said.out.contains("请用 --listen 指定另一个地址"));
}

#[tokio::test]
async fn the_doctor_tells_of_a_store_that_can_not_be_opened_and_of_what_does_not_answer() {
    let mut process = Process::start().await;
    process.company("超客").await.admin("张三").await;
    process.terminate().await;
    let data = process.folder().to_str().unwrap();
    storage::suite::claim_format(&process.folder().join("store"), 2);
    let said = looks(&["--data", data, "--listen", "127.0.0.1:0"]).await;
    let (_, wrong) = sorted(&said);
    assert_eq!(wrong.len(), 1, "{said:?}");
    assert!(
        wrong[0].starts_with("the store was written by a newer release"),
        "{wrong:?}"
    );
    let key = process.folder().join("cluster.key");
    std::fs::write(&key, "0123456789abcdef").unwrap();
    // Nobody listens at port 1.
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let files = ["--files", "/proc/1/files"];
    let said = looks(&[&["--data", data, "--listen", "127.0.0.1:0"], &files[..]].concat()).await;
    assert!(
        said.out
            .contains("pictures and files /proc/1/files can't be written")
    );
    let mut flags = vec![
        "--data",
        data,
        "--listen",
        "127.0.0.1:0",
        "--cql",
        "127.0.0.1:1",
    ];
    flags.extend([
        "--cluster-listen",
        "127.0.0.1:0",
        "--cluster-key-file",
        key.to_str().unwrap(),
    ]);
    flags.extend(["--nats", "127.0.0.1:1"]);
    let said = looks(&flags).await;
    let (right, wrong) = sorted(&said);
    assert_eq!((right, wrong.len()), (5, 3), "{said:?}");
    assert!(wrong[2].contains("no folder for pictures and files"));
    assert!(wrong[0].contains("no database answers"), "{wrong:?}");
    assert!(
        wrong[1].contains("no NATS answers at 127.0.0.1:1"),
        "{wrong:?}"
    );
}
