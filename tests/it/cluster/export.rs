//! What happens in conversations is told to a stream of NATS JetStream: everything once and in order, also when
//! the server that tells it is killed or NATS is away for a while.

use serde_json::Value;
use world::{Nats, Opening, Process, Stored, within};

use super::nodes::{TAKEOVER, flags_on};
use storage::suite::cassandra::node as cassandra;

fn texts(told: &[Stored]) -> Vec<&str> {
    told.iter()
        .filter(|one| one.event["event"] == "message.created")
        .map(|one| {
            one.event["data"]["message"]["text"]
                .as_str()
                .expect("a text")
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_is_told_to_a_stream_once_and_in_order_whatever_dies() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().display().to_string();
    let mut nats = Nats::start_with(&["--jetstream", "--store_dir", &place]).await;
    let exporting = |name: &str| {
        let mut flags = flags_on(cassandra(), "export", name, Some(&nats));
        flags.extend(["--export-stream", "CHAOKE"].map(str::to_owned));
        flags
    };
    let (one, two) = (exporting("one"), exporting("two"));
    let mut first = Process::start_with(&one).await;
    let zhang = first.company("超客").await.admin("张三").await;
    let li = zhang.adds("李四").await;
    let second = Process::start_with(&two).await;
    let li = li.at(second.wire());
    li.comes(Opening::fresh()).await;

    let chat = li.gathers(&[&zhang], "外面也听").await;
    for n in 0..5 {
        li.says(&chat, &format!("一{n}")).await;
    }
    nats.dies().await;
    for n in 0..5 {
        li.says(&chat, &format!("二{n}")).await;
    }
    nats.starts().await;
    li.says(&chat, "三").await;
    // Who tells is killed, perhaps before it could note how far it was; the other one goes on.
    first.kill().await;
    for n in 0..5 {
        li.says(&chat, &format!("四{n}")).await;
    }
    let expected: Vec<String> = [
        "一0", "一1", "一2", "一3", "一4", "二0", "二1", "二2", "二3", "二4",
    ]
    .into_iter()
    .chain(["三", "四0", "四1", "四2", "四3", "四4"])
    .map(str::to_owned)
    .collect();
    let told = within(TAKEOVER, "everything is told", || async {
        let told = nats.stream("CHAOKE").await?;
        (texts(&told).len() >= expected.len()).then_some(told)
    })
    .await;
    assert_eq!(texts(&told), expected);

    let mut ids: Vec<&str> = told.iter().map(|one| one.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), told.len(), "an id stands for one event");
    let positions: Vec<_> = told
        .iter()
        .map(|one| one.event["position"].as_u64())
        .collect();
    assert!(positions.is_sorted(), "{positions:?}");
    for Stored { subject, id, event } in &told {
        let kind = event["event"].as_str().expect("a kind");
        assert_eq!(*subject, format!("export.events.{kind}"));
        let (position, ordinal) = (&event["position"], &event["ordinal"]);
        assert_eq!(*id, format!("export:0:{position}:{ordinal}"));
    }
    let joined = told
        .iter()
        .find(|one| one.event["event"] == "conversation.joined");
    let joined = &joined.expect("the two joined").event;
    assert_eq!(joined["data"]["conversation_id"], chat.as_str());
    let last = &told.last().expect("the last").event["data"];
    assert_eq!(last["message"]["conversation_id"], chat.as_str());
    let members = last["member_ids"].as_array().expect("members");
    assert_eq!(members.len(), 2);
    assert!(
        members.contains(&Value::from(zhang.id.as_str())),
        "{members:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_cannot_be_meant_is_refused_in_words() {
    let nats = Nats::start().await;
    let mut flags = flags_on(cassandra(), "exportwrong", "one", Some(&nats));
    flags.extend(["--export-stream", "no.name"].map(str::to_owned));
    let said = Process::is_refused(&flags).await;
    assert!(
        said.contains("\"no.name\" is no name of a stream"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_jetstream_people_talk_all_the_same() {
    let nats = Nats::start().await;
    let mut flags = flags_on(cassandra(), "exportoff", "one", Some(&nats));
    flags.extend(["--export-stream", "CHAOKE"].map(str::to_owned));
    let server = Process::start_with(&flags).await;
    let zhang = server.company("超客").await.admin("张三").await;
    let li = zhang.adds("李四").await;
    for n in 0..3 {
        let text = format!("没有流也能写{n}");
        zhang.writes(&li, &text).await;
        li.sees(&text).await;
    }
    assert!(nats.stream("CHAOKE").await.is_none());
}
