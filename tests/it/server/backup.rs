//! `chaoke backup` while people write, and `chaoke restore` into a new folder.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixListener;
use world::{Opening, Person, Process, Said, says, within};

/// Messages of one person: below the burst that a person has.
const MESSAGES: usize = 60;

type Acknowledged = Arc<Mutex<Vec<Value>>>;

/// Says so many things one after the other; keeps what was acknowledged.
async fn talks(person: Person, group: String, acknowledged: Acknowledged) {
    for n in 0..MESSAGES {
        let id = format!("{}-{n}", person.login);
        let params =
            json!({"conversation_id": group, "client_msg_id": id, "text": format!("第{n}句")});
        let sent = person.http("message.send", params).await.ok();
        acknowledged.lock().unwrap().push(sent["message"].clone());
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of a test")
}

async fn restores(file: &Path, data: &Path) -> Said {
    says(&["restore", text(file), "--data", text(data)]).await
}

#[tokio::test]
async fn plat_i15_a_backup_made_while_people_write_comes_back_whole_and_in_order() {
    let mut process = Process::start().await;
    let zhang = process.company("超客").await.admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let group = zhang.gathers(&[&li, &wang], "项目组").await;
    let acknowledged = Acknowledged::default();
    let talking: Vec<_> = [&zhang, &li, &wang]
        .map(|person| talks(person.clone(), group.clone(), Arc::clone(&acknowledged)))
        .into_iter()
        .map(tokio::spawn)
        .collect();
    within(Duration::from_secs(20), "some is said", || async {
        (acknowledged.lock().unwrap().len() >= MESSAGES / 2).then_some(())
    })
    .await;
    let before = acknowledged.lock().unwrap().clone();
    let keep = tempfile::tempdir().unwrap();
    let file = keep.path().join("backup");
    let said = says(&["backup", text(&file), "--data", text(process.folder())]).await;
    assert!(said.ok, "{said:?}");
    for task in talking {
        task.await.unwrap();
    }
    zhang.says(&group, "备份之后").await;
    let whole = zhang.log(&group).await;
    let device = zhang.goes();
    process.kill().await;

    assert!(said.out.contains(" rows of ") && said.out.contains(" up to commit "));
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        std::fs::read_dir(keep.path()).unwrap().count(),
        1,
        "no part is left"
    );
    let folder = tempfile::tempdir().unwrap();
    let said = restores(&file, folder.path()).await;
    assert!(said.ok, "{said:?}");
    let restored = Process::start_on(folder, &[]).await;
    let at = |person: &Person| person.at(restored.wire());
    let log = at(&zhang).log(&group).await;
    assert!(
        log.len() > before.len(),
        "{} of {}",
        log.len(),
        before.len()
    );
    assert!(log.len() < whole.len(), "the last message came later");
    assert_eq!(
        log,
        whole[..log.len()],
        "in order, without a gap, and nothing else"
    );
    for message in &before {
        assert!(log.contains(message), "it was acknowledged: {message}");
    }
    for person in [&zhang, &li, &wang] {
        let person = at(person);
        assert_eq!(person.log(&group).await, log);
        let row = person.row(&group).await.expect("it is in his list");
        assert_eq!(row["last"]["seq"], log.last().unwrap()["seq"]);
        assert!(person.unread(&group).await <= log.len() as u64);
        let told = person.self_log().await;
        let joined = told.iter().filter(|entry| entry["what"] == "joined");
        assert_eq!(joined.count(), 1);
    }
    nothing_goes_back(&at(&zhang), &group, &whole, &log, &device.opened).await;
}

