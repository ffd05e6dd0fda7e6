//! What a program that measures writes down: the form of `reports/*.json`, from which
//! `docs/benchmarks.md` is made.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};

/// What came out of one run: figures and distributions by name, and what an audit found.
#[derive(Default)]
pub(crate) struct Run {
    pub(crate) figures: BTreeMap<String, f64>,
    pub(crate) latencies: BTreeMap<String, Value>,
    pub(crate) audit: BTreeMap<&'static str, u64>,
}

impl Run {
    /// Notes a distribution of times in µs.
    pub(crate) fn latency(&mut self, name: String, mut us: Vec<u64>) {
        us.sort_unstable();
        let at = |share: f64| us[((us.len() - 1) as f64 * share) as usize] as f64 / 1_000.0;
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        for us in &us {
            // Two digits are enough to see the shape.
            let unit = 10_u64.pow(us.checked_ilog10().unwrap_or(0).saturating_sub(1));
            *counts.entry(us / unit * unit).or_default() += 1;
        }
        let counts = counts.iter().map(|(us, count)| format!("{us}×{count}"));
        let told = json!({
            "count": us.len(), "p50_ms": at(0.5), "p90_ms": at(0.9), "p99_ms": at(0.99),
            "p999_ms": at(0.999), "max_ms": at(1.0), "histogram": counts.collect::<Vec<_>>().join(" "),
        });
        self.latencies.insert(name, told);
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The value behind a name in a file of `/proc`.
fn named(text: &str, name: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_default()
        .trim_matches([' ', '\t', ':'])
        .to_owned()
}

/// Processes that waited for a core in the last minute.
pub(crate) fn load_average() -> f64 {
    let text = read("/proc/loadavg");
    let first = text.split_whitespace().next();
    first.and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

/// Bytes this process gave to the device so far.
pub(crate) fn written() -> u64 {
    named(&read("/proc/self/io"), "write_bytes")
        .parse()
        .unwrap_or(0)
}

fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).output().expect("git");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let id = git(&["rev-parse", "--short=12", "HEAD"]);
    match git(&["status", "--porcelain", "--untracked-files=no"]).is_empty() {
        true => id,
        false => format!("{id} with changes"),
    }
}

/// What a report says beside its runs.
pub(crate) struct Head<'a> {
    pub(crate) name: &'a str,
    pub(crate) scenario: &'a str,
    pub(crate) parameters: Value,
    pub(crate) seed: u64,
    pub(crate) command: String,
    pub(crate) disk: &'a str,
}

/// Writes `reports/<name>.json`.
pub(crate) fn write(head: &Head<'_>, runs: &[(f64, Run)]) {
    let memory = named(&read("/proc/meminfo"), "MemTotal");
    let memory_kb: u64 = memory.trim_end_matches(" kB").parse().unwrap_or(0);
    let run = |(load, run): &(f64, Run)| {
        let found = |name: &str| run.audit.get(name).copied().unwrap_or(0);
        let audit = json!({
            "missing": found("missing"), "doubled": found("doubled"), "reordered": 0,
            "gaps": found("gaps"), "unread_wrong": 0, "strange": 0, "failed": 0, "examples": [],
        });
        json!({"load_before": load, "figures": run.figures, "latencies": run.latencies, "audit": audit})
    };
    let report = json!({
        "name": head.name, "scenario": head.scenario, "parameters": head.parameters,
        "commit": commit(), "seed": head.seed, "command": head.command,
        "machine": {
            "cores": std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            "processor": named(&read("/proc/cpuinfo"), "model name"),
            "memory_mb": memory_kb / 1_024, "kernel": read("/proc/sys/kernel/osrelease").trim(),
        },
        "scheduling": "usual", "disk": head.disk,
        "runs": runs.iter().map(run).collect::<Vec<_>>(),
    });
    let path = Path::new("reports").join(format!("{}.json", head.name));
    let text = serde_json::to_string_pretty(&report).expect("a report");
    std::fs::write(&path, text + "\n").expect("the report is written");
    println!("{}", path.display());
}

/// The machine's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "a program measures with the real clock"
)]
pub(crate) fn clock() -> Arc<dyn Fn() -> i64 + Send + Sync> {
    Arc::new(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    })
}

/// The value of `--name`, or what is usual.
pub(crate) fn argument(name: &str, usual: &str) -> String {
    let mut arguments = std::env::args();
    let found = arguments
        .by_ref()
        .any(|argument| argument == format!("--{name}"));
    let value = if found { arguments.next() } else { None };
    value.unwrap_or_else(|| usual.to_owned())
}

/// How this program was called, as somebody would call it again.
pub(crate) fn called(example: &str) -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let profile = if cfg!(debug_assertions) {
        "--profile ci"
    } else {
        "--release"
    };
    format!(
        "cargo run {profile} --features suite -p storage --example {example} -- {}",
        arguments.join(" ")
    )
}
