//! Files and pictures in conversations: how they come in, who may read them, what is refused.

use std::time::Duration;

use serde_json::{Value, json};
use world::{Person, Setup, World, fresh_id};

const PART: usize = 4 << 20;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Bytes that differ everywhere, so that nothing can be at the wrong place unnoticed.
fn bytes(count: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..count).map(next).collect()
}

/// The beginning of a PNG of this size; what follows is nobody's business here.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend(width.to_be_bytes());
    png.extend(height.to_be_bytes());
    png.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
    png
}

struct Three {
    world: World,
    zhang: Person,
    li: Person,
    stranger: Person,
    group: String,
}

async fn three(setup: Setup) -> Three {
    let world = setup.start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, stranger) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let group = zhang.gathers(&[&li], "项目组").await;
    Three {
        world,
        zhang,
        li,
        stranger,
        group,
    }
}

#[tokio::test]
async fn plat_i12_a_file_goes_from_one_to_another_byte_by_byte_and_survives_a_restart() {
    let Three {
        world,
        zhang,
        li,
        group,
        ..
    } = three(Setup::embedded()).await;
    let whole = bytes(PART + 70_001);
    let upload = zhang.begins_upload("报价 一.bin", whole.len()).await;
    assert_eq!(
        zhang.puts(&upload, 0, &whole[..PART]).await.ok(),
        json!({"offset": PART})
    );
    let early = zhang
        .http("file.finish", json!({"upload_id": upload}))
        .await;
    assert_eq!(early.refusal().kind(), ("conflict", "upload_unfinished"));
    let unfinished = json!({"conversation_id": group, "client_msg_id": "m", "file_id": upload});
    let refusal = zhang.is_refused("message.send", unfinished).await;
    assert_eq!(refusal.kind(), ("conflict", "upload_unfinished"));
    // The connection is cut, the server restarts: it knows how far it was.
    world.stop().await;
    world.starts_again().await;
    zhang.goes();
    zhang.comes(world::Opening::fresh()).await;
    li.goes();
    li.comes(world::Opening::fresh()).await;
    assert_eq!(zhang.asks_offset(&upload).await, (200, PART.to_string()));
    let again = zhang.puts(&upload, 0, &whole[..PART]).await;
    assert_eq!((again.status, &again.body["offset"]), (409, &json!(PART)));
    assert_eq!(again.refusal().kind(), ("conflict", "offset_wrong"));
    zhang.puts(&upload, PART, &whole[PART..]).await.ok();
    let finish = json!({"upload_id": upload});
    let file = zhang.http("file.finish", finish.clone()).await.ok();
    assert_eq!(
        file,
        json!({
            "file_id": upload, "name": "报价 一.bin", "size": whole.len(),
            "mime": "application/octet-stream", "kind": "file",
        })
    );
    assert_eq!(zhang.http("file.finish", finish).await.ok(), file);
    let late = zhang.puts(&upload, whole.len(), b"x").await;
    assert_eq!(late.status, 409, "a finished file never changes");

    is_seen(&zhang, &li, &group, &file).await;
    is_read(&li, &group, &file, &whole).await;
}

/// Both see the same message in every place.
async fn is_seen(zhang: &Person, li: &Person, group: &str, file: &Value) {
    let message = zhang.sends_file(group, file).await;
    assert_eq!((&message["kind"], &message["file"]), (&json!("file"), file));
    let pushed = li
        .device()
        .sees_push("the file", |push| {
            push.event == "message.created" && push.data["message"]["kind"] == "file"
        })
        .await;
    assert_eq!(pushed.data["message"], message);
    let row = li.row(group).await.expect("it is listed");
    assert_eq!(row["last"]["file_name"], "报价 一.bin");
    assert_eq!(li.log(group).await.last().unwrap(), &message);
}

/// The bytes come back, in whole and in ranges, in a way that no browser runs.
async fn is_read(li: &Person, group: &str, file: &Value, whole: &[u8]) {
    let link = li.link(group, file).await.expect("he is a member");
    let fetched = li.fetches(&link, &[]).await;
    assert_eq!(fetched.status, 200);
    assert!(fetched.bytes == whole, "other bytes came");
    assert_eq!(
        fetched.header("content-disposition"),
        "attachment; filename*=UTF-8''%E6%8A%A5%E4%BB%B7%20%E4%B8%80.bin"
    );
    assert_eq!(fetched.header("x-content-type-options"), "nosniff");
    assert!(
        fetched
            .header("content-security-policy")
            .starts_with("sandbox")
    );
    for (range, from, to) in [
        (
            format!("bytes={}-{}", PART - 5, PART + 4),
            PART - 5,
            PART + 5,
        ),
        ("bytes=-7".to_owned(), whole.len() - 7, whole.len()),
    ] {
        let part = li.fetches(&link, &[("range", &range)]).await;
        assert_eq!(part.status, 206);
        assert!(part.bytes == whole[from..to], "{range}");
        let told = format!("bytes {from}-{}/{}", to - 1, whole.len());
        assert_eq!(part.header("content-range"), told);
    }
    let beyond = format!("bytes={}-", whole.len());
    let nothing = li.fetches(&link, &[("range", &beyond)]).await;
    assert_eq!(nothing.status, 416);
    let tag = fetched.header("etag").to_owned();
    let known = li.fetches(&link, &[("if-none-match", &tag)]).await;
    assert_eq!((known.status, known.bytes.len()), (304, 0));
}

