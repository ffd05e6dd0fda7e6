//! The manual: `docs/methods.md` and `docs/events.md`.

use std::fmt::Write as _;

use chat_core::api::{Effectful, Registry};
use serde_json::Value;

use super::{Schemas, access, reference};

const METHODS_HEAD: &str = include_str!("methods_head.md");
const EVENTS_HEAD: &str = include_str!("events_head.md");

pub(super) fn methods(api: &Registry, schemas: &Schemas, examples: &Value) -> String {
    let mut out = METHODS_HEAD.to_owned();
    let mut section = String::new();
    for method in api.methods() {
        let own = method
            .name
            .rsplit_once('.')
            .map_or("", |(section, _)| section);
        if own != section {
            own.clone_into(&mut section);
            let _ = writeln!(out, "\n## {section}");
        }
        let (params, result) = &schemas.methods[&method.name];
        let effect = if method.effectful == Effectful::Write {
            "changes something"
        } else {
            "only reads"
        };
        let audited = if method.audited {
            ", which the audit tells"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "\n### {}\n\n{}. Access: `{}`; {effect}{audited}.\n",
            method.name,
            method.summary,
            access(method)
        );
        fields(&mut out, "Takes", params, schemas);
        fields(&mut out, "Answers", result, schemas);
        let example = &examples[&method.name];
        let _ = writeln!(
            out,
            "```text\n→ {}\n← {}\n```",
            example["params"], example["result"]
        );
    }
    types(&mut out, schemas);
    out
}

pub(super) fn events(api: &Registry, schemas: &Schemas) -> String {
    let mut out = EVENTS_HEAD.to_owned();
    for event in api.events() {
        let _ = writeln!(out, "\n## {}\n\n{}.\n", event.name, event.summary);
        fields(&mut out, "Data", &schemas.events[event.name], schemas);
    }
    out
}

/// The types that others refer to and that are not told where they are used.
fn types(out: &mut String, schemas: &Schemas) {
    out.push_str("\n## Types\n");
    for (name, schema) in &schemas.types {
        if name.ends_with("Params") || name == "Nothing" {
            continue;
        }
        let _ = writeln!(out, "\n### {name}\n");
        if let Some(text) = description(schema) {
            let _ = writeln!(out, "{text}\n");
        }
        table(out, schema);
    }
}

fn fields(out: &mut String, title: &str, schema: &Value, schemas: &Schemas) {
    let Some(name) = reference(schema) else {
        let _ = writeln!(out, "{title}: {}", kind(schema));
        return;
    };
    let target = &schemas.types[name];
    let named = !name.ends_with("Params");
    if name == "Nothing" {
        let _ = writeln!(out, "{title} nothing (`{{}}`).\n");
    } else if named {
        let _ = writeln!(out, "{title} a {}.\n", kind(schema));
    } else {
        let _ = writeln!(out, "{title}:\n");
        table(out, target);
    }
}

fn table(out: &mut String, schema: &Value) {
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
        for choice in choices {
            let text = description(choice).unwrap_or_default();
            let _ = writeln!(out, "- {}: {text}", one_of(choice));
        }
        return;
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
        let _ = writeln!(out, "One of {}.", values.join(", "));
        return;
    }
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        let _ = writeln!(out, "{}", kind(schema));
        return;
    };
    out.push_str("| field | type | |\n|---|---|---|\n");
    for (name, property) in properties {
        let needed = schema
            .get("required")
            .and_then(Value::as_array)
            .is_some_and(|all| all.iter().any(|one| one == name));
        let mark = if needed { "" } else { " (may be absent)" };
        let _ = writeln!(
            out,
            "| `{name}` | {}{mark} | {} |",
            kind(property),
            description(property).unwrap_or_default()
        );
    }
    out.push('\n');
}

/// A choice of an enumeration: a word, or a map that is told apart by one field.
fn one_of(choice: &Value) -> String {
    if let Some(word) = choice.get("const") {
        return format!("`{word}`");
    }
    let Some(properties) = choice.get("properties").and_then(Value::as_object) else {
        return kind(choice);
    };
    let parts = properties
        .iter()
        .map(|(name, property)| match property.get("const") {
            Some(word) => format!("`{name}`: `{word}`"),
            None => format!("`{name}`: {}", kind(property)),
        });
    parts.collect::<Vec<_>>().join(", ")
}

fn description(schema: &Value) -> Option<String> {
    let text = schema.get("description")?.as_str()?;
    Some(
        text.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace('|', "\\|"),
    )
}

fn kind(schema: &Value) -> String {
    if let Some(name) = reference(schema) {
        let at = name.to_lowercase();
        return format!("[{name}](methods.md#{at})");
    }
    if let Some(any) = schema
        .get("anyOf")
        .or_else(|| schema.get("allOf"))
        .and_then(Value::as_array)
    {
        return any.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    match schema.get("type") {
        Some(Value::String(kind_of)) if kind_of == "array" => {
            format!(
                "list of {}",
                schema.get("items").map(kind).unwrap_or_default()
            )
        }
        Some(Value::String(kind_of)) if kind_of == "object" => "map".to_owned(),
        Some(Value::String(kind)) => kind.clone(),
        _ => "value".to_owned(),
    }
}
