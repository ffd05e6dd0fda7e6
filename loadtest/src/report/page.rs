//! `docs/benchmarks.md`, written from the reports and from what `reports/<name>.md` says about them.

use std::fmt::Write as _;
use std::path::Path;

use super::targets::{Bound, TARGETS, Target};
use super::{Report, read_all};
use crate::trouble::{Outcome, Trouble};

const HEAD: &str = include_str!("page_head.md");
const TAIL: &str = include_str!("page_tail.md");

/// Writes the page.
///
/// # Errors
/// The reports can't be read or the page can't be written.
pub(crate) fn write(reports: &Path, page: &Path) -> Outcome<()> {
    let text = text(reports)?;
    std::fs::write(page, text).map_err(Trouble::at("the page"))
}

/// The page's text.
///
/// # Errors
/// The reports can't be read.
pub(crate) fn text(folder: &Path) -> Outcome<String> {
    let reports = read_all(folder)?;
    let mut text = HEAD.to_owned();
    targets(&mut text, &reports);
    for report in &reports {
        chapter(&mut text, report);
        let words = folder.join(format!("{}.md", report.name));
        if let Ok(words) = std::fs::read_to_string(words) {
            let _ = write!(text, "\n{}\n", words.trim());
        }
    }
    text.push('\n');
    text.push_str(TAIL);
    Ok(text)
}

fn targets(text: &mut String, reports: &[Report]) {
    text.push_str(
        "\n## Targets\n\n| what | goal | median | least to most | |\n|---|---|---|---|---|\n",
    );
    let found = |report: &str, figure: &str| {
        let report = reports.iter().find(|known| known.name == report);
        report.and_then(|report| report.medians().get(figure).copied())
    };
    for Target {
        report,
        figure,
        bound,
        what,
    } in TARGETS
    {
        let (goal, most, least) = match bound {
            Bound::AtMost(most) => (format!("≤ {most}"), most, f64::MIN),
            Bound::AtLeast(least) => (format!("≥ {least}"), f64::MAX, least),
            Bound::Times(times, other) => {
                let other = found(other, figure).map_or(f64::NAN, |(median, ..)| median);
                (format!("≤ {times} × {other}"), times * other, f64::MIN)
            }
        };
        let row = match found(report, figure) {
            Some((median, from, to)) => {
                let met = if (least..=most).contains(&median) {
                    "met"
                } else {
                    "**missed**"
                };
                format!("{median} | {from} to {to} | {met}")
            }
            None => "not measured | | ".to_owned(),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {what} | {goal} | {row} |");
    }
}

fn chapter(text: &mut String, report: &Report) {
    let parameters: Vec<String> = report
        .parameters
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    let machine = &report.machine;
    let loads: Vec<String> = report
        .runs
        .iter()
        .map(|run| run.load_before.to_string())
        .collect();
    let audit = if report.is_clean() {
        "nothing missing, doubled, reordered, left out or wrongly unread".to_owned()
    } else {
        format!(
            "**{:?}**",
            report.runs.iter().map(|run| &run.audit).collect::<Vec<_>>()
        )
    };
    let _ = write!(
        text,
        "\n## {}\n\n{} ({}). Server of {}, seed {}; {} cores ({}, kernel {}), store on {}, scheduling {}, load average before {}. Runs: {}. Audit: {audit}.\n\n\
         ```\n{}\n```\n\n| figure | median | least | most |\n|---|---|---|---|\n",
        report.name,
        report.scenario,
        parameters.join(", "),
        report.commit,
        report.seed,
        machine.cores,
        machine.processor,
        machine.kernel,
        report.disk,
        report.scheduling,
        loads.join(", "),
        report.runs.len(),
        report.command,
    );
    for (name, (median, least, most)) in report.medians() {
        let _ = writeln!(text, "| `{name}` | {median} | {least} | {most} |");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_reports_say() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let page = std::fs::read_to_string(root.join("docs/benchmarks.md")).unwrap();
        assert_eq!(
            page,
            text(&root.join("reports")).unwrap(),
            "docs/benchmarks.md is old: run `cargo run -p loadtest -- report`"
        );
    }
}
