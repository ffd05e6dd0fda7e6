//! `chaoke-load`: what the server costs and how long it takes, measured over the public wire contract,
//! with an audit of every run. It starts the real binary on a folder of its own, speaks to it over
//! loopback only, ends by itself, and leaves a report.
//!
//! Exit code 1: an audit found something. 2: the run could not be done.

mod audit;
mod client;
mod crowd;
mod pace;
mod proc;
mod report;
mod scenario;
mod server;
mod talk;
mod trouble;
mod world;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};

use client::frame::Codec;
use report::{Report, Run};
use scenario::direct::{self, Direct};
use scenario::fanout::{self, Fanout};
use scenario::history::{self, History};
use scenario::idle::{self, Idle};
use scenario::reconnect::{self, Reconnect};
use scenario::search::{self, SEARCHERS, Search};
use scenario::{Common, check_sockets};
use trouble::{Outcome, Trouble};
use world::{Attached, Origin, World};

/// A scenario lasts so long at most: access tokens are good for 15 minutes.
const SECONDS_MAX: f64 = 600.0;
/// Messages a second at most; the client shares the machine with the server.
const RATE_MAX: f64 = 20_000.0;

/// Load tests of a Chaoke server on this machine.
#[derive(Debug, Parser)]
#[command(name = "chaoke-load", version)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: What,
}

#[derive(Clone, Debug, Args)]
struct Options {
    /// The binary to start.
    #[arg(
        long,
        global = true,
        default_value = "target/release/chaoke",
        value_name = "PATH"
    )]
    server: PathBuf,
    /// A folder that keeps the people for the next run; otherwise a temporary one is used.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Test a server that runs already on this machine, instead of starting one; or several that are one.
    #[arg(long, global = true, value_name = "ADDR", value_delimiter = ',', requires_all = ["attach_pid", "attach_login", "attach_password"])]
    attach: Vec<SocketAddr>,
    /// Its process, or those of all of them.
    #[arg(long, global = true, value_name = "PID", value_delimiter = ',')]
    attach_pid: Vec<u32>,
    /// Its administrator.
    #[arg(long, global = true, value_name = "LOGIN")]
    attach_login: Option<String>,
    /// The administrator's password.
    #[arg(long, global = true, value_name = "PASSWORD")]
    attach_password: Option<String>,
    /// Where random numbers begin.
    #[arg(long, global = true, default_value_t = 1)]
    seed: u64,
    /// How frames are written.
    #[arg(long, global = true, value_enum, default_value = "msgpack")]
    codec: Codec,
    /// Times to run it; the server is started anew for each.
    #[arg(long, global = true, default_value_t = 1)]
    runs: u64,
    /// Before each run, wait so many seconds at most until no other program is busy.
    #[arg(long, global = true, default_value_t = 0, value_name = "SECONDS")]
    quiet_within: u64,
    /// Where reports go.
    #[arg(long, global = true, default_value = "reports", value_name = "DIR")]
    out: PathBuf,
    /// The report's name, when it is not the usual one.
    #[arg(long, global = true)]
    name: Option<String>,
    /// The sources that the server was built from, when they are not those of this work tree.
    #[arg(long, global = true)]
    commit: Option<String>,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Sockets that only beat: memory and CPU of each.
    Idle(Idle),
    /// Direct chats at a steady rate: time until acknowledged and until received.
    Direct(Direct),
    /// One large discussion: CPU of a delivery.
    Fanout(Fanout),
    /// All sockets cut at once: time until they are back.
    Reconnect(Reconnect),
    /// The newest fifty messages are read: time and cost.
    History(History),
    /// One of thousands is looked for in the directory.
    Search(Search),
    /// The short form of all, within two minutes.
    Bench,
    /// Writes `docs/benchmarks.md` from the reports.
    Report {
        /// The page.
        #[arg(long, default_value = "docs/benchmarks.md")]
        page: PathBuf,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(trouble) => {
            eprintln!("chaoke-load: {trouble}");
            ExitCode::from(2)
        }
    }
}

