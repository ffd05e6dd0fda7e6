//! The main job, told in ten lines.

use world::{Process, World};

#[tokio::test]
async fn im_01_two_colleagues_talk() {
    let world = World::start().await;
    let zhang = world.company("超客").admin("张三").await;
    let li = zhang.adds("李四").await;
    zhang.writes(&li, "你好").await;
    li.sees("你好").await;
    li.writes(&zhang, "在呢").await;
    zhang.sees("在呢").await;
}

#[tokio::test]
async fn im_01_two_colleagues_talk_through_the_real_binary() {
    let process = Process::start().await;
    let zhang = process.company("超客").await.admin("张三").await;
    let li = zhang.adds("李四").await;
    zhang.writes(&li, "你好").await;
    li.sees("你好").await;
}