#[tokio::test]
async fn plat_i12_the_right_to_a_file_is_looked_up_at_each_reading() {
    let Three {
        world,
        zhang,
        li,
        stranger,
        group,
    } = three(Setup::memory().clock_by_hand()).await;
    let file = zhang.uploads("照片.png", &png(512, 256)).await;
    assert_eq!(li.link(&group, &file).await, None, "it was not sent yet");
    zhang.sends_file(&group, &file).await;
    let link = li.link(&group, &file).await.expect("he is a member");
    assert_eq!(li.link(&group, &file).await.as_ref(), Some(&link));
    let shown = li.fetches(&link, &[]).await;
    assert_eq!(
        (shown.status, shown.header("content-type")),
        (200, "image/png")
    );
    assert!(shown.header("content-disposition").starts_with("inline;"));
    let saved = li.fetches(&format!("{link}&d=1"), &[]).await;
    assert!(
        saved
            .header("content-disposition")
            .starts_with("attachment;")
    );

    // Of somebody who is not in it, nothing: neither a link, nor by making one up.
    assert_eq!(stranger.link(&group, &file).await, None);
    let bare = format!("/files/{}", file["file_id"].as_str().unwrap());
    let of_stranger = link.replace(&li.id, &stranger.id);
    let longer = link.replace("&e=1", "&e=2");
    let other_signature = format!("{}0", &link[..link.len() - 1]);
    for path in [
        bare,
        of_stranger,
        longer,
        other_signature,
        format!("{link}x"),
    ] {
        let got = li.fetches(&path, &[]).await;
        let code = serde_json::from_slice::<Value>(&got.bytes).unwrap()["code"].clone();
        assert_eq!((got.status, code), (404, json!("not_found")), "{path}");
    }
    let foreign = stranger
        .asks_offset(file["file_id"].as_str().unwrap())
        .await;
    assert_eq!(foreign.0, 404, "the upload of somebody else");

    // It ends: never sooner than an hour.
    world.passes(Duration::from_secs(60 * 60 - 1));
    assert_eq!(li.fetches(&link, &[]).await.status, 200);
    world.passes(Duration::from_secs(60 * 60 + 1));
    assert_eq!(li.fetches(&link, &[]).await.status, 404);
    for person in [&zhang, &li] {
        person.holds(person.signs_in().await);
    }

    // Removed from the conversation: at once. Back again: not what was before.
    let link = li.link(&group, &file).await.expect("he is a member");
    let whom = json!({"conversation_id": group, "user_id": li.id});
    zhang.does("conversation.remove_member", whom).await;
    assert_eq!(li.fetches(&link, &[]).await.status, 404);
    let back = json!({"conversation_id": group, "user_ids": [li.id]});
    zhang.does("conversation.add_members", back).await;
    assert_eq!(li.fetches(&link, &[]).await.status, 404);
    assert_eq!(li.link(&group, &file).await, None);
    let next = zhang.uploads("照片.png", &png(512, 256)).await;
    zhang.sends_file(&group, &next).await;
    let link = li.link(&group, &next).await.expect("it was sent to him");
    assert_eq!(li.fetches(&link, &[]).await.status, 200);
    // Disabled: at once.
    let left = json!({"user_id": li.id, "reason": "已离职"});
    zhang.does("space.disable_member", left).await;
    assert_eq!(li.fetches(&link, &[]).await.status, 404);
}