fn start(cli: &Cli) -> Outcome<bool> {
    if let What::Report { page } = &cli.command {
        report::page::write(&cli.options.out, page)?;
        return Ok(true);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Trouble::at("the runtime"))?;
    runtime.block_on(async {
        if let What::Bench = cli.command {
            return bench(&cli.options).await;
        }
        cli.command.check()?;
        let mut world = World::make(&origin(&cli.options)?, cli.command.people()).await?;
        let clean = repeat(&cli.command, &mut world, &cli.options).await?;
        world.end().await?;
        Ok(clean)
    })
}

/// All scenarios in small, with the same people.
async fn bench(options: &Options) -> Outcome<bool> {
    let short = [
        What::Direct(Direct {
            rate: 500.0,
            seconds: 8.0,
            people: 100,
        }),
        What::Fanout(Fanout {
            members: 100,
            rate: 40.0,
            seconds: 5.0,
        }),
        What::Reconnect(Reconnect {
            sockets: 1_000,
            missed: 10,
            at_once: None,
        }),
        What::Idle(Idle {
            sockets: 1_000,
            seconds: 30,
        }),
    ];
    let people = short.iter().map(What::people).max().unwrap_or(0);
    let mut world = World::make(&origin(options)?, people).await?;
    let mut clean = true;
    for what in short {
        what.check()?;
        clean &= repeat(&what, &mut world, options).await?;
        world.restart().await?;
    }
    world.end().await?;
    Ok(clean)
}

fn origin(options: &Options) -> Outcome<Origin> {
    let attached = (!options.attach.is_empty()).then(|| Attached {
        addresses: options.attach.clone(),
        pids: options.attach_pid.clone(),
        login: options.attach_login.clone().unwrap_or_default(),
        password: options.attach_password.clone().unwrap_or_default(),
    });
    if attached.is_none() && !options.server.is_file() {
        return Err(Trouble::new(format!(
            "{} is not there: cargo build --release -p gateway, or --server",
            options.server.display()
        )));
    }
    Ok(Origin {
        binary: options.server.clone(),
        data: options.data.clone(),
        attached,
    })
}

/// Runs a scenario as often as asked and writes its report; tells whether the audits were clean.
async fn repeat(what: &What, world: &mut World, options: &Options) -> Outcome<bool> {
    let mut runs = Vec::new();
    for number in 0..options.runs.max(1) {
        if number > 0 {
            world.restart().await?;
        }
        if options.quiet_within > 0 {
            let within = Duration::from_secs(options.quiet_within);
            let quiet = proc::quiet(within).await;
            println!("the machine is {}", if quiet { "quiet" } else { "busy" });
        }
        let common = Common {
            seed: options.seed + number,
            codec: options.codec,
        };
        let mut run = what.run(world, common).await?;
        run.figure("people_made_in_s", world.made_in_s);
        print(what, &run);
        runs.push(run);
    }
    let report = Report {
        name: options.name.clone().unwrap_or_else(|| what.name()),
        scenario: what.scenario().to_owned(),
        parameters: what.parameters(options.codec),
        commit: options.commit.clone().unwrap_or_else(report::commit),
        seed: options.seed,
        command: command(),
        machine: proc::machine(),
        scheduling: proc::scheduling(),
        disk: world.disk(),
        runs,
    };
    report.write(&options.out)?;
    Ok(report.is_clean())
}

/// As it was typed, without the folders of this machine and without a password.
fn command() -> String {
    let own = [
        "--data",
        "--server",
        "--out",
        "--commit",
        "--attach-password",
    ];
    let mut words = vec!["chaoke-load".to_owned()];
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        if own.contains(&arg.as_str()) {
            args.next();
        } else if !own.iter().any(|name| arg.starts_with(&format!("{name}="))) {
            words.push(arg);
        }
    }
    words.join(" ")
}

fn print(what: &What, run: &Run) {
    println!("{}", what.name());
    for (name, value) in run.all() {
        println!("  {name:32} {value}");
    }
    if run.audit.is_clean() {
        println!("  audit: clean");
    } else {
        println!("  audit: {:#?}", run.audit);
    }
}

