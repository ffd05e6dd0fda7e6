//! `chaoke doctor`: what a server needs from its machine, one sentence each, and what to do where something is wrong.
//! It changes nothing but a file that it writes into the data folder and takes away again.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use chat_core::clock::Clock;
use chat_core::random::Random;
use clap::Args;
use serde_json::Value;
use storage::{Limits, Store};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;

use super::request::Request;
use super::{Outcome, folder, socket};
use crate::config::Serve;

/// A disk with less than this many times what the store insists on is nearly full.
const FREE_TIMES: u64 = 4;
/// How far two clocks may be apart.
const CLOCK_MS: i64 = 5_000;
/// 2025-01-01 in ms since 1970; a clock that shows an earlier time was never set.
const EARLIEST_MS: i64 = 1_735_689_600_000;
/// Each connection is an open file. This is what a machine gives when nobody asked for more.
const FILES_MIN: u64 = 1_024;
/// Files that are no connections: the store's, and what is left over for safety.
const FILES_OWN: u64 = 200;
/// How long another machine may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What `chaoke doctor` is told.
#[derive(Clone, Debug, Args)]
pub struct Doctor {
    /// As the server is started.
    #[command(flatten)]
    pub serve: Serve,
    /// The language of the machine.
    #[arg(long = "lang", env = "LANG", hide = true, default_value = "")]
    pub lang: String,
}

/// A sentence in both languages.
struct Words {
    zh: String,
    en: String,
}

fn words(zh: impl Into<String>, en: impl Into<String>) -> Words {
    let (zh, en) = (zh.into(), en.into());
    Words { zh, en }
}

/// What was found, and what to do if it is wrong.
struct Finding {
    found: Words,
    remedy: Option<Words>,
}

impl Finding {
    fn good(zh: impl Into<String>, en: impl Into<String>) -> Self {
        let found = words(zh, en);
        let remedy = None;
        Self { found, remedy }
    }

    fn wrong(found: Words, remedy: Words) -> Self {
        let remedy = Some(remedy);
        Self { found, remedy }
    }
}

/// See the module.
///
/// # Errors
/// How many things are wrong.
pub async fn run(told: &Doctor) -> Outcome {
    let chinese = told.lang.to_lowercase().starts_with("zh");
    let say = |words: &Words| {
        if chinese {
            words.zh.clone()
        } else {
            words.en.clone()
        }
    };
    let findings = look(&told.serve).await;
    let mut wrong = 0;
    for Finding { found, remedy } in &findings {
        match remedy {
            None => println!("ok     {}", say(found)),
            Some(remedy) => {
                wrong += 1;
                println!("WRONG  {}", say(found));
                println!("       → {}", say(remedy));
            }
        }
    }
    if wrong == 0 {
        return Ok(());
    }
    let of = findings.len();
    let sum = words(
        format!("{of} 项检查中有 {wrong} 项不正常"),
        format!("{wrong} of {of} checks found something wrong"),
    );
    Err(say(&sum).into())
}

async fn look(serve: &Serve) -> Vec<Finding> {
    let (data, clock) = (&serve.data.folder, Clock::system());
    let running = socket::ask(data, &Request::Status {}).await;
    let running = running.ok().flatten().map(|reply| reply.done);
    let mut findings = vec![
        data_folder(data),
        free_space(data),
        own_clock(data, &clock),
        open_files(),
        port(serve.listen, running.as_ref()),
    ];
    if serve.cql.addresses.is_empty() {
        findings.push(store(data, running.as_ref(), &clock));
    } else {
        findings.push(database(serve, &clock).await);
    }
    findings.extend(nats(serve).await);
    findings.extend(files(serve));
    findings
}

// ---- the machine

/// A file written into the folder; tells whose files this user's are, and what time the file system has.
fn probe(data: &Path) -> io::Result<std::fs::Metadata> {
    let path = data.join(format!(".doctor-{}", std::process::id()));
    let probed = std::fs::write(&path, b"?").and_then(|()| std::fs::metadata(&path));
    // Absent is as good.
    let _ = std::fs::remove_file(&path);
    probed
}

