//! The configuration file: flat TOML whose keys are the settings. Whatever is wrong with a line is told with the
//! file, the line and what to write instead.

use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item, Value};

use super::setting::{Kind, Setting};

/// Names that differ in more than this share of their letters are no slips of the pen.
const NEAR: f64 = 0.7;

/// A line that gives a setting its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The setting.
    pub(super) key: String,
    /// As the flag would be given; several for a list.
    pub(super) values: Vec<String>,
    /// From 1.
    pub(super) line: usize,
}

/// Reads a file.
///
/// # Errors
/// A sentence that begins with the file and the line.
pub(super) fn read(path: &Path, table: &[Setting]) -> Result<Vec<Entry>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!(
            "the configuration {} can't be read: {error}",
            path.display()
        )
    })?;
    parse(&text, table).map_err(|(line, why)| format!("{}:{line}: {why}", path.display()))
}

/// What is wrong, with the line it stands in.
type Wrong = (usize, String);

fn parse(text: &str, table: &[Setting]) -> Result<Vec<Entry>, Wrong> {
    let line = |span: Option<Range<usize>>| line_of(text, span);
    let document = Document::parse(text).map_err(|error| {
        let why = error.message().trim().replace('\n', "; ");
        (line(error.span()), format!("this is not TOML: {why}"))
    })?;
    let mut entries = Vec::new();
    for (name, item) in document.as_table() {
        let at = document.as_table().key(name).and_then(|key| key.span());
        let line = line(at.or_else(|| item.span()));
        let read = entry(name, item, table).map_err(|why| (line, why))?;
        entries.push(Entry {
            key: name.to_owned(),
            values: read,
            line,
        });
    }
    Ok(entries)
}

fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let end = span.map_or(0, |span| span.start).min(text.len());
    text.as_bytes()[..end]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1
}

fn entry(name: &str, item: &Item, table: &[Setting]) -> Result<Vec<String>, String> {
    if item.is_table() || item.is_array_of_tables() {
        return Err(format!(
            "there are no sections: write the settings without [{name}]"
        ));
    }
    let Some(setting) = table.iter().find(|setting| setting.key() == name) else {
        return Err(unknown(name, table));
    };
    let values = written(setting, item).ok_or_else(|| {
        format!(
            "{name} is {}, write {}",
            expected(setting.kind()),
            example(setting)
        )
    })?;
    for value in &values {
        setting.accepts(value).map_err(|why| {
            let shown = if setting.is_secret() {
                "its value"
            } else {
                value
            };
            format!("{name}: {shown:?} can't be meant: {why}")
        })?;
    }
    Ok(values)
}

fn unknown(name: &str, table: &[Setting]) -> String {
    let meant = nearest(name, table.iter().map(Setting::key));
    match meant {
        Some(meant) => format!("there is no setting {name}; did you mean {meant}?"),
        None => {
            format!("there is no setting {name}; `chaoke config check` prints all that there are")
        }
    }
}

/// The known name that somebody may have meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase().replace('_', "-");
    let near = known.map(|key| (strsim::normalized_damerau_levenshtein(&name, key), key));
    let best = near.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (best.0 >= NEAR).then_some(best.1)
}

/// The values as flags would be given; nothing if they are of another type.
fn written(setting: &Setting, item: &Item) -> Option<Vec<String>> {
    let value = item.as_value()?;
    match (setting.kind(), value) {
        (Kind::Switch, Value::Boolean(on)) => Some(vec![on.value().to_string()]),
        (Kind::Number, Value::Integer(number)) => Some(vec![number.value().to_string()]),
        (Kind::Text | Kind::List, Value::String(text)) => Some(vec![text.value().clone()]),
        (Kind::List, Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}

const fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Switch => "either true or false",
        Kind::Number => "a whole number",
        Kind::List => "a list of texts",
        Kind::Text => "a text",
    }
}

/// A line that would do.
fn example(setting: &Setting) -> String {
    let key = setting.key();
    let name = setting.default().unwrap_or_else(|| setting.value_name());
    match setting.kind() {
        Kind::Switch => format!("{key} = true"),
        Kind::Number => format!("{key} = {}", setting.default().unwrap_or("1".to_owned())),
        Kind::List => format!("{key} = [\"{name}\"]"),
        Kind::Text => format!("{key} = \"{name}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table;

    fn wrong(text: &str) -> String {
        let (line, why) = parse(text, &table()).expect_err("it is wrong");
        format!("{line}: {why}")
    }

    #[test]
    fn each_kind_of_value_is_read() {
        let text = "# ours\nlisten = \"0.0.0.0:80\"\ncql-replicas = 5\ncql-few-replicas = true\n\
                    origin = [\"https://a.example\", \"https://b.example\"]\ncql = \"one:9042,two:9042\"\n";
        let read = parse(text, &table()).expect("it is right");
        let read: Vec<_> = read
            .iter()
            .map(|entry| (entry.line, entry.key.as_str(), entry.values.join(" ")))
            .collect();
        assert_eq!(
            read,
            [
                (2, "listen", "0.0.0.0:80".to_owned()),
                (3, "cql-replicas", "5".to_owned()),
                (4, "cql-few-replicas", "true".to_owned()),
                (
                    5,
                    "origin",
                    "https://a.example https://b.example".to_owned()
                ),
                (6, "cql", "one:9042,two:9042".to_owned()),
            ]
        );
    }

    #[test]
    fn a_wrong_line_is_told_with_what_to_write_instead() {
        for (text, says) in [
            (
                "\nlisten = 8080\n",
                "2: listen is a text, write listen = \"127.0.0.1:8080\"",
            ),
            (
                "listen = \"here\"",
                "1: listen: \"here\" can't be meant: invalid socket address syntax",
            ),
            (
                "lisen = \"0.0.0.0:80\"",
                "1: there is no setting lisen; did you mean listen?",
            ),
            (
                "cql_keyspace = \"a\"",
                "1: there is no setting cql_keyspace; did you mean cql-keyspace?",
            ),
            (
                "colour = \"red\"",
                "1: there is no setting colour; `chaoke config check` prints all",
            ),
            (
                "\n\n[server]\nlisten = \"a\"",
                "3: there are no sections: write the settings without [server]",
            ),
            (
                "cql-replicas = \"3\"",
                "1: cql-replicas is a whole number, write cql-replicas = 3",
            ),
            (
                "cql-replicas = -1",
                "1: cql-replicas: \"-1\" can't be meant: ",
            ),
            (
                "cql-few-replicas = 1",
                "1: cql-few-replicas is either true or false",
            ),
            (
                "origin = [1]",
                "1: origin is a list of texts, write origin = [\"ORIGIN\"]",
            ),
            ("data = \"a\"\ndata = \"b\"", "2: this is not TOML: "),
            ("data = \"a", "1: this is not TOML: "),
        ] {
            let said = wrong(text);
            assert!(said.starts_with(says), "{text:?}: {said}");
        }
    }
}