impl What {
    /// # Errors
    /// More than the machine or the server takes.
    fn check(&self) -> Outcome<()> {
        let (seconds, rate, sockets) = match self {
            Self::Idle(idle) => (scenario::counted(idle.seconds), 1.0, idle.sockets),
            Self::Direct(direct) => (direct.seconds, direct.rate, direct.people),
            Self::Fanout(fanout) => (fanout.seconds, fanout.rate, fanout.members),
            Self::Reconnect(reconnect) => (1.0, 1.0, reconnect.sockets),
            Self::History(history) => (f64::from(history.seconds), 1.0, History::PEOPLE),
            Self::Search(_) => (1.0, 1.0, SEARCHERS),
            Self::Bench | Self::Report { .. } => (1.0, 1.0, 1),
        };
        let bounded = seconds > 0.0 && seconds <= SECONDS_MAX && rate > 0.0 && rate <= RATE_MAX;
        if !bounded {
            return Err(Trouble::new(format!(
                "up to {SECONDS_MAX} seconds and {RATE_MAX} messages a second"
            )));
        }
        if sockets < 2 * crowd::PER_PERSON {
            return Err(Trouble::new("at least 20 sockets or people"));
        }
        check_sockets(sockets)
    }

    fn people(&self) -> usize {
        match self {
            Self::Idle(idle) => crowd::people_for(idle.sockets),
            Self::Direct(direct) => direct.people,
            Self::Fanout(fanout) => fanout.members,
            Self::Reconnect(reconnect) => crowd::people_for(reconnect.sockets),
            Self::History(_) => History::PEOPLE,
            Self::Search(_) => SEARCHERS,
            Self::Bench | Self::Report { .. } => 0,
        }
    }

    async fn run(&self, world: &World, common: Common) -> Outcome<Run> {
        match self {
            Self::Idle(idle) => idle::run(world, *idle, common).await,
            Self::Direct(direct) => direct::run(world, *direct, common).await,
            Self::Fanout(fanout) => fanout::run(world, *fanout, common).await,
            Self::Reconnect(reconnect) => reconnect::run(world, *reconnect, common).await,
            Self::History(asked) => history::run(world, *asked, common).await,
            Self::Search(asked) => search::run(world, *asked, common).await,
            Self::Bench | Self::Report { .. } => Err(Trouble::new("no scenario")),
        }
    }

    fn scenario(&self) -> &'static str {
        match self {
            Self::Idle(_) => "idle",
            Self::Direct(_) => "direct",
            Self::Fanout(_) => "fanout",
            Self::Reconnect(_) => "reconnect",
            Self::History(_) => "history",
            Self::Search(_) => "search",
            Self::Bench => "bench",
            Self::Report { .. } => "report",
        }
    }

    /// The scenario and its largest number.
    fn name(&self) -> String {
        match self {
            Self::Idle(idle) => format!("idle-{}", idle.sockets),
            Self::Direct(direct) => format!("direct-{}", direct.rate),
            Self::Fanout(fanout) => format!("fanout-{}", fanout.members),
            Self::Reconnect(reconnect) => format!("reconnect-{}", reconnect.sockets),
            Self::History(_) => format!("history-{}", History::READS_PER_S),
            Self::Search(asked) => format!("search-{}", asked.people),
            Self::Bench | Self::Report { .. } => self.scenario().to_owned(),
        }
    }

    fn parameters(&self, codec: Codec) -> BTreeMap<String, Value> {
        let mut parameters = match self {
            Self::Idle(p) => json!({"sockets": p.sockets, "seconds": p.seconds}),
            Self::Direct(p) => {
                json!({"rate": p.rate, "seconds": p.seconds, "people": p.people})
            }
            Self::Fanout(p) => {
                json!({"members": p.members, "rate": p.rate, "seconds": p.seconds})
            }
            Self::Reconnect(p) => {
                json!({"sockets": p.sockets, "missed": p.missed, "at_once": p.at_once.unwrap_or(p.sockets)})
            }
            Self::History(p) => json!({"people": History::PEOPLE, "seconds": p.seconds}),
            Self::Search(p) => json!({"people": p.people, "searchers": SEARCHERS}),
            Self::Bench | Self::Report { .. } => json!({}),
        };
        parameters["codec"] = json!(codec.subprotocol());
        let map = parameters.as_object().cloned().unwrap_or_default();
        map.into_iter().collect()
    }
}
