//! What is derived from the table of methods: `OpenAPI`, the manual of methods and events, the client's
//! types; and from the definitions of the flags: the manual of settings, the example of a configuration file.
//! The files are committed; a test proves them fresh (`UPDATE=1 cargo test` writes them anew).

mod manual;
mod openapi;
mod settings;
mod typescript;

use std::collections::BTreeMap;

use chat_core::api::registry::Method;
use chat_core::api::{ApiError, Registry, schema};
use serde_json::{Map, Value, json};

/// The schemas of everything in the table.
pub(crate) struct Schemas {
    /// `<section>.<verb>` → its parameters and its result.
    methods: BTreeMap<String, (Value, Value)>,
    /// Event → its data.
    events: BTreeMap<&'static str, Value>,
    /// Every named type.
    types: Map<String, Value>,
}

impl Schemas {
    fn of(api: &Registry) -> Self {
        let mut generator = schema::generator();
        let methods: BTreeMap<_, _> = api
            .methods()
            .map(|method| {
                let pair = (
                    (method.params)(&mut generator).to_value(),
                    (method.result)(&mut generator).to_value(),
                );
                (method.name.clone(), pair)
            })
            .collect();
        let events = api
            .events()
            .map(|event| (event.name, (event.data)(&mut generator).to_value()))
            .collect();
        schema::of::<ApiError>(&mut generator);
        let mut schemas = Self {
            methods,
            events,
            types: generator.take_definitions(false),
        };
        schemas.types.values_mut().for_each(without_null);
        schemas.name_params_after_methods();
        schemas
    }

    /// `List` says nothing beside forty other lists: parameters are named after their method.
    fn name_params_after_methods(&mut self) {
        let mut names = BTreeMap::new();
        for (method, (params, _)) in &self.methods {
            let Some(name) = reference(params) else {
                continue;
            };
            let users = self
                .methods
                .values()
                .filter(|(other, _)| other == params)
                .count();
            if users == 1 {
                names.insert(name.to_owned(), format!("{}Params", pascal(method)));
            }
        }
        let types = std::mem::take(&mut self.types);
        self.types = types
            .into_iter()
            .map(|(name, mut schema)| {
                rename(&mut schema, &names);
                (names.get(&name).cloned().unwrap_or(name), schema)
            })
            .collect();
        let pairs = self
            .methods
            .values_mut()
            .flat_map(|(params, result)| [params, result]);
        pairs
            .chain(self.events.values_mut())
            .for_each(|schema| rename(schema, &names));
    }
}

/// The name of the type that a schema refers to.
pub(crate) fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

/// What is absent is left out, never null; schemars writes `Option` as "or null".
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(kinds)) = map.get_mut("type") {
                kinds.retain(|kind| kind != "null");
                if let [kind] = kinds.as_slice() {
                    let kind = kind.clone();
                    map.insert("type".into(), kind);
                }
            }
            if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
                if let [Value::Object(choice)] = choices.as_slice() {
                    let choice = choice.clone();
                    map.remove("anyOf");
                    map.extend(choice);
                }
            }
            map.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

fn rename(schema: &mut Value, names: &BTreeMap<String, String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get_mut("$ref") {
                let new = target.rsplit('/').next().and_then(|name| names.get(name));
                if let Some(new) = new {
                    *target = format!("#/components/schemas/{new}");
                }
            }
            map.values_mut().for_each(|value| rename(value, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| rename(value, names)),
        _ => {}
    }
}

/// `conversation.open_direct` → `ConversationOpenDirect`.
pub(crate) fn pascal(name: &str) -> String {
    let words = name.split(['.', '_']);
    words
        .map(|word| word[..1].to_uppercase() + &word[1..])
        .collect()
}

/// The file of the repository and its content, for everything that is derived.
/// `examples` is the content of `docs/examples/calls.json`: method → a call that a test makes, with its answer.
pub fn files(api: &Registry, examples: &Value) -> Vec<(&'static str, String)> {
    let schemas = Schemas::of(api);
    vec![
        (
            "docs/openapi.json",
            openapi::document(api, &schemas, examples),
        ),
        ("docs/methods.md", manual::methods(api, &schemas, examples)),
        ("docs/events.md", manual::events(api, &schemas)),
        (
            "gateway/web/src/core/api.gen.ts",
            typescript::types(api, &schemas),
        ),
        ("docs/config.md", settings::manual()),
        ("docs/chaoke.example.toml", settings::example()),
    ]
}

/// A method's access as the documents name it.
pub(crate) fn access(method: &Method) -> String {
    json!(method.access).as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::registry;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "UPDATE=1 is how a person refreshes the files"
    )]
    fn generated_files_are_fresh() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut stale = vec![];
        let examples = std::fs::read_to_string(root.join("docs/examples/calls.json")).unwrap();
        let examples = serde_json::from_str(&examples).unwrap();
        for (path, content) in files(&registry(), &examples) {
            let file = root.join(path);
            if std::fs::read_to_string(&file).is_ok_and(|old| old == content) {
                continue;
            }
            if std::env::var("UPDATE").is_ok() {
                std::fs::write(&file, content).unwrap();
            } else {
                stale.push(path);
            }
        }
        assert!(
            stale.is_empty(),
            "not fresh: {stale:?}; run UPDATE=1 cargo test -p gateway generated"
        );
    }

    #[test]
    fn no_two_types_share_a_name() {
        let schemas = Schemas::of(&registry());
        let numbered: Vec<_> = schemas
            .types
            .keys()
            .filter(|name| name.ends_with(|char: char| char.is_ascii_digit()))
            .collect();
        assert!(numbered.is_empty(), "{numbered:?}");
    }
}
