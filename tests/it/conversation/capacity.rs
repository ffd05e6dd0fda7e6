//! A person has so many conversations and no more; here two, in service 10,000.

use serde_json::json;
use world::{Codec, Opening, Setup, fresh_id};

#[tokio::test]
async fn a_person_with_as_many_conversations_as_allowed_begins_and_joins_no_other_in_both_codecs() {
    let world = Setup::memory().conversations_per_user(2).start().await;
    let zhang = world.company("超客").admin("张三").await;
    let (li, wang) = (zhang.adds("李四").await, zhang.adds("王五").await);
    zhang.writes(&li, "你好").await;
    let group = zhang.gathers(&[&li], "项目组").await;
    let others = wang.gathers(&[&zhang.adds("赵六").await], "别的组").await;
    let chat = wang.direct(&li).await;
    for codec in Codec::BOTH {
        let device = |person: world::Person| async move {
            person.opens(Opening::fresh().over(codec)).await.unwrap()
        };
        let refused = [
            (
                zhang.clone(),
                "conversation.create_discussion",
                json!({"user_ids": [wang.id, li.id]}),
            ),
            (
                wang.clone(),
                "conversation.create_discussion",
                json!({"user_ids": [zhang.id, li.id]}),
            ),
            (
                wang.clone(),
                "conversation.add_members",
                json!({"conversation_id": others, "user_ids": [li.id]}),
            ),
            (
                wang.clone(),
                "message.send",
                json!({"conversation_id": chat, "peer_id": li.id, "client_msg_id": fresh_id("m"), "text": "在吗"}),
            ),
        ];
        for (person, method, params) in refused {
            let refusal = device(person).await.call(method, params).await.unwrap_err();
            assert_eq!(
                refusal.kind(),
                ("invalid", "too_many_conversations"),
                "{method}"
            );
        }
    }
    assert_eq!(li.list().await.len(), 2);
    li.does("conversation.leave", json!({"conversation_id": group}))
        .await;
    wang.writes(&li, "在吗").await;
    li.sees("在吗").await;
}
