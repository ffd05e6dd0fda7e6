//! Parameters are read strictly: a map, no null, nothing unknown at any depth, no array where a
//! map is meant. serde alone lets several of these pass (structs accept arrays, `Option` accepts
//! null, `deny_unknown_fields` is not obeyed by unit variants of tagged enums), so the parameters
//! are written out again after reading and the two shapes compared.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::codec::Params;
use super::error::ApiError;

/// Reads `params` as a `P`.
///
/// # Errors
/// `invalid` with the field that is wrong.
pub fn read<P: DeserializeOwned + Serialize>(params: Params) -> Result<P, ApiError> {
    let given = Value::Object(params);
    if let Some(field) = first_null(&given) {
        return Err(wrong(&field));
    }
    let read: P = serde_json::from_value(given.clone()).map_err(|error| named_by(&error))?;
    let written = serde_json::to_value(&read).map_err(|error| named_by(&error))?;
    match first_difference(&given, &written) {
        Some(field) => Err(wrong(&field)),
        None => Ok(read),
    }
}

fn first_null(value: &Value) -> Option<String> {
    match value {
        Value::Object(map) => map.iter().find_map(|(name, value)| match value {
            Value::Null => Some(name.clone()),
            other => first_null(other).map(|_| name.clone()),
        }),
        Value::Array(items) => items.iter().find_map(|item| match item {
            Value::Null => Some(String::new()),
            other => first_null(other),
        }),
        _ => None,
    }
}

/// The first field of `given` that `written` lacks or shapes otherwise.
fn first_difference(given: &Value, written: &Value) -> Option<String> {
    match (given, written) {
        (Value::Object(given), Value::Object(written)) => given.iter().find_map(|(name, value)| {
            let same = written
                .get(name)
                .is_some_and(|other| first_difference(value, other).is_none());
            (!same).then(|| name.clone())
        }),
        (Value::Array(given), Value::Array(written)) if given.len() == written.len() => given
            .iter()
            .zip(written)
            .find_map(|(one, other)| first_difference(one, other)),
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => {
            Some(String::new())
        }
        _ => None,
    }
}

/// serde tells the field only in its sentence: `missing field \`x\``, `unknown field \`x\``.
fn named_by(error: &serde_json::Error) -> ApiError {
    let sentence = error.to_string();
    let field = match sentence.split('`').collect::<Vec<_>>().as_slice() {
        [start, field, ..]
            if start.starts_with("missing field") || start.starts_with("unknown field") =>
        {
            (*field).to_owned()
        }
        _ => String::new(),
    };
    wrong(&field)
}

fn wrong(field: &str) -> ApiError {
    let error = ApiError::new(
        super::Class::Invalid,
        "invalid_params",
        "参数格式不正确",
        "The parameters are not of this method's form",
    );
    if field.is_empty() {
        error
    } else {
        error.at(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Serialize, Deserialize, PartialEq)]
    struct Outer {
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inner: Option<Inner>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<Kind>,
    }

    #[derive(Debug, Serialize, Deserialize, PartialEq)]
    struct Inner {
        seq: u64,
    }

    #[derive(Debug, Serialize, Deserialize, PartialEq)]
    #[serde(tag = "what", rename_all = "snake_case")]
    enum Kind {
        Plain,
    }

    fn outcome(value: Value) -> Result<Outer, Option<String>> {
        let Value::Object(map) = value else {
            panic!("a map")
        };
        read(map).map_err(|error| error.field.clone())
    }

    #[test]
    fn what_serde_would_let_pass_is_refused() {
        let field = |name: &str| Err(Some(name.to_owned()));
        assert_eq!(outcome(json!({"name": "a", "inner": null})), field("inner"));
        assert_eq!(outcome(json!({"name": "a", "inner": [3]})), field("inner"));
        assert_eq!(
            outcome(json!({"name": "a", "inner": {"seq": 3, "more": 1}})),
            field("inner")
        );
        assert_eq!(
            outcome(json!({"name": "a", "kind": {"what": "plain", "more": 1}})),
            field("kind")
        );
        assert_eq!(outcome(json!({"name": "a", "more": 1})), field("more"));
        assert_eq!(outcome(json!({"inner": {"seq": 1}})), field("name"));
        assert_eq!(outcome(json!({"name": 7})), Err(None));
    }

    #[test]
    fn what_fits_is_read() {
        let read =
            outcome(json!({"name": "a", "inner": {"seq": 3}, "kind": {"what": "plain"}})).unwrap();
        assert_eq!(
            read,
            Outer {
                name: "a".into(),
                inner: Some(Inner { seq: 3 }),
                kind: Some(Kind::Plain)
            }
        );
    }
}
