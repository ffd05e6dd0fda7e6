//! What the kernel knows of a process (`/proc/<pid>`), and of the machine that it runs on.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::trouble::{Outcome, Trouble};

/// Clock ticks a second in `/proc/<pid>/stat`: fixed at 100 for all of Linux' user space (`proc(5)`).
const TICKS_PER_S: f64 = 100.0;

/// A process at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// CPU time so far, of all threads, user and kernel.
    pub(crate) cpu_ms: f64,
    /// Memory that is resident.
    pub(crate) rss_kb: u64,
    /// The most that ever was.
    pub(crate) peak_rss_kb: u64,
    /// Bytes sent towards the disk so far.
    pub(crate) written_bytes: u64,
}

impl std::iter::Sum for Sample {
    fn sum<I: Iterator<Item = Self>>(samples: I) -> Self {
        samples.fold(Self::default(), |all, one| Self {
            cpu_ms: all.cpu_ms + one.cpu_ms,
            rss_kb: all.rss_kb + one.rss_kb,
            peak_rss_kb: all.peak_rss_kb + one.peak_rss_kb,
            written_bytes: all.written_bytes + one.written_bytes,
        })
    }
}

/// Looks at a process.
///
/// # Errors
/// It is gone, or belongs to somebody else.
pub(crate) fn sample(pid: u32) -> Outcome<Sample> {
    let folder = Path::new("/proc").join(pid.to_string());
    let read = |name: &str| {
        std::fs::read_to_string(folder.join(name))
            .map_err(Trouble::at(&format!("the server's /proc/{pid}/{name}")))
    };
    let status = read("status")?;
    Ok(Sample {
        cpu_ms: cpu_ms(&read("stat")?).unwrap_or(0.0),
        rss_kb: named(&status, "VmRSS:").unwrap_or(0),
        peak_rss_kb: named(&status, "VmHWM:").unwrap_or(0),
        written_bytes: named(&read("io")?, "write_bytes:").unwrap_or(0),
    })
}

/// The fields after the name, which may itself hold blanks and brackets.
fn cpu_ms(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let kernel: f64 = fields.next()?.parse().ok()?;
    Some((user + kernel) * 1_000.0 / TICKS_PER_S)
}

/// The first number behind `name` at the beginning of a line.
fn named(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Files that this process may have open; sockets count.
pub(crate) fn open_files_max() -> u64 {
    std::fs::read_to_string("/proc/self/limits")
        .ok()
        .and_then(|limits| named(&limits, "Max open files"))
        .unwrap_or(1_024)
}

/// The machine, as far as it explains a figure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Processors that server and client share.
    pub(crate) cores: usize,
    /// Their name.
    pub(crate) processor: String,
    /// Memory.
    pub(crate) memory_mb: u64,
    /// The kernel.
    pub(crate) kernel: String,
}

/// This machine.
pub(crate) fn machine() -> Machine {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned());
    Machine {
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        processor: processor.unwrap_or_else(|| "unknown".to_owned()),
        memory_mb: named(&read("/proc/meminfo"), "MemTotal:").unwrap_or(0) / 1_024,
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
    }
}

/// Processes that wait for a core, over the last minute: above the number of cores the machine is busy
/// with other things and the figures are worse than they should be.
pub(crate) fn load_average() -> f64 {
    std::fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or(0.0)
}

/// CPU time of the whole machine so far, busy with anything, in ms.
pub(crate) fn machine_busy_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    busy_ms(&text).unwrap_or(0.0)
}

/// `user nice system idle iowait irq softirq steal`: all but idle and iowait.
fn busy_ms(stat: &str) -> Option<f64> {
    let fields: Vec<f64> = stat
        .lines()
        .next()?
        .strip_prefix("cpu ")?
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    let busy = fields.iter().take(8).sum::<f64>() - fields.get(3)? - fields.get(4)?;
    Some(busy * 1_000.0 / TICKS_PER_S)
}

