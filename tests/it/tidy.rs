//! The house rules that no compiler checks, as ordinary tests: sizes, direction of dependencies, words,
//! links. They read the work tree and need nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Past this a file is split by its five parts. Tables may be longer: they are searched, not read.
const FILE_LINES_MAX: usize = 600;
/// `ARCHITECTURE.md` is read in one sitting or not at all.
const ARCHITECTURE_LINES_MAX: usize = 300;
/// Tables and generated files that may pass `FILE_LINES_MAX`.
const LONG_TABLES: [&str; 2] = [
    "gateway/web/src/i18n/zh-CN.ts",
    "gateway/web/src/i18n/en.ts",
];

/// Folders that hold nothing written by us.
const NOT_OURS: [&str; 8] = [
    "target",
    "node_modules",
    "dist",
    "data",
    ".git",
    "test-results",
    "playwright-report",
    "screenshots",
];

/// Crate → the crates of the house it may depend on. Dependencies point down only.
const HOUSE: [(&str, &[&str]); 8] = [
    (
        "gateway",
        &["crm-bridge", "feeds", "conference", "chat-core", "storage"],
    ),
    (
        "crm-bridge",
        &["feeds", "conference", "chat-core", "storage"],
    ),
    ("feeds", &["chat-core", "storage"]),
    ("conference", &["chat-core", "storage"]),
    ("chat-core", &["storage"]),
    ("storage", &[]),
    ("loadtest", &[]),
    (
        "tests",
        &[
            "gateway",
            "crm-bridge",
            "feeds",
            "conference",
            "chat-core",
            "storage",
        ],
    ),
];

/// Words of the business that `storage` must not know; it stores rows and logs of anything.
const BUSINESS_WORDS: [&str; 12] = [
    "chat",
    "conversation",
    "customer",
    "deal",
    "direct chat",
    "discussion",
    "employee",
    "member",
    "password",
    "roster",
    "unread",
    "salesperson",
];

/// Addresses that may stand in the built client because nothing is ever loaded from them.
const NEVER_LOADED: [&str; 6] = [
    // Names of XML vocabularies.
    "http://www.w3.org",
    // Where error texts of React, Mantine and their parts point a developer.
    "https://react.dev",
    "https://reactjs.org",
    "https://mantine.dev",
    "https://github.com",
    // What `new URL(path, base)` needs as a base.
    "http://localhost",
];

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the folder of the workspace")
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder that we wrote and whose name ends in one of `ends`, in a fixed order.
pub(crate) fn files(below: &Path, ends: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(below) else {
        return found;
    };
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !NOT_OURS.contains(&name.as_str()) {
                found.extend(files(&path, ends));
            }
        } else if ends
            .iter()
            .any(|end| path.extension().is_some_and(|have| have == *end))
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

fn code() -> Vec<PathBuf> {
    files(root(), &["rs", "ts", "tsx", "mjs", "css", "sh"])
}

fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The text with a word's borders: letters, digits and `_` belong to a word.
fn has_word(text: &str, word: &str) -> bool {
    let part_of_a_word =
        |letter: Option<char>| letter.is_some_and(|l| l.is_alphanumeric() || l == '_');
    text.match_indices(word).any(|(at, _)| {
        !part_of_a_word(text[..at].chars().next_back())
            && !part_of_a_word(text[at + word.len()..].chars().next())
    })
}

#[test]
fn the_workspace_is_exactly_the_eight_crates() {
    let manifest = read(&root().join("Cargo.toml"));
    let members = manifest
        .lines()
        .find_map(|line| line.strip_prefix("members = "))
        .expect("a members line");
    let members: BTreeSet<&str> = members
        .trim_matches(['[', ']'])
        .split(',')
        .map(|member| member.trim().trim_matches('"'))
        .collect();
    assert_eq!(members, HOUSE.iter().map(|(name, _)| *name).collect());
}

