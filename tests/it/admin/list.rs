//! People's lists, made again from the members of each conversation while everybody goes on.

use std::time::Duration;

use serde_json::{Value, json};
use storage::{Home, RowAt, TableId, key};
use world::{Person, World, within};

/// Takes a conversation out of somebody's list behind the server's back.
async fn loses(world: &World, person: &Person, conversation: &str) {
    let store = world.server().node.store.clone();
    let mut t = store.transaction(&Home::new("user", &person.id));
    let id: chat_core::ids::Id = conversation.parse().unwrap();
    t.delete(RowAt {
        table: TableId::new(chat_core::tables::JOINED),
        partition: key::encode(&()),
        key: key::encode(&id),
    });
    t.commit().await.unwrap();
}

/// Has the lists made again and waits for the end; gives what the run came to.
async fn rebuilds(admin: &Person) -> Value {
    let before = admin.does("admin.list.progress", json!({})).await;
    admin.does("admin.list.rebuild", json!({})).await;
    let done = || async {
        let progress = admin.does("admin.list.progress", json!({})).await;
        let over = progress.get("running").is_none() && progress["last"] != before["last"];
        over.then(|| progress["last"].clone())
    };
    within(Duration::from_secs(60), "the lists are made again", done).await
}

#[tokio::test]
async fn an_administrator_has_the_lists_made_again_and_they_show_at_once() {
    let world = World::memory().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    let group = zhang.gathers(&[&li, &wang], "项目组").await;
    zhang.says(&group, "一").await;
    zhang.writes(&li, "你好").await;
    li.sees("你好").await;
    let chat = zhang.direct(&li).await;
    let unread = |row: Option<Value>| row.map(|row| row["unread"].as_i64().unwrap());
    let before = [unread(li.row(&group).await), unread(li.row(&chat).await)];
    assert_eq!(before, [Some(1), Some(1)]);
    assert_eq!(rebuilds(&zhang).await["mended"], 0, "nothing was wrong");
    loses(&world, &li, &group).await;
    loses(&world, &li, &chat).await;
    assert_eq!(li.list().await.len(), 0);
    let run = rebuilds(&zhang).await;
    assert_eq!((&run["mended"], &run["failed"]), (&json!(2), &json!(0)));
    let after = [unread(li.row(&group).await), unread(li.row(&chat).await)];
    assert_eq!(after, before);
    zhang.says(&group, "二").await;
    li.sees("二").await;
    zhang.does("admin.list.cancel", json!({})).await;
    assert_eq!(rebuilds(&zhang).await["mended"], 0);
}
