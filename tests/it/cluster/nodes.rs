//! Several servers that are one: people on different servers talk as if there were one; any server may leave, die
//! or stand still, NATS may be away, and nobody loses or sees anything twice.

use std::time::Duration;

use serde_json::{Value, json};
use storage::suite::cassandra::{Cassandra, node as cassandra};
use world::{Codec, Nats, Opening, Person, Process, within};

/// A takeover takes three seconds; a busy machine gets the rest.
pub(super) const TAKEOVER: Duration = Duration::from_secs(60);

/// Flags of one server of a cluster.
pub(super) fn flags(keyspace: &str, name: &str, nats: Option<&Nats>) -> Vec<String> {
    flags_on(cassandra(), keyspace, name, nats)
}

/// The same on a database of a test's own.
pub(super) fn flags_on(
    cassandra: &Cassandra,
    keyspace: &str,
    name: &str,
    nats: Option<&Nats>,
) -> Vec<String> {
    let key = cassandra.folder.join("key");
    std::fs::write(&key, "the key of the tests, long enough\n").expect("a file");
    let mut flags = super::database::flags_on(cassandra, keyspace);
    let key = key.display().to_string();
    let more = [
        "--cluster-listen",
        "127.0.0.1:0",
        "--cluster-key-file",
        &key,
    ];
    flags.extend(more.map(str::to_owned));
    flags.extend(["--node".to_owned(), name.to_owned()]);
    if let Some(nats) = nats {
        flags.extend(["--nats".to_owned(), nats.address()]);
        flags.extend(["--nats-prefix".to_owned(), keyspace.to_owned()]);
    }
    flags
}

/// A first server with a company of two, and a second one; 李四 is at the second.
async fn two(keyspace: &str, nats: Option<&Nats>) -> (Process, Process, Person, Person) {
    let first = Process::start_with(&flags(keyspace, "one", nats)).await;
    let zhang = first.company("超客").await.admin("张三").await;
    let li = zhang.adds("李四").await;
    let second = Process::start_with(&flags(keyspace, "two", nats)).await;
    let there = li.at(second.wire());
    li.goes();
    there.comes(Opening::fresh().over(Codec::Msgpack)).await;
    (first, second, zhang, there)
}

fn typed(chat: &str) -> Value {
    json!({"conversation_id": chat})
}

/// All that two people on two servers do with each other.
async fn talk(zhang: &Person, li: &Person) {
    zhang.writes(li, "你好").await;
    li.sees("你好").await;
    li.writes(zhang, "收到").await;
    zhang.sees("收到").await;
    let chat = zhang.direct(li).await;
    assert_eq!((zhang.unread(&chat).await, li.unread(&chat).await), (1, 0));
    // Whoever writes is told his own message before the answer, wherever the journal is.
    for person in [zhang, li] {
        let seq = person.says(&chat, "先推后答").await["seq"].clone();
        let frames = person.device().frames();
        let pushed = frames
            .iter()
            .rposition(|frame| frame[0] == "message.created" && frame[1]["message"]["seq"] == seq);
        let answered = frames.iter().rposition(|frame| frame[0].is_u64());
        assert!(pushed < answered && pushed.is_some(), "{frames:?}");
    }
    let read = li.reads(&chat, 4).await;
    assert_eq!(read["unread"], 0);
    let told = zhang
        .device()
        .sees_push("the read mark", |push| {
            push.event == "conversation.read" && push.data["seq"] == 4
        })
        .await;
    assert_eq!(told.data["user_id"], li.id.as_str());
    li.does("conversation.typing", typed(&chat)).await;
    zhang.device().sees_event("conversation.typed").await;
    zhang.does("conversation.typing", typed(&chat)).await;
    li.device().sees_event("conversation.typed").await;
}

