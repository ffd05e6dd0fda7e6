//! The settings: `docs/config.md` and `docs/chaoke.example.toml`, from the definitions of the flags.

use std::fmt::Write as _;

use crate::config::{Kind, Setting, table};

const HEAD: &str = include_str!("settings_head.md");
/// Where settings without a section of their own stand.
const GENERAL: &str = "The server";
const EXAMPLE_HEAD: &str = "\
# All settings of chaoke, each with its default or an example. Take the `#` away from what you change, and start
# with `chaoke serve --config FILE`; `chaoke config check --config FILE` tells what is wrong.
# What each one means in detail: docs/config.md
";

pub(super) fn manual() -> String {
    let mut out = HEAD.to_owned();
    for (heading, settings) in sections() {
        let _ = writeln!(out, "\n## {heading}\n");
        out.push_str("| Flag | Environment | Default | |\n|---|---|---|---|\n");
        for setting in settings {
            let value = match setting.kind() {
                Kind::Switch => String::new(),
                // The bar between choices would end the cell.
                _ => format!(" {}", value(&setting).replace('|', "\\|")),
            };
            let default = setting.default().map(|value| format!("`{value}`"));
            let _ = writeln!(
                out,
                "| `--{}{value}` | `{}` | {} | {} |",
                setting.key(),
                setting.env(),
                default.unwrap_or_default(),
                sentence(&setting.help())
            );
        }
    }
    out
}

pub(super) fn example() -> String {
    let mut out = EXAMPLE_HEAD.to_owned();
    for (heading, settings) in sections() {
        let _ = writeln!(out, "\n# ---- {heading}");
        for setting in settings {
            let (key, shown) = (setting.key(), value(&setting));
            let shown = setting.default().unwrap_or(shown);
            let line = match setting.kind() {
                Kind::Switch => format!("{key} = true"),
                Kind::Number => format!("{key} = {shown}"),
                Kind::List => format!("{key} = [\"{shown}\"]"),
                Kind::Text => format!("{key} = \"{shown}\""),
            };
            let _ = writeln!(out, "\n# {}\n# {line}", sentence(&setting.help()));
        }
    }
    out
}

/// The settings by section, in the order of the help.
fn sections() -> Vec<(String, Vec<Setting>)> {
    let mut sections: Vec<(String, Vec<Setting>)> = Vec::new();
    for setting in table().into_iter().filter(|setting| !setting.is_hidden()) {
        let heading = setting.heading().unwrap_or(GENERAL).to_owned();
        match sections.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, settings)) => settings.push(setting),
            None => sections.push((heading, vec![setting])),
        }
    }
    sections
}

fn value(setting: &Setting) -> String {
    let choices = setting.choices();
    if choices.is_empty() {
        setting.value_name()
    } else {
        choices.join("|")
    }
}

fn sentence(help: &str) -> String {
    if help.ends_with('.') {
        help.to_owned()
    } else {
        format!("{help}.")
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// Where a setting has no default the example shows the name of its value.
    #[test]
    fn each_line_of_the_example_with_a_default_can_be_read() {
        let example = example();
        let lines: Vec<&str> = example
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .filter(|line| line.contains(" = "))
            .collect();
        let shown = table()
            .iter()
            .filter(|setting| !setting.is_hidden())
            .count();
        assert_eq!(lines.len(), shown, "{lines:?}");
        let folder = std::env::temp_dir().join(format!("chaoke-example-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file: PathBuf = folder.join("chaoke.toml");
        let with_default = |line: &&&str| {
            table().iter().any(|setting| {
                line.starts_with(&format!("{} = ", setting.key())) && setting.default().is_some()
            })
        };
        for line in lines.iter().filter(with_default) {
            std::fs::write(&file, line).unwrap();
            let arguments = ["chaoke", "serve", "--config"].map(Into::into);
            let read = crate::config::read(arguments.into_iter().chain([file.clone().into()]));
            // A setting that needs another one is understood, and refused for that.
            if let Err(refused) = read {
                assert!(
                    format!("{refused:?}").contains(" needs --"),
                    "{line}: {refused:?}"
                );
            }
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
