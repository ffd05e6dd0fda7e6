//! `chaoke config check`: what a start would run with, as a configuration file that says where each value
//! comes from. Defaults stand in comments: some settings mean nothing unless another one is given too.

use std::fmt::Write as _;

use super::layers::{Effective, Source};
use super::setting::Kind;

/// The settings, one a line.
#[must_use]
pub fn print(settings: &[Effective]) -> String {
    let mut out = String::new();
    for one in settings {
        let _ = writeln!(out, "{}  # {}", assignment(one), source(one));
    }
    out
}

fn assignment(one: &Effective) -> String {
    let key = one.setting.key();
    if one.values.is_empty() {
        return format!("# {key} is not set");
    }
    let text = |value: &String| {
        if one.setting.is_secret() {
            "\"***\"".to_owned()
        } else {
            toml_edit::Value::from(value.as_str()).to_string()
        }
    };
    let values: Vec<String> = one.values.iter().map(text).collect();
    let begin = if one.source == Source::Default {
        "# "
    } else {
        ""
    };
    match one.setting.kind() {
        Kind::Switch | Kind::Number => format!("{begin}{key} = {}", one.values[0]),
        Kind::List => format!("{begin}{key} = [{}]", values.join(", ")),
        Kind::Text => format!("{begin}{key} = {}", values[0]),
    }
}

fn source(one: &Effective) -> String {
    match &one.source {
        Source::Flag => format!("flag --{}", one.setting.key()),
        Source::Environment(variable) => format!("environment {variable}"),
        Source::Named { variable, file } => {
            format!("file {}, named by {variable}", file.display())
        }
        Source::Line { file, line } => format!("{}:{line}", file.display()),
        Source::Default => "default".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::*;
    use crate::config::setting;

    #[test]
    fn a_secret_is_masked() {
        let secret = Arg::new("token")
            .long("token")
            .env("CHAOKE_TOKEN_OF_A_TEST")
            .hide_env_values(true);
        let mut found = setting::of(&Command::new("one").arg(secret));
        let one = Effective {
            setting: found.remove(0),
            values: vec!["open sesame".to_owned()],
            source: Source::Flag,
        };
        assert_eq!(print(&[one]), "token = \"***\"  # flag --token\n");
    }
}