/// A tool posts at the server that does not write, until its bot is taken away at that very server.
async fn a_tool(zhang: &Person, li: &Person, group: &str) {
    let bot = json!({"conversation_id": group, "name": "构建"});
    let bot = li.does("bot.create", bot).await;
    let path = bot["path"].as_str().expect("a path");
    let post = || li.wire().tool_posts(path, &[], "{\"text\": \"失败\"}");
    assert_eq!(post().await.status, 200);
    zhang.sees("失败").await;
    li.sees("失败").await;
    let gone = json!({"conversation_id": group, "bot_id": bot["bot"]["bot_id"]});
    li.does("bot.remove", gone).await;
    assert_eq!(post().await.refusal().code, "no_bot");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plat_i07_people_on_two_servers_talk_as_if_there_were_one() {
    let nats = Nats::start().await;
    let (first, second, zhang, li) = two("talk", Some(&nats)).await;
    assert!(!second.has_setup_link(), "the company is set up");
    talk(&zhang, &li).await;
    // A discussion made on the server that does not write, with somebody at each.
    let group = li.gathers(&[&zhang], "两地").await;
    li.says(&group, "大家好").await;
    zhang.sees("大家好").await;
    zhang.says(&group, "好").await;
    li.sees("好").await;
    assert_eq!(li.times("joined", &group).await, 1);
    a_tool(&zhang, &li, &group).await;
    // Another name is told to everybody, wherever he is.
    let named = json!({"user_id": li.id, "title": "经理"});
    zhang.does("space.update_member", named).await;
    let heard = li.device().sees_event("person.changed").await;
    assert_eq!(heard.data["user"]["title"], "经理");
    // Presence goes from server to server.
    let watch = json!({"user_ids": [li.id]});
    let seen = zhang.does("presence.watch", watch).await;
    assert_eq!(seen["items"][0]["online"], true);
    li.goes();
    let gone = zhang.device().sees_event("presence.changed").await;
    assert_eq!(gone.data["items"][0]["online"], false);
    li.comes(Opening::fresh().seen(&group, 5)).await;
    assert_eq!(li.device().resumed(&group)["head_seq"], 6);
    // One who signs out everywhere on one server is out on the other.
    let (tokens, elsewhere) = li.at(first.wire()).also_on(Opening::fresh()).await;
    let ends = json!({"session_id": tokens.session_id});
    li.does("session.revoke", ends).await;
    assert_eq!(elsewhere.closes().await.code, 4401);
    let stranger = Process::is_refused(&flags("talk", "two", Some(&nats))).await;
    assert!(
        stranger.contains("\"two\" runs in this cluster already"),
        "{stranger}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_leaves_hands_over_and_nobody_is_refused() {
    let nats = Nats::start().await;
    let (mut first, mut second, zhang, li) = two("leaves", Some(&nats)).await;
    let group = zhang.gathers(&[&li], "项目组").await;
    // Twice round: whoever has the journal leaves while both write, each on the server that stays.
    for turn in 0..2 {
        let (leaving, staying) = if turn == 0 {
            (&mut first, &second)
        } else {
            (&mut second, &first)
        };
        let there: Vec<Person> = [&zhang, &li].map(|one| one.at(staying.wire())).into();
        for person in &there {
            person.comes(Opening::fresh()).await;
        }
        let writing = there.clone().into_iter().map(|person| {
            let group = group.clone();
            tokio::spawn(async move {
                for n in 0..40 {
                    let text = format!("{turn} {} {n}", person.name);
                    let params = json!({
                        "conversation_id": group, "client_msg_id": text, "text": text,
                    });
                    person.does("message.send", params).await;
                }
            })
        });
        let writing: Vec<_> = writing.collect();
        there[0].sees(&format!("{turn} 李四 5")).await;
        assert!(leaving.terminate().await.success());
        for one in writing {
            one.await.expect("nobody was refused");
        }
        leaving.start_again().await;
    }
    let log = zhang.at(first.wire()).comes(Opening::fresh()).await;
    let list = json!({"conversation_id": group, "limit": 200});
    let list = log.does("message.list", list).await;
    let texts: Vec<&str> = list["items"]
        .as_array()
        .expect("messages")
        .iter()
        .filter_map(|message| message["text"].as_str())
        .collect();
    for turn in 0..2 {
        for name in ["张三", "李四"] {
            for n in 0..40 {
                let text = format!("{turn} {name} {n}");
                assert_eq!(
                    texts.iter().filter(|one| **one == text).count(),
                    1,
                    "{text}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plat_i05_who_was_at_a_server_that_died_comes_back_at_another_and_misses_nothing() {
    let nats = Nats::start().await;
    let (mut first, second, zhang, li) = two("died", Some(&nats)).await;
    zhang.comes(Opening::fresh()).await;
    let chat = zhang.direct(&li).await;
    for n in 1..=5 {
        assert_eq!(zhang.writes(&li, &format!("先{n}")).await["seq"], n);
    }
    zhang.sees("先5").await;
    first.kill().await;
    // The one who wrote the journal is gone: whoever is left takes it, and calls are answered then.
    for n in 1..=5 {
        let text = format!("后{n}");
        within(TAKEOVER, "the other server writes", || async {
            let params =
                json!({"conversation_id": chat, "client_msg_id": text, "text": text, "peer_id": zhang.id});
            li.tries("message.send", params).await.ok()
        })
        .await;
    }
    let elsewhere = zhang.at(second.wire());
    elsewhere.comes(Opening::fresh().seen(&chat, 5)).await;
    let came = elsewhere.device().resumed(&chat).clone();
    assert_eq!(
        (&came["state"], &came["head_seq"]),
        (&json!("recovered"), &json!(10))
    );
    let texts: Vec<_> = came["entries"].as_array().unwrap().iter().collect();
    let texts: Vec<&str> = texts.iter().filter_map(|e| e["text"].as_str()).collect();
    assert_eq!(texts, ["后1", "后2", "后3", "后4", "后5"]);
    let log = elsewhere.log(&chat).await;
    assert_eq!(log.len(), 10);
    elsewhere.writes(&li, "我回来了").await;
    li.sees("我回来了").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_nats_and_while_it_is_away_people_go_on_talking() {
    let mut nats = Nats::start().await;
    let (_first, _second, zhang, li) = two("away", Some(&nats)).await;
    talk(&zhang, &li).await;
    nats.dies().await;
    zhang.writes(&li, "没有消息总线").await;
    li.sees("没有消息总线").await;
    li.writes(&zhang, "也能写").await;
    zhang.sees("也能写").await;
    nats.starts().await;
    zhang.writes(&li, "又有了").await;
    li.sees("又有了").await;
    let (_first, _second, zhang, li) = two("none", None).await;
    talk(&zhang, &li).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_stands_still_is_followed_and_comes_back_as_one_of_the_others() {
    let nats = Nats::start().await;
    let (first, second, zhang, li) = two("still", Some(&nats)).await;
    zhang.writes(&li, "一").await;
    li.sees("一").await;
    let chat = li.direct(&zhang).await;
    first.signal("-STOP");
    li.says(&chat, "二").await;
    let elsewhere = zhang.at(second.wire());
    elsewhere.comes(Opening::fresh().seen(&chat, 1)).await;
    assert_eq!(elsewhere.device().resumed(&chat)["head_seq"], 2);
    first.signal("-CONT");
    // On the server that stood still: it knows by now that it writes no more, and sends on.
    let sent = within(TAKEOVER, "the first server sends on", || async {
        let params = json!({
            "conversation_id": chat, "client_msg_id": "three", "text": "三", "peer_id": li.id,
        });
        let token = zhang.tokens().access;
        let sent = first.wire().http_as(&token, "message.send", params).await;
        sent.outcome().ok()
    })
    .await;
    assert_eq!(sent["seq"], 3);
    li.sees("三").await;
    zhang.comes(Opening::fresh()).await;
    li.says(&chat, "四").await;
    zhang.sees("四").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plat_i14_each_server_tells_which_of_them_live_and_which_one_writes() {
    let measured = |name: &str| {
        let mut flags = flags("measured", name, None);
        flags.extend(["--metrics-listen", "127.0.0.1:0"].map(str::to_owned));
        flags
    };
    let mut first = Process::start_with(&measured("one")).await;
    let second = Process::start_with(&measured("two")).await;
    let says = |node: &str, writes: u8| {
        format!("chaoke_cluster_node_owns_journal{{node=\"{node}\"}} {writes}\n")
    };
    let tells = async |server: &Process, lines: &[String]| {
        within(TAKEOVER, "the servers and the writer are told", || async {
            let metrics = server.metrics().await;
            let whole = lines.iter().all(|line| metrics.contains(line.as_str()));
            let others = metrics.matches("owns_journal{").count();
            (whole && others == lines.len()).then_some(())
        })
        .await;
    };
    for server in [&first, &second] {
        tells(server, &[says("one", 1), says("two", 0)]).await;
    }
    assert!(first.terminate().await.success());
    tells(&second, &[says("two", 1)]).await;
}