/// How the kernel schedules this process, and the server that it starts.
pub(crate) fn scheduling() -> String {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    scheduled(&stat).unwrap_or_else(|| "unknown".to_owned())
}

/// `nice`, `rt_priority` and `policy` of `proc(5)`.
fn scheduled(stat: &str) -> Option<String> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let (nice, priority) = (fields.get(16)?, fields.get(37)?);
    Some(match *fields.get(38)? {
        "0" => format!("usual, nice {nice}"),
        "1" | "2" => format!("real time, priority {priority}"),
        other => format!("policy {other}"),
    })
}

/// What keeps `folder`: the file system's kind and device.
pub(crate) fn disk_of(folder: &Path) -> String {
    let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounted(&mounts, &folder).unwrap_or_else(|| "unknown".to_owned())
}

fn mounted(mounts: &str, folder: &Path) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split_whitespace();
        let (device, at, kind) = (fields.next()?, fields.next()?, fields.next()?);
        folder
            .starts_with(at)
            .then(|| (at.len(), format!("{kind} on {device}")))
    });
    mounts.max_by_key(|(depth, _)| *depth).map(|(_, disk)| disk)
}

/// Shares of the machine that other programs may have when a run should begin undisturbed.
const QUIET_SHARE: f64 = 0.15;
/// Looked at for so long each time.
const LOOK: Duration = Duration::from_secs(2);

/// Waits until the machine is idle but for this process and the server, or for `within`; tells whether
/// it became so.
pub(crate) async fn quiet(within: Duration) -> bool {
    let until = Instant::now() + within;
    let cores = u32::try_from(machine().cores).unwrap_or(1);
    while Instant::now() < until {
        let before = machine_busy_ms();
        tokio::time::sleep(LOOK).await;
        let all_ms = LOOK.as_secs_f64() * 1_000.0 * f64::from(cores);
        if (machine_busy_ms() - before) / all_ms < QUIET_SHARE {
            return true;
        }
    }
    false
}

/// Times of syncing 2 KiB to the disk of `folder`, as the server does for every round of messages.
///
/// # Errors
/// The folder can't be written.
pub(crate) fn disk_sync_us(folder: &Path) -> Outcome<Vec<u64>> {
    let failed = "trying the disk";
    let path = folder.join("sync-probe");
    let mut file = std::fs::File::create(&path).map_err(Trouble::at(failed))?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&[0; 2_048]).map_err(Trouble::at(failed))?;
        let began = Instant::now();
        file.sync_data().map_err(Trouble::at(failed))?;
        times.push(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    std::fs::remove_file(&path).map_err(Trouble::at(failed))?;
    Ok(times)
}

/// Enough for a p99, in well under a second on a disk that is not busy.
const SYNCS: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_a_name_with_brackets() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 100 0 0 0 7 5 0 0 20 0 3 0 1 2 3";
        assert_eq!(cpu_ms(stat), Some(120.0));
        assert_eq!(cpu_ms("42 no name"), None);
    }

    #[test]
    fn the_nearest_mount_keeps_a_folder() {
        let mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\n";
        let disk = |folder: &str| mounted(mounts, Path::new(folder)).unwrap();
        assert_eq!(disk("/dev/shm/x"), "tmpfs on tmpfs");
        assert_eq!(disk("/var/x"), "ext4 on /dev/vda");
    }

    #[test]
    fn busy_is_all_but_idle_and_waiting() {
        assert_eq!(busy_ms("cpu  1 2 3 100 50 4 5 6 7 8\ncpu0 1"), Some(210.0));
    }

    #[test]
    fn one_can_look_at_oneself() {
        let own = sample(std::process::id()).unwrap();
        assert!(own.rss_kb > 0 && own.peak_rss_kb >= own.rss_kb);
        assert!(open_files_max() > 0 && machine().memory_mb > 0);
    }
}