/// The folder itself, or the nearest one above it that is there.
fn nearest(data: &Path) -> &Path {
    let there = data.ancestors().find(|folder| folder.is_dir());
    there.unwrap_or(Path::new("."))
}

fn data_folder(data: &Path) -> Finding {
    let (shown, near) = (data.display(), nearest(data));
    let owner = std::fs::metadata(near).map_or(0, |folder| folder.uid());
    let probed = match probe(near) {
        Ok(probed) => probed,
        Err(error) => {
            return Finding::wrong(
                words(
                    format!("无法写入数据目录 {shown}（属于用户 {owner}）：{error}"),
                    format!("the data folder {shown} (of user {owner}) can't be written: {error}"),
                ),
                words(
                    "请以该目录的所有者身份运行，或更改目录的所有者（chown）",
                    "run as the owner of the folder, or change its owner (chown)",
                ),
            );
        }
    };
    if let Err(why) = folder::check(data) {
        return Finding::wrong(
            words(format!("数据目录不可用：{why}"), why),
            words(
                "请用 --data 指定另一个空目录",
                "give another, empty folder with --data",
            ),
        );
    }
    if near == data && owner != probed.uid() {
        let own = probed.uid();
        return Finding::wrong(
            words(
                format!("数据目录 {shown} 属于用户 {owner}，当前用户是 {own}"),
                format!("the data folder {shown} belongs to user {owner}, and this is user {own}"),
            ),
            words(
                format!("请执行 chown -R {own} {shown}，或以用户 {owner} 运行"),
                format!("chown -R {own} {shown}, or run as user {owner}"),
            ),
        );
    }
    Finding::good(
        format!("数据目录 {shown} 可写，属于用户 {owner}"),
        format!("the data folder {shown} can be written and belongs to user {owner}"),
    )
}

fn free_space(data: &Path) -> Finding {
    let remedy = || {
        words(
            "请清理磁盘，或换一块更大的磁盘",
            "make room, or move the data folder to a larger disk",
        )
    };
    let free = match storage::free_bytes(nearest(data)) {
        Ok(free) => free,
        Err(error) => {
            let found = words(
                format!("无法得知磁盘剩余空间：{error}"),
                format!("the free space of the disk is not known: {error}"),
            );
            return Finding::wrong(found, remedy());
        }
    };
    let (least, mib) = (Limits::default().free_bytes_min, free >> 20);
    let least_mib = least >> 20;
    if free < least.saturating_mul(FREE_TIMES) {
        return Finding::wrong(
            words(
                format!("磁盘仅剩 {mib} MiB；低于 {least_mib} MiB 时服务器拒绝写入"),
                format!("{mib} MiB are free; below {least_mib} MiB the server refuses to write"),
            ),
            remedy(),
        );
    }
    Finding::good(format!("磁盘剩余 {mib} MiB"), format!("{mib} MiB are free"))
}

/// The folder of pictures and files, where it is not in the data folder.
fn files(serve: &Serve) -> Option<Finding> {
    let in_data = serve.files.is_none() && serve.files().is_some();
    if in_data {
        return None;
    }
    let remedy = || {
        words(
            "请用 --files 指定一个所有服务器都能读写的文件夹",
            "name with --files a folder that every server can read and write",
        )
    };
    let Some(folder) = serve.files() else {
        let found = words(
            "没有指定存放图片和文件的文件夹，集群将拒绝发送文件",
            "there is no folder for pictures and files: a cluster refuses to send them",
        );
        return Some(Finding::wrong(found, remedy()));
    };
    let shown = folder.display();
    Some(match probe(nearest(&folder)) {
        Ok(_) => Finding::good(
            format!("存放图片和文件的文件夹 {shown} 可写"),
            format!("the folder of pictures and files {shown} can be written"),
        ),
        Err(error) => Finding::wrong(
            words(
                format!("无法写入存放图片和文件的文件夹 {shown}：{error}"),
                format!("the folder of pictures and files {shown} can't be written: {error}"),
            ),
            remedy(),
        ),
    })
}

