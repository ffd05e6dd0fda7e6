//! Which requirement rows have a test. A row of `tests/rows.txt` is covered when a test's name begins with
//! it: Rust `im_i02_a_resend_returns_the_first_message`, browser "IM-i02 …"; one test may name several.
//! A row without a test stands either in `tests/waiting.txt` (it needs a chapter that is not built yet) or
//! in `tests/uncovered.txt`, which may only get shorter; a row whose tests leave something out stands in
//! `tests/partial.txt` with what that is. That the named tests really ran is shown by
//! `make rows`, which reads the lists of executed tests.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::tidy::{files, read, root};

/// The rows of the catalogue in its order, and the codes of its chapters.
struct Catalogue {
    chapters: BTreeSet<String>,
    rows: Vec<String>,
}

impl Catalogue {
    fn read() -> Self {
        let text = read(&root().join("tests/rows.txt"));
        let rows: Vec<String> = lines(&text)
            .map(|line| line.split('\t').next().unwrap_or_default().to_owned())
            .collect();
        let chapters = rows.iter().map(|row| chapter_of(row).to_owned()).collect();
        Self { chapters, rows }
    }

    /// The rows that a test's name begins with; the error is a word that looks like a row and is none.
    fn rows_of(&self, name: &str) -> Result<Vec<String>, String> {
        let words: Vec<String> = name
            .split(['_', ' '])
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        let mut found = Vec::new();
        let mut at = 0;
        // A code may hold a dash of its own, so a row is one to three words: "im-01", crm_cust_01.
        while let Some((many, row)) = (1..=3).find_map(|many| {
            let candidate = words.get(at..at + many)?.join("-");
            self.looks_like_a_row(&candidate)
                .then_some((many, candidate))
        }) {
            let known = self.rows.iter().find(|known| known.to_lowercase() == row);
            found.push(known.ok_or(row)?.clone());
            at += many;
        }
        Ok(found)
    }

    fn looks_like_a_row(&self, candidate: &str) -> bool {
        let Some((code, number)) = candidate.rsplit_once('-') else {
            return false;
        };
        let digits = number.strip_prefix('i').unwrap_or(number);
        !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && self.chapters.contains(&code.to_uppercase())
    }
}

fn chapter_of(row: &str) -> &str {
    row.rsplit_once('-').map_or(row, |(code, _)| code)
}

/// The lines that say something: no comments, no empty ones.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
}

fn list(path: &str) -> BTreeSet<String> {
    let text = read(&root().join(path));
    lines(&text)
        .map(|line| line.split('\t').next().unwrap_or_default().to_owned())
        .collect()
}

/// The names of all tests in the sources: (file, name).
fn tests_in_the_sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in files(root(), &["rs", "ts", "tsx"]) {
        let shown = path
            .strip_prefix(root())
            .unwrap_or(&path)
            .display()
            .to_string();
        let names = match path.extension().and_then(|end| end.to_str()) {
            Some("rs") => rust_tests(&read(&path)),
            _ if is_a_client_test(&path) => client_tests(&read(&path)),
            _ => Vec::new(),
        };
        found.extend(names.into_iter().map(|name| (shown.clone(), name)));
    }
    found
}

fn is_a_client_test(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    [".test.ts", ".test.tsx", ".spec.ts"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// Functions under an attribute that ends in `test]` or `test(…)]`.
fn rust_tests(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut marked = false;
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") {
            marked |= line.contains("test]") || line.contains("test(");
        } else if let Some(name) = function_name(line) {
            if marked {
                names.push(name.to_owned());
            }
            marked = false;
        }
    }
    names
}

fn function_name(line: &str) -> Option<&str> {
    let rest = line
        .trim_start_matches("pub ")
        .trim_start_matches("async ")
        .strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// First arguments of `test(` and `it(`, which vitest and Playwright share.
fn client_tests(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    for call in ["test(", "it("] {
        for (at, _) in source.match_indices(call) {
            let before = source[..at].chars().next_back();
            if before
                .is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == '.')
            {
                continue;
            }
            let rest = source[at + call.len()..].trim_start();
            let Some(quote) = rest.chars().next().filter(|first| "\"'`".contains(*first)) else {
                continue;
            };
            if let Some(name) = rest[1..].split(quote).next() {
                names.push(name.to_owned());
            }
        }
    }
    names
}

/// Row → the tests that name it, and complaints about names of rows that do not exist.
fn covered() -> (BTreeMap<String, Vec<String>>, Vec<String>) {
    let catalogue = Catalogue::read();
    let mut covered: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (file, name) in tests_in_the_sources() {
        match catalogue.rows_of(&name) {
            Ok(rows) => {
                for row in rows {
                    covered.entry(row).or_default().push(name.clone());
                }
            }
            Err(row) => wrong.push(format!(
                "{file}: \"{name}\" names {row}, which is no row of tests/rows.txt"
            )),
        }
    }
    (covered, wrong)
}