/// Clients have seen more than is there: they are told, and no answer of before is taken for another.
async fn nothing_goes_back(
    zhang: &Person,
    group: &str,
    whole: &[Value],
    log: &[Value],
    before: &Value,
) {
    let (head, seen) = (log.len() as u64, whole.len() as u64);
    let opening = Opening::fresh().seen(group, seen).self_seen(1_000);
    let device = zhang.comes(opening).await;
    assert_ne!(
        device.opened["incarnation"], before["incarnation"],
        "load all anew"
    );
    let resumed = device.resumed(group);
    assert_eq!(
        (&resumed["state"], &resumed["head_seq"]),
        (&json!("reload"), &json!(head))
    );
    assert_eq!(device.resumed_self()["state"], "reload");
    let params = json!({"conversation_id": group, "seq": seen + 100});
    let marked = zhang.does("conversation.mark_read", params).await;
    assert_eq!(marked["read_seq"], head, "no further than there is");
    // A resend of what is there gives its first answer; what is lost is written once more, at the end.
    let again = |message: &Value| {
        let (id, text) = (&message["client_msg_id"], &message["text"]);
        json!({"conversation_id": group, "client_msg_id": id, "text": text})
    };
    let own = |log: &[Value]| {
        let own = log.iter().rev().find(|message| {
            message["author_id"] == zhang.id.as_str() && !message["client_msg_id"].is_null()
        });
        own.cloned().expect("he said something")
    };
    let (kept, lost) = (own(log), own(whole));
    let sent = zhang.does("message.send", again(&kept)).await;
    assert_eq!(sent["message"], kept);
    let sent = zhang.does("message.send", again(&lost)).await;
    assert_eq!(sent["seq"], head + 1);
    assert_eq!(zhang.log(group).await.len() as u64, head + 1);
}

#[tokio::test]
async fn plat_i15_a_file_that_is_no_whole_backup_is_refused_before_anything_is_touched() {
    let mut process = Process::start().await;
    let zhang = process.company("超客").await.admin("张三").await;
    let li = zhang.adds("李四").await;
    zhang.writes(&li, "你好").await;
    process.terminate().await;
    let keep = tempfile::tempdir().unwrap();
    let (file, bad) = (keep.path().join("backup"), keep.path().join("bad"));
    // Nobody serves: the command opens the folder itself.
    let data = text(process.folder());
    let said = says(&["backup", text(&file), "--data", data]).await;
    assert!(said.ok, "{said:?}");
    let again = says(&["backup", text(&file), "--data", data]).await;
    assert!(
        !again.ok && again.err.contains("is there already"),
        "{again:?}"
    );
    let whole = std::fs::read(&file).unwrap();
    let mut changed = whole.clone();
    changed[whole.len() / 2] ^= 1;
    let mut newer = whole.clone();
    newer[11] = 2;
    let new = keep.path().join("new");
    for (bytes, says_so) in [
        (&whole[..whole.len() - 100], "is cut short"),
        (&changed[..], "its checksum does not fit"),
        (&newer[..], "has format 2, this version reads up to 1"),
        (&b"a letter to somebody"[..], "this is no backup"),
    ] {
        std::fs::write(&bad, bytes).unwrap();
        let said = restores(&bad, &new).await;
        assert!(!said.ok && said.err.contains(says_so), "{said:?}");
        assert_eq!(said.err.trim_end().lines().count(), 1, "one sentence");
        assert!(!new.exists(), "nothing is touched");
    }
    let used = restores(&file, process.folder()).await;
    assert!(
        !used.ok && used.err.contains("into a new folder only"),
        "{used:?}"
    );
    process.start_again().await;
    let found = zhang
        .http("directory.search", json!({"query": "李四"}))
        .await;
    assert_eq!(
        found.ok()["items"].as_array().unwrap().len(),
        1,
        "it serves as before"
    );
    let other = keep.path().join("other");
    let none = says(&["backup", text(&other), "--data", text(&new)]).await;
    assert!(
        !none.ok && none.err.contains("there is no store in"),
        "{none:?}"
    );
    assert!(!other.exists());
}

#[tokio::test]
async fn plat_i15_a_backup_in_the_middle_of_which_the_server_dies_leaves_no_file() {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/format-1.backup");
    let whole = std::fs::read(whole).unwrap();
    let (folder, keep) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // In the place of a server, so that it dies at the same byte each time.
    let listener = UnixListener::bind(folder.path().join("admin.sock")).unwrap();
    let dying = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = String::new();
        let mut reader = BufReader::new(&mut stream);
        reader.read_line(&mut asked).await.unwrap();
        let half = [&b"{\"done\":null}\n"[..], &whole[..whole.len() / 2]].concat();
        stream.write_all(&half).await.unwrap();
        asked
    });
    let file = keep.path().join("backup");
    let said = says(&["backup", text(&file), "--data", text(folder.path())]).await;
    assert_eq!(dying.await.unwrap(), "{\"do\":\"backup\"}\n");
    assert!(!said.ok && said.err.contains("cut short"), "{said:?}");
    assert_eq!(std::fs::read_dir(keep.path()).unwrap().count(), 0);
}