#[test]
fn dependencies_point_down_only() {
    let names: Vec<&str> = HOUSE.iter().map(|(name, _)| *name).collect();
    let mut complaints = Vec::new();
    for (name, may) in HOUSE {
        for line in read(&root().join(name).join("Cargo.toml")).lines() {
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or_default();
            let of_the_house = names.contains(&dependency) && line.contains("workspace = true");
            if of_the_house && !may.contains(&dependency) {
                complaints.push(format!("{name} must not depend on {dependency}"));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn each_crate_obeys_the_lints_of_the_workspace() {
    for (name, _) in HOUSE {
        let manifest = read(&root().join(name).join("Cargo.toml"));
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "{name}/Cargo.toml leaves the lints out"
        );
    }
    assert!(read(&root().join("Cargo.toml")).contains("unsafe_code = \"forbid\""));
}

#[test]
fn storage_knows_no_word_of_the_business() {
    let mut complaints = Vec::new();
    for path in files(&root().join("storage"), &["rs", "toml"]) {
        for (number, line) in read(&path).to_lowercase().lines().enumerate() {
            for word in BUSINESS_WORDS.iter().filter(|word| has_word(line, word)) {
                complaints.push(format!("{}:{}: \"{word}\"", shown(&path), number + 1));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn a_file_is_short_enough_to_be_read() {
    let mut complaints = Vec::new();
    for path in code() {
        let name = shown(&path);
        let lines = read(&path).lines().count();
        let table = LONG_TABLES.contains(&name.as_str())
            || name.contains(".gen.")
            || name.contains("/generated/");
        if lines > FILE_LINES_MAX && !table {
            complaints.push(format!(
                "{name} has {lines} lines: split it by its five parts"
            ));
        }
    }
    let architecture = read(&root().join("ARCHITECTURE.md")).lines().count();
    if architecture > ARCHITECTURE_LINES_MAX {
        complaints.push(format!("ARCHITECTURE.md has {architecture} lines"));
    }
    assert_none(&complaints);
}

#[test]
fn nothing_is_left_for_later_in_the_code() {
    // Written in two parts so that this file does not find itself.
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("HA", "CK"),
    ];
    let mut complaints = Vec::new();
    for path in code() {
        for (number, line) in read(&path).lines().enumerate() {
            for word in words.iter().filter(|word| has_word(line, word)) {
                complaints.push(format!("{}:{}: {word}", shown(&path), number + 1));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn every_channel_is_bounded() {
    let calls = [
        concat!("unbounded", "_channel("),
        concat!("unbounded", "("),
        concat!("Unbounded", "Sender"),
    ];
    let mut complaints = Vec::new();
    for path in files(root(), &["rs"]) {
        let text = read(&path);
        for call in calls.iter().filter(|call| text.contains(**call)) {
            complaints.push(format!("{}: {call}", shown(&path)));
        }
    }
    assert_none(&complaints);
}

#[test]
fn one_file_spells_the_subjects_of_the_bus_and_one_folder_speaks_to_nats() {
    let folder = root().join("chat-core/src/bus");
    // Its name alone stands in the filter of the log.
    let client = concat!("async_nats", "::");
    let mut complaints = Vec::new();
    for path in files(root(), &["rs"]) {
        for (number, line) in read(&path).lines().enumerate() {
            // What stands between quotation marks, near enough.
            let spelled = line.split('"').skip(1).step_by(2).any(|text| {
                text.contains(concat!(".", "n.")) || text.ends_with(concat!(".", "all"))
            });
            if spelled && path != folder.join("subject.rs") {
                complaints.push(format!("{}:{}: a subject", shown(&path), number + 1));
            }
            if line.contains(client) && !path.starts_with(&folder) {
                complaints.push(format!("{}:{}: {client}", shown(&path), number + 1));
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn a_test_waits_for_what_should_happen_and_never_sleeps() {
    let calls = [concat!("sle", "ep("), concat!("waitFor", "Timeout(")];
    let mut complaints = Vec::new();
    for folder in ["tests/it", "gateway/web/e2e"] {
        for path in files(&root().join(folder), &["rs", "ts"]) {
            for (number, line) in read(&path).lines().enumerate() {
                if calls.iter().any(|call| line.contains(call)) {
                    complaints.push(format!("{}:{}: {}", shown(&path), number + 1, line.trim()));
                }
            }
        }
    }
    assert_none(&complaints);
}

#[test]
fn each_file_of_the_feature_tests_is_compiled() {
    let folder = root().join("tests/it");
    let mut complaints = Vec::new();
    for path in files(&folder, &["rs"])
        .into_iter()
        .filter(|path| *path != folder.join("main.rs"))
    {
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a plain name");
        let parent = path.parent().expect("a folder");
        // `mod.rs` is declared by the file above its folder.
        let (module, above) = match name {
            "mod" => (
                parent
                    .file_name()
                    .and_then(|n| n.to_str())
                    .expect("a plain name"),
                parent.parent(),
            ),
            _ => (name, Some(parent)),
        };
        let above = above.expect("a folder");
        let named_as_the_folder = above.with_extension("rs");
        let declared = [
            above.join("main.rs"),
            above.join("mod.rs"),
            named_as_the_folder,
        ]
        .iter()
        .filter(|file| file.exists())
        .any(|file| read(file).contains(&format!("mod {module};")));
        if !declared {
            complaints.push(format!(
                "{} is never compiled: no `mod {module};`",
                shown(&path)
            ));
        }
    }
    assert_none(&complaints);
}

#[test]
fn each_crate_opens_with_its_purpose() {
    for (name, _) in HOUSE {
        let opening = ["src/lib.rs", "src/main.rs"].map(|file| root().join(name).join(file));
        let opening = opening
            .iter()
            .find(|file| file.exists())
            .expect("a crate has a lib or a main");
        assert!(
            read(opening).starts_with("//! "),
            "{} says not what it is for",
            shown(opening)
        );
    }
}

#[test]
fn the_built_client_loads_nothing_from_a_foreign_host() {
    // Absent before the first build; `make test` builds it before this ring.
    let built = root().join("gateway/web/dist");
    let mut complaints = BTreeSet::new();
    for path in files(&built, &["js", "css", "html", "webmanifest", "json", "svg"]) {
        let text = read(&path);
        for scheme in ["http://", "https://", "ws://", "wss://"] {
            for (at, _) in text.match_indices(scheme) {
                let host = host_at(&text[at + scheme.len()..]);
                let address = format!("{scheme}{host}");
                let plain = host.contains('.') || host == "localhost";
                if plain && !NEVER_LOADED.iter().any(|known| address == *known) {
                    complaints.insert(format!("{}: {address}", shown(&path)));
                }
            }
        }
    }
    assert_none(&complaints.into_iter().collect::<Vec<_>>());
}

/// The host an address begins with, without port and path.
fn host_at(rest: &str) -> &str {
    let end = rest
        .find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '.' || letter == '-'));
    &rest[..end.unwrap_or(rest.len())]
}

#[test]
fn links_in_the_papers_lead_somewhere() {
    let mut complaints = Vec::new();
    // Heads of derived documents are read where they end up, in docs/.
    let papers = files(root(), &["md"])
        .into_iter()
        .filter(|path| !shown(path).contains("/generate/"));
    for path in papers {
        let folder = path.parent().expect("a folder");
        for link in links(&read(&path)) {
            let file = link.split('#').next().unwrap_or_default();
            if link.contains("://") || link.starts_with("mailto:") || file.is_empty() {
                continue;
            }
            if !folder.join(file).exists() {
                complaints.push(format!("{}: {link} is not there", shown(&path)));
            }
        }
    }
    assert_none(&complaints);
}

/// What stands between `](` and `)` outside of code.
fn links(markdown: &str) -> Vec<String> {
    let mut in_code = false;
    let mut found = Vec::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            let parts = line.match_indices("](");
            found.extend(
                parts.filter_map(|(at, _)| line[at + 2..].split(')').next().map(str::to_owned)),
            );
        }
    }
    found
}

#[test]
fn both_readmes_have_the_same_sections_and_the_same_commands() {
    let (english, chinese) = (
        read(&root().join("README.md")),
        read(&root().join("README.zh-CN.md")),
    );
    assert_eq!(
        heads(&english),
        heads(&chinese),
        "the levels of the headings differ"
    );
    assert_eq!(
        commands(&english),
        commands(&chinese),
        "the code blocks differ"
    );
}

fn heads(markdown: &str) -> Vec<usize> {
    let (text, _) = text_and_code(markdown);
    text.iter()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.split(' ').next().unwrap_or("").len())
        .collect()
}

/// Lines of code blocks without their comments, which are translated.
fn commands(markdown: &str) -> Vec<String> {
    let (_, code) = text_and_code(markdown);
    code.iter()
        .map(|line| line.split(" #").next().unwrap_or("").trim_end().to_owned())
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect()
}

fn text_and_code(markdown: &str) -> (Vec<&str>, Vec<&str>) {
    let mut in_code = false;
    let mut parts = (Vec::new(), Vec::new());
    for line in markdown.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            parts.1.push(line);
        } else {
            parts.0.push(line);
        }
    }
    parts
}
