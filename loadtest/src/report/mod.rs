//! A report: how a figure came about and what it is, as JSON that stays in the repository.

pub(crate) mod page;
pub(crate) mod targets;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::audit::judge::Findings;
use crate::proc::{self, Machine};
use crate::trouble::{Outcome, Trouble};

/// The longest latency that is told apart: two minutes. A run waits for none that long.
const LONGEST_US: u64 = 120_000_000;
/// Digits of a latency that are kept.
const DIGITS: u8 = 3;
/// Digits of a latency in the report's histogram, so that it stays readable.
const DIGITS_WRITTEN: u8 = 2;

/// A scenario that was run, once or more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Names the file and the chapter of the page.
    pub(crate) name: String,
    /// Which scenario.
    pub(crate) scenario: String,
    /// What was asked of it.
    pub(crate) parameters: BTreeMap<String, Value>,
    /// The sources from which the server was built.
    pub(crate) commit: String,
    /// What its random numbers began with.
    pub(crate) seed: u64,
    /// How it was started.
    pub(crate) command: String,
    /// On what.
    pub(crate) machine: Machine,
    /// How the kernel scheduled client and server.
    #[serde(default)]
    pub(crate) scheduling: String,
    /// What the store lay on.
    #[serde(default)]
    pub(crate) disk: String,
    /// What came out, each time.
    pub(crate) runs: Vec<Run>,
}

/// What came out of one run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Run {
    /// Processes that waited for a core in the minute before.
    pub(crate) load_before: f64,
    /// Figures by name; the unit is the end of the name.
    pub(crate) figures: BTreeMap<String, f64>,
    /// Latencies by name.
    pub(crate) latencies: BTreeMap<String, Latencies>,
    /// What the audit found.
    pub(crate) audit: Findings,
}

/// A distribution.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Latencies {
    /// How many.
    pub(crate) count: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) max_ms: f64,
    /// `µs×count` in order, to two digits.
    pub(crate) histogram: String,
}

/// Latencies while they are gathered.
pub(crate) struct Gathered(Histogram<u64>);

impl Gathered {
    /// None yet.
    ///
    /// # Errors
    /// Never: the bounds are good.
    pub(crate) fn new() -> Outcome<Self> {
        Histogram::new_with_bounds(1, LONGEST_US, DIGITS)
            .map(Self)
            .map_err(Trouble::at("a histogram"))
    }

    /// One more, in µs.
    pub(crate) fn add(&mut self, us: u64) {
        self.0.saturating_record(us.max(1));
    }

    /// How many.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// What this share of them takes at most.
    pub(crate) fn quantile_ms(&self, quantile: f64) -> f64 {
        ms(self.0.value_at_quantile(quantile))
    }

    /// The distribution.
    ///
    /// # Errors
    /// Never: the bounds are good.
    pub(crate) fn told(&self) -> Outcome<Latencies> {
        let mut coarse = Histogram::<u64>::new_with_bounds(1, LONGEST_US, DIGITS_WRITTEN)
            .map_err(Trouble::at("a histogram"))?;
        for value in self.0.iter_recorded() {
            coarse.saturating_record_n(value.value_iterated_to(), value.count_at_value());
        }
        let histogram: Vec<String> = coarse
            .iter_recorded()
            .map(|value| format!("{}×{}", value.value_iterated_to(), value.count_at_value()))
            .collect();
        let at = |quantile: f64| ms(self.0.value_at_quantile(quantile));
        Ok(Latencies {
            count: self.0.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: ms(self.0.max()),
            histogram: histogram.join(" "),
        })
    }
}

/// Milliseconds with three digits after the point.
#[expect(clippy::cast_precision_loss, reason = "two minutes in µs fit a double")]
fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}

/// Rounded so that a report has no digits that mean nothing.
pub(crate) fn rounded(value: f64) -> f64 {
    let digits = if value.abs() < 10.0 { 1_000.0 } else { 10.0 };
    (value * digits).round() / digits
}

impl Run {
    /// A run that begins now.
    pub(crate) fn begun() -> Self {
        Self {
            load_before: proc::load_average(),
            ..Self::default()
        }
    }

    /// Notes a figure.
    pub(crate) fn figure(&mut self, name: &str, value: f64) {
        self.figures.insert(name.to_owned(), rounded(value));
    }

    /// Notes how long the disk takes, if that is known.
    ///
    /// # Errors
    /// Never: the bounds are good.
    pub(crate) fn disk(&mut self, times_us: &[u64]) -> Outcome<()> {
        let mut gathered = Gathered::new()?;
        times_us.iter().for_each(|us| gathered.add(*us));
        if gathered.count() > 0 {
            self.latency("disk_sync", &gathered)?;
        }
        Ok(())
    }

