//! One server with a database instead of its data folder: it serves, dies, comes back, is followed by another.

use serde_json::json;
use storage::suite::cassandra::{Cassandra, node};
use world::{Opening, Process};

use crate::server::killed::Story;

/// Flags for a keyspace of a test's own.
pub(super) fn flags(keyspace: &str) -> Vec<String> {
    flags_on(node(), keyspace)
}

/// The same on a database of a test's own.
pub(super) fn flags_on(node: &Cassandra, keyspace: &str) -> Vec<String> {
    let password = node.folder.join("password");
    std::fs::write(&password, "cassandra\n").expect("a file");
    let mut flags = with(&node.address, keyspace, "datacenter1");
    flags.extend(["--cql-user".into(), "cassandra".into()]);
    flags.extend(["--cql-password-file".into(), password.display().to_string()]);
    flags
}

fn with(address: &str, keyspace: &str, datacentre: &str) -> Vec<String> {
    let flags = ["--cql", address, "--cql-keyspace", keyspace];
    let more = ["--cql-datacentre", datacentre, "--cql-replicas", "1"];
    let few = ["--cql-few-replicas"];
    let all = flags.into_iter().chain(more).chain(few);
    all.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_people_write_on_a_database_it_loses_nothing_and_doubles_nothing() {
    let process = Process::start_with(&flags("killed")).await;
    Story::begin(process).await.runs(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_serves_in_place_of_another_has_all_of_it_and_the_other_ends() {
    let mut first = Process::start_with(&flags("followed")).await;
    let zhang = first.company("超客").await.admin("张三").await;
    let li = zhang.adds("李四").await;
    let chat = zhang.direct(&li).await;
    zhang.writes(&li, "第一台写的").await;
    li.sees("第一台写的").await;
    first.signal("-STOP");
    let second = Process::start_with(&flags("followed")).await;
    assert!(!second.has_setup_link(), "the company is set up");
    first.signal("-CONT");
    let (ended, said) = first.ends().await;
    assert!(
        !ended.success() && said.contains("another server"),
        "{said}"
    );
    let token = zhang.tokens().access;
    let call = json!({
        "conversation_id": chat, "client_msg_id": "second", "text": "第二台写的", "peer_id": li.id,
    });
    let sent = second.wire().http_as(&token, "message.send", call).await;
    assert_eq!(sent.ok()["seq"], 2);
    let device = Opening::fresh().open(second.wire(), &li.tokens()).await;
    let list = json!({"conversation_id": chat});
    let list = device.expect("he comes").does("message.list", list).await;
    let texts: Vec<_> = list["items"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|message| message["text"].clone())
        .collect();
    assert_eq!(texts, ["第一台写的", "第二台写的"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_can_not_be_served_from_is_told_in_a_sentence() {
    let address = node().address.as_str();
    let good = flags("refused");
    let changed = |from: &str, to: &str| -> Vec<String> {
        let change = |flag: &String| {
            if flag == from {
                to.to_owned()
            } else {
                flag.clone()
            }
        };
        good.iter().map(change).collect()
    };
    let without = |flag: &str| -> Vec<String> {
        good.iter()
            .filter(|given| *given != flag)
            .cloned()
            .collect()
    };
    let empty = node().folder.join("empty");
    std::fs::write(&empty, "").expect("a file");
    let password = node().folder.join("password").display().to_string();
    let cases = [
        (changed(address, "127.0.0.1:1"), "no database answers"),
        (changed(address, "somewhere"), "write host:port"),
        (changed("refused", "Refused!"), "no name for a keyspace"),
        (changed("datacenter1", "moon"), "moon"),
        (without("--cql-few-replicas"), "a cluster needs 3"),
        (
            with(address, "refused", "datacenter1"),
            "refuses the name or its secret",
        ),
        (
            changed(&password, "/nowhere"),
            "can't be read from /nowhere",
        ),
        (
            changed(&password, &empty.display().to_string()),
            "holds no password",
        ),
    ];
    for (flags, says) in cases {
        let said = Process::is_refused(&flags).await;
        assert!(
            said.starts_with("chaoke: ") && said.contains(says),
            "{flags:?}: {said}"
        );
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("store")).expect("a folder");
    let said = Process::is_refused_in(folder.path(), &good).await;
    assert!(said.contains("serve one of them"), "{said}");
}
