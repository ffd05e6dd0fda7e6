//! The client's types: one interface per named type, one map of methods, one of events.

use std::fmt::Write as _;

use chat_core::api::Registry;
use serde_json::{Map, Value};

use super::{Schemas, reference};

pub(super) fn types(api: &Registry, schemas: &Schemas) -> String {
    let mut out = String::from(
        "// Derived from the server's table of methods. Refresh with: UPDATE=1 cargo test -p gateway generated\n\n",
    );
    for (name, schema) in &schemas.types {
        comment(&mut out, schema, "");
        let _ = match schema.get("properties") {
            Some(_) if schema.get("oneOf").is_none() => {
                writeln!(out, "export interface {name} {}\n", typed(schema, ""))
            }
            _ => writeln!(out, "export type {name} = {};\n", typed(schema, "")),
        };
    }
    out.push_str(
        "/** Every method: what it takes and what it answers. */\nexport interface Methods {\n",
    );
    for method in api.methods() {
        let (params, result) = &schemas.methods[&method.name];
        let _ = writeln!(out, "  /** {} */", method.summary);
        let _ = writeln!(
            out,
            "  \"{}\": {{ params: {}; result: {} }};",
            method.name,
            typed(params, "  "),
            typed(result, "  ")
        );
    }
    out.push_str("}\n\n/** Every event that is pushed: its data. */\nexport interface Events {\n");
    for event in api.events() {
        let _ = writeln!(out, "  /** {} */", event.summary);
        let _ = writeln!(
            out,
            "  \"{}\": {};",
            event.name,
            typed(&schemas.events[event.name], "  ")
        );
    }
    out.push_str("}\n");
    out
}

fn comment(out: &mut String, schema: &Value, indent: &str) {
    if let Some(text) = schema.get("description").and_then(Value::as_str) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(out, "{indent}/** {text} */");
    }
}

fn typed(schema: &Value, indent: &str) -> String {
    if let Some(name) = reference(schema) {
        return name.to_owned();
    }
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join(" | ");
    }
    if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
        return all
            .iter()
            .map(|part| typed(part, indent))
            .collect::<Vec<_>>()
            .join(" & ");
    }
    if let Some(any) = schema
        .get("oneOf")
        .or_else(|| schema.get("anyOf"))
        .and_then(Value::as_array)
    {
        return any
            .iter()
            .map(|part| typed(part, indent))
            .collect::<Vec<_>>()
            .join(" | ");
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => "string".to_owned(),
        Some("integer" | "number") => "number".to_owned(),
        Some("boolean") => "boolean".to_owned(),
        Some("array") => array(schema, indent),
        Some("object") => object(schema, indent),
        _ => "unknown".to_owned(),
    }
}

fn array(schema: &Value, indent: &str) -> String {
    let item = schema
        .get("items")
        .map_or_else(|| "unknown".to_owned(), |item| typed(item, indent));
    if item.contains(' ') {
        format!("({item})[]")
    } else {
        format!("{item}[]")
    }
}

fn object(schema: &Value, indent: &str) -> String {
    let Some(properties) = schema
        .get("properties")
        .and_then(Value::as_object)
        .filter(|all| !all.is_empty())
    else {
        return match schema
            .get("additionalProperties")
            .filter(|more| more.is_object())
            .or_else(|| pattern(schema))
        {
            Some(value @ Value::Object(_)) => format!("Record<string, {}>", typed(value, indent)),
            _ => "Record<string, never>".to_owned(),
        };
    };
    let required = |name: &str| {
        schema
            .get("required")
            .and_then(Value::as_array)
            .is_some_and(|all| all.iter().any(|one| one == name))
    };
    let inner = format!("{indent}  ");
    let mut out = String::from("{\n");
    for (name, property) in properties {
        comment(&mut out, property, &inner);
        let mark = if required(name) { "" } else { "?" };
        let _ = writeln!(out, "{inner}{name}{mark}: {};", typed(property, &inner));
    }
    let _ = write!(out, "{indent}}}");
    out
}

/// The values of a map whose keys are ids.
fn pattern(schema: &Value) -> Option<&Value> {
    schema
        .get("patternProperties")
        .and_then(Value::as_object)
        .and_then(|map: &Map<String, Value>| map.values().next())
}