fn own_clock(data: &Path, clock: &Clock) -> Finding {
    let now_ms = clock.now_ms();
    let remedy = || {
        words(
            "请启用时间同步（例如 systemd-timesyncd 或 chrony）",
            "have the clock set by the network (systemd-timesyncd, chrony)",
        )
    };
    if now_ms < EARLIEST_MS {
        let found = words("系统时钟早于 2025 年", "the clock shows a time before 2025");
        return Finding::wrong(found, remedy());
    }
    let written = probe(nearest(data)).and_then(|probed| probed.modified());
    let written = written
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    let Some(written) = written else {
        return Finding::good(
            "系统时钟已设置（无法与文件系统比较）",
            "the clock is set (it can't be compared with the file system's)",
        );
    };
    let written_ms = i64::try_from(written.as_millis()).unwrap_or(i64::MAX);
    let apart_ms = (clock.now_ms() - written_ms).abs();
    if apart_ms > CLOCK_MS {
        return Finding::wrong(
            words(
                format!("系统时钟与文件系统相差 {apart_ms} 毫秒"),
                format!("the clock and the file system's are {apart_ms} ms apart"),
            ),
            remedy(),
        );
    }
    Finding::good(
        "系统时钟与文件系统一致",
        "the clock agrees with the file system's",
    )
}

fn open_files() -> Finding {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(files) = files_of(&limits) else {
        return Finding::good(
            "此系统不提供打开文件数上限",
            "this machine does not tell its limit of open files",
        );
    };
    let room = files.saturating_sub(FILES_OWN);
    let found = words(
        format!("最多可打开 {files} 个文件，约可容纳 {room} 个连接"),
        format!("{files} files may be open: room for about {room} connections"),
    );
    if files < FILES_MIN {
        let remedy = words(
            "请提高上限：ulimit -n 65536，或在 systemd 中设置 LimitNOFILE",
            "raise the limit: ulimit -n 65536, or LimitNOFILE in systemd",
        );
        return Finding::wrong(found, remedy);
    }
    Finding {
        found,
        remedy: None,
    }
}

/// The soft limit in the words of Linux.
fn files_of(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    }
}

fn port(listen: SocketAddr, running: Option<&Value>) -> Finding {
    let ours = running.is_some_and(|server| {
        let address = server["address"].as_str().unwrap_or_default();
        // Behind `http` or `https`.
        let (_, address) = address.split_once("://").unwrap_or_default();
        address
            .parse::<SocketAddr>()
            .is_ok_and(|address| address.port() == listen.port())
    });
    match std::net::TcpListener::bind(listen) {
        Ok(_) => Finding::good(format!("{listen} 空闲"), format!("{listen} is free")),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && ours => Finding::good(
            format!("{listen} 由本数据目录的服务器使用"),
            format!("{listen} is used by the server of this data folder"),
        ),
        Err(error) => Finding::wrong(
            words(
                format!("无法监听 {listen}：{error}"),
                format!("{listen} can't be listened on: {error}"),
            ),
            words(
                "请用 --listen 指定另一个地址，或停止占用该端口的程序",
                "give another address with --listen, or stop what uses this one",
            ),
        ),
    }
}

// ---- what it keeps everything in