    /// Notes a distribution.
    ///
    /// # Errors
    /// Never: the bounds are good.
    pub(crate) fn latency(&mut self, name: &str, gathered: &Gathered) -> Outcome<()> {
        self.latencies.insert(name.to_owned(), gathered.told()?);
        Ok(())
    }

    /// Every figure by name, those of the distributions among them.
    pub(crate) fn all(&self) -> BTreeMap<String, f64> {
        let mut all = self.figures.clone();
        for (name, latencies) in &self.latencies {
            for (part, value) in [
                ("p50_ms", latencies.p50_ms),
                ("p90_ms", latencies.p90_ms),
                ("p99_ms", latencies.p99_ms),
                ("p999_ms", latencies.p999_ms),
                ("max_ms", latencies.max_ms),
            ] {
                all.insert(format!("{name}_{part}"), value);
            }
        }
        all
    }
}

impl Report {
    /// The median of each figure over the runs, with the least and the most.
    pub(crate) fn medians(&self) -> BTreeMap<String, (f64, f64, f64)> {
        let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for run in &self.runs {
            for (name, value) in run.all() {
                values.entry(name).or_default().push(value);
            }
        }
        values
            .into_iter()
            .filter_map(|(name, mut values)| {
                values.sort_by(f64::total_cmp);
                let median = values[(values.len() - 1) / 2];
                Some((name, (median, *values.first()?, *values.last()?)))
            })
            .collect()
    }

    /// Whether no audit found anything.
    pub(crate) fn is_clean(&self) -> bool {
        self.runs.iter().all(|run| run.audit.is_clean())
    }

    /// Writes it into `folder`.
    ///
    /// # Errors
    /// It can't be written.
    pub(crate) fn write(&self, folder: &Path) -> Outcome<()> {
        let failed = "the report";
        std::fs::create_dir_all(folder).map_err(Trouble::at(failed))?;
        let path = folder.join(format!("{}.json", self.name));
        let text = serde_json::to_string_pretty(self).map_err(Trouble::at(failed))?;
        std::fs::write(&path, text + "\n").map_err(Trouble::at(failed))?;
        println!("{}", path.display());
        Ok(())
    }
}

/// All reports of a folder, by name.
///
/// # Errors
/// One of them can't be read.
pub(crate) fn read_all(folder: &Path) -> Outcome<Vec<Report>> {
    let entries = std::fs::read_dir(folder).map_err(Trouble::at("the reports"))?;
    let mut reports: Vec<Report> = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        if path.extension().is_some_and(|end| end == "json") {
            let failed = path.display().to_string();
            let text = std::fs::read_to_string(&path).map_err(Trouble::at("a report"))?;
            let value: Value = serde_json::from_str(&text).map_err(Trouble::at(&failed))?;
            // Other programs leave reports here that hold no figures of this form.
            if value.get("scenario").is_some() && value.get("runs").is_some() {
                reports.push(serde_json::from_value(value).map_err(Trouble::at(&failed))?);
            }
        }
    }
    reports.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(reports)
}

/// The commit of the work tree, marked when files differ from it.
pub(crate) fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let Some(id) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return "unknown".to_owned();
    };
    let clean = git(&["status", "--porcelain", "--untracked-files=no"]);
    if clean.is_some_and(|changed| changed.is_empty()) {
        id
    } else {
        format!("{id} with changes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_keeps_its_percentiles_and_its_histogram() {
        let mut gathered = Gathered::new().unwrap();
        (1..=1_000_u64).for_each(|us| gathered.add(us * 10));
        let told = gathered.told().unwrap();
        assert_eq!(told.count, 1_000);
        assert!((told.p50_ms - 5.0).abs() < 0.02, "{}", told.p50_ms);
        assert!((told.p99_ms - 9.9).abs() < 0.02, "{}", told.p99_ms);
        assert!(
            told.histogram.starts_with("10×1 20×1"),
            "{}",
            told.histogram
        );
    }

    #[test]
    fn the_median_of_three_is_the_one_in_the_middle() {
        let run = |value: f64| Run {
            figures: BTreeMap::from([("x_ms".to_owned(), value)]),
            ..Run::default()
        };
        let report = Report {
            name: String::new(),
            scenario: String::new(),
            parameters: BTreeMap::new(),
            commit: String::new(),
            seed: 0,
            command: String::new(),
            machine: Machine::default(),
            scheduling: String::new(),
            disk: String::new(),
            runs: vec![run(3.0), run(1.0), run(2.0)],
        };
        assert_eq!(report.medians()["x_ms"], (2.0, 1.0, 3.0));
    }
}