#[tokio::test]
async fn im_i08_what_may_not_be_sent_is_refused_before_it_is_kept() {
    let Three {
        world: _world,
        zhang,
        li,
        group,
        ..
    } = three(Setup::memory()).await;
    let begin = |name: &str, size: u64| json!({"name": name, "size": size, "purpose": "message"});
    for (name, size, field, code) in [
        ("病毒.EXE", 10, None, "file_kind_refused"),
        ("a.bin", 0, Some("size"), "file_empty"),
        ("a.bin", 104_857_601, Some("size"), "file_too_large"),
        ("", 10, Some("name"), "required"),
    ] {
        let refusal = zhang.http("file.begin", begin(name, size)).await.refusal();
        assert_eq!(
            (refusal.code.as_str(), refusal.field.as_deref()),
            (code, field),
            "{name}"
        );
    }
    zhang
        .http("file.begin", begin("a.bin", 104_857_600))
        .await
        .ok();
    // A program under another name.
    let upload = zhang.begins_upload("图片.png", 4).await;
    zhang.puts(&upload, 0, b"MZ\0\0").await.ok();
    let finish = json!({"upload_id": upload});
    let refusal = zhang.http("file.finish", finish).await.refusal();
    assert_eq!(refusal.kind(), ("invalid", "file_kind_refused"));
    let program = json!({"conversation_id": group, "client_msg_id": "p", "file_id": upload});
    assert_eq!(
        zhang.is_refused("message.send", program).await.code,
        "upload_unfinished"
    );
    // Parts that can't be meant.
    let upload = zhang.begins_upload("a.bin", 10).await;
    for (offset, part, status, code) in [
        (0, vec![], 400, "part_too_large"),
        (0, vec![0; 11], 400, "part_too_large"),
        (0, vec![0; PART + 1], 400, "part_unread"),
        (3, vec![0; 3], 409, "offset_wrong"),
    ] {
        let answer = zhang.puts(&upload, offset, &part).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.refusal().code, code);
    }
    assert_eq!(
        li.puts(&upload, 0, b"x").await.status,
        404,
        "of somebody else"
    );
    // A picture that claims to be larger than a browser can show is a file like any other.
    let kind = async |file: &[u8]| zhang.uploads("x.png", file).await["kind"].clone();
    assert_eq!(kind(&png(10_000, 5_000)).await, "image");
    assert_eq!(kind(&png(10_001, 5_000)).await, "file");
    let both =
        json!({"conversation_id": group, "client_msg_id": "b", "file_id": upload, "text": "x"});
    assert_eq!(
        zhang.is_refused("message.send", both).await.code,
        "text_or_file"
    );
    assert_eq!(zhang.log(&group).await.len(), 1, "nothing was sent");
}

#[tokio::test]
async fn im_03_a_file_is_sent_once_and_with_one_message() {
    let Three {
        world: _world,
        zhang,
        li,
        group,
        ..
    } = three(Setup::memory()).await;
    let file = zhang.uploads("a.txt", b"hello").await;
    let id = fresh_id("m");
    let send = json!({"conversation_id": group, "client_msg_id": id, "file_id": file["file_id"]});
    let first = zhang.does("message.send", send.clone()).await;
    let second = zhang.does("message.send", send.clone()).await;
    assert_eq!(first["message"], second["message"]);
    let mut other = send.clone();
    other["client_msg_id"] = fresh_id("m").into();
    assert_eq!(
        zhang.is_refused("message.send", other).await.code,
        "file_sent_already"
    );
    assert_eq!(
        li.is_refused("message.send", send).await.kind(),
        ("not_found", "not_found")
    );
    // The first message of a direct chat may be a file.
    let file = zhang.uploads("b.txt", b"hello").await;
    let chat = zhang.direct(&li).await;
    let params = json!({
        "conversation_id": chat, "client_msg_id": fresh_id("m"), "file_id": file["file_id"], "peer_id": li.id,
    });
    zhang.does("message.send", params).await;
    let link = li.link(&chat, &file).await.expect("it was sent to him");
    assert_eq!(li.fetches(&link, &[]).await.bytes, b"hello");
    assert_eq!(li.unread(&chat).await, 1);
}

#[tokio::test]
async fn what_is_not_sent_within_a_day_is_taken_away_and_what_was_sent_stays() {
    let Three {
        world,
        zhang,
        li,
        group,
        ..
    } = three(Setup::embedded().clock_by_hand()).await;
    let unsent = zhang.uploads("a.txt", b"unsent").await;
    let sent = zhang.uploads("b.txt", b"sent").await;
    zhang.sends_file(&group, &sent).await;
    world.passes(DAY);
    let id = unsent["file_id"].as_str().unwrap();
    // Tokens have ended by the clock that was moved.
    for person in [&zhang, &li] {
        person.holds(person.signs_in().await);
    }
    world::eventually("it is gone", async || {
        (zhang.asks_offset(id).await.0 == 404).then_some(())
    })
    .await;
    let late = json!({"conversation_id": group, "client_msg_id": "late", "file_id": id});
    assert_eq!(
        zhang.http("message.send", late).await.refusal().code,
        "not_found"
    );
    let params = json!({"conversation_id": group, "file_ids": [sent["file_id"]]});
    let linked = li.http("file.links", params).await.ok();
    let link = linked["links"][0]["url"].as_str().unwrap();
    assert_eq!(li.fetches(link, &[]).await.bytes, b"sent");
}
