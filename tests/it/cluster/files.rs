//! Files in a cluster: any server takes a part, any gives the file out; without a folder that all see, none does.

use serde_json::json;
use world::{Codec, Opening, Process};

use super::nodes::flags;

#[tokio::test]
async fn plat_i12_a_file_comes_in_by_two_servers_and_is_read_at_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let with_files = |name| {
        let mut flags = flags("cluster_files", name, None);
        let files = folder.path().join("files").display().to_string();
        flags.extend(["--files".to_owned(), files]);
        flags
    };
    let first = Process::start_with(&with_files("one")).await;
    let zhang = first.company("超客").await.admin("张三").await;
    let li = zhang.adds("李四").await;
    let second = Process::start_with(&with_files("two")).await;
    let there = li.at(second.wire());
    li.goes();
    there.comes(Opening::fresh().over(Codec::Msgpack)).await;
    let elsewhere = zhang.at(second.wire());
    let upload = zhang.begins_upload("报价.bin", 8).await;
    zhang.puts(&upload, 0, b"half").await.ok();
    assert_eq!(elsewhere.asks_offset(&upload).await, (200, "4".to_owned()));
    elsewhere.puts(&upload, 4, b"half").await.ok();
    let finish = json!({"upload_id": upload});
    let file = zhang.http("file.finish", finish).await.ok();
    let chat = zhang.gathers(&[&li], "项目组").await;
    zhang.sends_file(&chat, &file).await;
    let link = there.link(&chat, &file).await.expect("it was sent to him");
    for person in [&there, &zhang] {
        assert_eq!(person.fetches(&link, &[]).await.bytes, b"halfhalf");
    }
    // One more, whom nobody told where files lie.
    let third = Process::start_with(&flags("cluster_files", "three", None)).await;
    let lost = zhang.at(third.wire());
    let begin = json!({"name": "a.txt", "size": 1, "purpose": "message"});
    let refusal = lost.http("file.begin", begin).await.refusal();
    assert_eq!(refusal.kind(), ("unavailable", "files_not_configured"));
    let unread = lost.fetches(&link, &[]).await;
    assert_eq!(unread.status, 503);
}
