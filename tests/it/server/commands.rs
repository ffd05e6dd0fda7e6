//! What the papers tell people to type is there: commands, flags, keys of the configuration file, files of a release.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use world::says;

use crate::tidy::{files, read, root};

/// The papers that tell people what to type.
fn papers() -> Vec<PathBuf> {
    let mut papers = files(&root().join("docs/manual"), &["md"]);
    assert!(papers.len() >= 9, "{papers:?}");
    for one in [
        "README.md",
        "README.zh-CN.md",
        "deploy/README.md",
        "docs/operations.md",
    ] {
        papers.push(root().join(one));
    }
    papers
}

/// The fenced blocks of that kind, each as its lines.
fn blocks(markdown: &str, kind: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut inside: Option<bool> = None;
    for line in markdown.lines() {
        if let Some(fence) = line.trim_start().strip_prefix("```") {
            inside = inside.is_none().then(|| fence == kind);
            if inside == Some(true) {
                found.push(String::new());
            }
        } else if inside == Some(true) {
            let block = found.last_mut().expect("begun");
            block.push_str(line.trim_start());
            block.push('\n');
        }
    }
    found
}

/// Stretches of a line between backticks.
fn spans(markdown: &str) -> Vec<String> {
    let lines = markdown.lines();
    let odd = |line: &str| {
        let parts = line.split('`').map(str::to_owned);
        parts.skip(1).step_by(2).collect::<Vec<_>>()
    };
    lines.flat_map(odd).collect()
}

/// The words after the program, up to what is no longer for it; nothing if the line runs something else.
fn invoked(line: &str) -> Option<Vec<String>> {
    // As somebody else: `runuser -u chaoke -- chaoke status`.
    let line = line.split_once(" -- ").map_or(line, |(_, rest)| rest);
    let mut words = line.split_whitespace();
    let program = words.next()?;
    if program != "chaoke" && !program.ends_with("/chaoke") {
        return None;
    }
    let ends = |word: &&str| !["#", "|", "&&", "&", ";", ">"].contains(word);
    Some(words.take_while(ends).map(str::to_owned).collect())
}

/// The command that is meant, such as `admin reset-password`, and its flags.
fn meant(words: &[String]) -> (String, Vec<String>) {
    let outer = ["admin", "config"];
    let mut command: Vec<&str> = Vec::new();
    for word in words {
        if word.starts_with('-')
            || command.first().is_some_and(|first| !outer.contains(first))
            || command.len() == 2
        {
            break;
        }
        command.push(word);
    }
    let flags = words.iter().filter(|word| word.starts_with("--"));
    let name = |flag: &String| flag.split('=').next().unwrap_or_default().to_owned();
    (command.join(" "), flags.map(name).collect())
}

#[tokio::test]
async fn every_command_in_the_papers_is_one_and_has_the_flags_that_are_named() {
    let mut wanted: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for paper in papers() {
        let text = read(&paper);
        let typed = blocks(&text, "sh").join("\n");
        let lines = typed.lines().map(str::to_owned).chain(spans(&text));
        for words in lines.filter_map(|line| invoked(&line)) {
            let (command, flags) = meant(&words);
            let of_command = wanted.entry(command).or_default();
            for flag in flags {
                of_command.insert((flag, paper.display().to_string()));
            }
        }
    }
    assert!(wanted.len() >= 8, "{wanted:?}");
    for (command, flags) in wanted {
        let mut arguments: Vec<&str> = command.split_whitespace().collect();
        arguments.push("--help");
        let help = says(&arguments).await;
        assert!(help.ok, "chaoke {command}: {}", help.err);
        for (flag, paper) in flags {
            let known = help
                .out
                .split_whitespace()
                .any(|word| word.trim_end_matches(',') == flag);
            assert!(known, "{paper}: chaoke {command} has no {flag}");
        }
    }
}

/// The install is told in two papers, because a release has one at its front and a manual behind it.
#[test]
fn a_release_is_installed_the_same_way_in_both_papers() {
    let install = |paper: &str| {
        let found = blocks(&read(&root().join(paper)), "sh");
        let install = found
            .into_iter()
            .find(|block| block.contains("/opt/chaoke"));
        install.unwrap_or_else(|| panic!("{paper} does not say how"))
    };
    assert_eq!(
        install("deploy/README.md"),
        install("docs/manual/operations.md")
    );
}

#[test]
fn every_setting_in_the_papers_is_one() {
    let example = read(&root().join("docs/chaoke.example.toml"));
    let key = |line: &str| {
        let (key, _) = line.split_once(" = ")?;
        (!key.contains(' ')).then(|| key.to_owned())
    };
    let known: BTreeSet<String> = example
        .lines()
        .filter_map(|line| key(line.trim_start_matches("# ")))
        .collect();
    let mut seen = 0;
    for paper in papers() {
        let text = read(&paper);
        let in_blocks = blocks(&text, "toml").join("\n");
        let in_spans = spans(&text).into_iter().filter(|span| span.contains(" = "));
        for line in in_blocks.lines().map(str::to_owned).chain(in_spans) {
            let Some(key) = key(&line) else { continue };
            assert!(
                known.contains(&key),
                "{}: there is no setting {key}",
                paper.display()
            );
            seen += 1;
        }
    }
    assert!(seen >= 15, "only {seen} settings were found");
}

#[test]
fn files_of_a_release_that_the_papers_name_are_in_it() {
    let mut seen = 0;
    for paper in papers() {
        let text = read(&paper);
        let typed = blocks(&text, "sh").join("\n") + &spans(&text).join("\n");
        for word in typed.split_whitespace() {
            let in_release = ["systemd/", "kubernetes/", "compose."]
                .iter()
                .any(|begin| word.starts_with(begin));
            if in_release {
                let there = root().join("deploy").join(word).exists();
                assert!(there, "{}: {word} is not in deploy/", paper.display());
                seen += 1;
            }
        }
    }
    assert!(seen >= 8, "only {seen} files were found");
}
