//! The manual's examples are true: each is a call of its method with the sample of the loops, in a company
//! whose clock stands and whose ids are the same each time, and what the server answers to it.
//! `UPDATE=1 cargo test -p tests examples` writes them anew; the manual takes them from there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chat_core::api::registry::Access;
use serde_json::{Value, json};
use world::{Codec, Refusal, Setup};

use crate::covered::update_wanted;
use crate::samples::Scene;
use crate::table::methods;

/// Calls the method as the one who may.
async fn call(
    scene: &Scene,
    method: &str,
    access: Access,
    params: Value,
) -> Result<Value, Refusal> {
    let wire = scene.world.wire();
    match (method, access) {
        ("connection.open", _) => wire.socket(Codec::Json).await.call(method, params).await,
        ("connection.renew" | "presence.watch", _) => scene.member.tries(method, params).await,
        (_, Access::Public) => wire.http(method, params).await.outcome(),
        (_, Access::Admin) => scene.admin.http(method, params).await.outcome(),
        _ => scene.member.http(method, params).await.outcome(),
    }
}

async fn example(method: &str, access: Access) -> Value {
    let setup = Setup::memory().clock_by_hand();
    let scene = Scene::of(setup).await;
    let params = scene.sample(method);
    let result = if method == "setup.complete" {
        // Once a server: the company of the scene is there, so it takes a server without one.
        let world = setup.start().await;
        world.wire().http(method, params.clone()).await.outcome()
    } else {
        call(&scene, method, access, params.clone()).await
    };
    let result =
        result.unwrap_or_else(|refusal| panic!("{method} refuses its sample: {refusal:?}"));
    let mut example = json!({"params": params, "result": result});
    // A store draws this itself when it is made.
    if let Some(incarnation) = example.pointer_mut("/result/incarnation") {
        *incarnation = "3577608382654798539".into();
    }
    // Where in the log of all commits it stands: what the server writes in the background comes between.
    for letter in ["/params/letter_id", "/result/items/0/letter_id"] {
        if let Some(id) = example.pointer_mut(letter) {
            *id = "1072.0.space:0".into();
        }
    }
    // Who is still there is decided in the background, and so is where the last commit stands.
    if method == "admin.overview.get" {
        example["result"]["online"] = 3.into();
        example["result"]["sockets"] = 3.into();
        example["result"]["journals"][0]["position"] = 1_098.into();
    }
    if let Some(id) = example.pointer_mut("/result/items/0/entry_id") {
        *id = "1767571200000.1072.1".into();
    }
    example
}

#[tokio::test]
async fn each_method_takes_its_sample_and_answers_as_the_manual_shows() {
    let mut examples = BTreeMap::new();
    for (method, access) in methods() {
        let example = example(&method, access).await;
        examples.insert(method, example);
    }
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/calls.json");
    let written = serde_json::to_string_pretty(&examples).expect("JSON") + "\n";
    if update_wanted() {
        std::fs::write(&file, &written).expect("the file is written");
    }
    let committed: BTreeMap<String, Value> =
        serde_json::from_str(&std::fs::read_to_string(&file).expect("the file is there"))
            .expect("JSON");
    for (method, example) in &examples {
        assert_eq!(
            committed.get(method),
            Some(example),
            "{method}: UPDATE=1 cargo test -p tests examples, then the generated files of gateway"
        );
    }
    assert_eq!(
        committed.len(),
        examples.len(),
        "examples of methods that are gone"
    );
}