fn store(data: &Path, running: Option<&Value>, clock: &Clock) -> Finding {
    if let Some(server) = running {
        let (pid, position) = (&server["pid"], &server["position"]);
        return Finding::good(
            format!("数据由进程 {pid} 提供服务，最新提交为 {position}"),
            format!("process {pid} serves the store; its last commit is {position}"),
        );
    }
    let folder = folder::store(data);
    if !folder.join("db").exists() {
        return Finding::good(
            "还没有数据，首次启动时创建",
            "there is no store yet; the first start makes one",
        );
    }
    let remedy = words(
        "请恢复最近的备份（chaoke restore）",
        "restore the latest backup (chaoke restore)",
    );
    let read = Store::embedded(&folder, Limits::default(), clock.as_fn())
        .map_err(|error| error.to_string())
        // Reads all of it.
        .and_then(|store| {
            store
                .backup(&mut io::sink())
                .map_err(|error| error.to_string())
        });
    match read {
        Err(why) => Finding::wrong(words(format!("数据无法打开：{why}"), why), remedy),
        Ok(summary) if summary.time_ms > clock.now_ms() + CLOCK_MS => Finding::wrong(
            words(
                "最新的数据来自未来：系统时钟被回拨",
                "the newest commit is of the future: the clock was set back",
            ),
            words("请校正系统时钟", "set the clock right"),
        ),
        Ok(summary) => Finding::good(
            format!(
                "数据可读：{} 行，最新提交为 {}",
                summary.rows, summary.position
            ),
            format!(
                "the store can be read: {} rows, its last commit is {}",
                summary.rows, summary.position
            ),
        ),
    }
}

/// Whoever can sign in there and has its clock right may serve from it.
async fn database(serve: &Serve, clock: &Clock) -> Finding {
    let random = Random::system();
    let draw = Arc::new(move || u64::from_be_bytes(random.bytes()));
    let asked = async {
        let (options, limits) = (serve.cql.options()?, serve.cql.limits()?);
        let status = storage::cluster::status(&options, &limits, clock.as_fn(), draw).await;
        status.map_err(|error| error.to_string())
    };
    match asked.await {
        Ok(status) => {
            let lives = status.servers.iter().filter(|server| server.lives).count();
            Finding::good(
                format!("数据库可用，{lives} 台服务器在线"),
                format!("the database answers, its clock agrees, and {lives} servers live"),
            )
        }
        Err(why) => Finding::wrong(
            words(format!("数据库不可用：{why}"), why),
            words(
                "请检查 --cql 的各项设置以及数据库是否运行",
                "check the flags that begin with --cql, and whether the database runs",
            ),
        ),
    }
}

/// NATS only makes pushes between servers faster.
async fn nats(serve: &Serve) -> Option<Finding> {
    serve.cluster.cluster_listen?;
    let addresses = &serve.cluster.nats;
    if addresses.is_empty() {
        return Some(Finding::good(
            "未使用 NATS：服务器之间的推送慢十分之一秒",
            "without NATS: pushes between servers come a tenth of a second later",
        ));
    }
    for address in addresses {
        if speaks_nats(address).await {
            return Some(Finding::good(
                format!("NATS 可用：{address}"),
                format!("NATS answers at {address}"),
            ));
        }
    }
    let all = addresses.join(", ");
    Some(Finding::wrong(
        words(
            format!("NATS 无应答：{all}"),
            format!("no NATS answers at {all}; pushes come a tenth of a second later meanwhile"),
        ),
        words(
            "请启动 NATS，或去掉 --nats",
            "start NATS, or leave --nats away",
        ),
    ))
}

/// A NATS server speaks first.
async fn speaks_nats(address: &str) -> bool {
    let greeted = async {
        let stream = TcpStream::connect(address).await?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).await?;
        Ok::<_, io::Error>(line.starts_with("INFO "))
    };
    matches!(tokio::time::timeout(PATIENCE, greeted).await, Ok(Ok(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_read_as_linux_tells_it() {
        let line = |soft: &str| {
            format!("Max processes  1 2 p\nMax open files            {soft}    4096   files\n")
        };
        assert_eq!(files_of(&line("1024")), Some(1_024));
        assert_eq!(files_of(&line("unlimited")), Some(u64::MAX));
        assert_eq!(files_of("nothing"), None);
    }
}