fn assert_nothing(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn each_row_of_the_catalogue_stands_there_once() {
    let catalogue = Catalogue::read();
    let different: BTreeSet<&String> = catalogue.rows.iter().collect();
    assert_eq!(different.len(), catalogue.rows.len());
    assert_eq!(
        catalogue.rows.len(),
        831,
        "rows are neither forgotten nor invented"
    );
}

#[test]
fn a_row_that_a_test_names_is_in_the_catalogue() {
    assert_nothing(&covered().1);
}

#[test]
fn each_row_is_covered_or_waits_or_is_listed_as_uncovered_and_only_one_of_these() {
    let (covered, _) = covered();
    let waiting = list("tests/waiting.txt");
    let uncovered = list("tests/uncovered.txt");
    if update_wanted() {
        shorten(&covered);
        return;
    }
    let mut complaints = Vec::new();
    for row in &Catalogue::read().rows {
        match (covered.contains_key(row), waiting.contains(row), uncovered.contains(row)) {
            (true, false, false) | (false, true, false) | (false, false, true) => {}
            (true, _, true) => complaints.push(format!(
                "{row} has a test now: take it out of tests/uncovered.txt (UPDATE=1 does it)"
            )),
            (true, true, _) => complaints.push(format!("{row} has a test now: take it out of tests/waiting.txt")),
            (false, true, true) => complaints.push(format!("{row} stands in both lists")),
            (false, false, false) => complaints.push(format!(
                "{row} lost its test. The list of uncovered rows may only get shorter: give it a test again"
            )),
        }
    }
    let partial = list("tests/partial.txt");
    complaints.extend(
        partial
            .iter()
            .filter(|row| !covered.contains_key(*row))
            .map(|row| format!("{row} has no test: it stands in tests/partial.txt without a part")),
    );
    assert_nothing(&complaints);
}

#[test]
fn the_lists_hold_rows_of_the_catalogue_only() {
    let rows: BTreeSet<String> = Catalogue::read().rows.into_iter().collect();
    for path in [
        "tests/waiting.txt",
        "tests/uncovered.txt",
        "tests/partial.txt",
    ] {
        let strange: Vec<String> = list(path).difference(&rows).cloned().collect();
        assert!(
            strange.is_empty(),
            "{path} holds {strange:?}, which are no rows"
        );
    }
}

#[test]
fn a_row_waits_only_for_a_chapter_that_is_not_built() {
    let chapters = Catalogue::read().chapters;
    let unfinished: BTreeSet<String> = list("tests/uncovered.txt")
        .iter()
        .map(|row| chapter_of(row).to_owned())
        .collect();
    let mut complaints = Vec::new();
    for line in lines(&read(&root().join("tests/waiting.txt"))) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [row, chapter, missing] = fields[..] else {
            complaints.push(format!(
                "\"{line}\" is not ROW<tab>CHAPTER<tab>what is missing"
            ));
            continue;
        };
        if !chapters.contains(chapter) || chapter == chapter_of(row) || missing.is_empty() {
            complaints.push(format!(
                "{row} must wait for another chapter of the catalogue, not {chapter}"
            ));
        } else if !unfinished.contains(chapter) {
            complaints.push(format!(
                "{row} waits for {chapter}, and {chapter} is built: give it a test"
            ));
        }
    }
    assert_nothing(&complaints);
}

/// `UPDATE=1` is how a person refreshes what is derived.
pub(crate) fn update_wanted() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "a switch of the test run, not of the product"
    )]
    std::env::var_os("UPDATE").is_some()
}

/// Takes covered rows out of the list; never puts one in.
fn shorten(covered: &BTreeMap<String, Vec<String>>) {
    let path = root().join("tests/uncovered.txt");
    let kept: Vec<String> = read(&path)
        .lines()
        .filter(|line| !covered.contains_key(*line))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(&path, kept.concat()).expect("tests/uncovered.txt can be written");
}

#[test]
fn a_name_may_begin_with_several_rows_in_either_spelling() {
    let catalogue = Catalogue::read();
    let of = |name: &str| catalogue.rows_of(name);
    assert_eq!(
        of("im_i02_a_resend_returns_the_first_message").unwrap(),
        ["IM-i02"]
    );
    assert_eq!(
        of("IM-01 PLAT-i04 two people talk").unwrap(),
        ["IM-01", "PLAT-i04"]
    );
    assert_eq!(
        of("crm_cust_01_im_01_words").unwrap(),
        ["CRM-CUST-01", "IM-01"]
    );
    assert!(of("mail_is_sorted_by_date").unwrap().is_empty());
    assert_eq!(of("im_i99_nothing").unwrap_err(), "im-i99");
}

#[test]
fn names_of_tests_are_found_in_both_languages() {
    let rust = "#[tokio::test(flavor = \"x\")]\nasync fn one() {}\nfn none() {}\n#[test]\n#[cfg(unix)]\nfn two() {}";
    assert_eq!(rust_tests(rust), ["one", "two"]);
    let client = concat!(
        "te",
        "st(\n  'IM-01 a', () => {});\nedit(\"no\");\ni",
        "t(`b`, f)"
    );
    assert_eq!(client_tests(client), ["IM-01 a", "b"]);
}
