//! The binary `chaoke`: reads the command line, opens the store, serves until it is told to stop.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chat_core::clock::Clock;
use chat_core::random::Random;
use gateway::command;
use gateway::config::{self, Command, ConfigCommand, Configured, Cql, Refused, Serve};
use gateway::door::Door;
use gateway::healthcheck;
use gateway::logging;
use gateway::metrics;
use gateway::opening::{self, Opened};
use gateway::proxies::Proxies;
use gateway::server::{Options, Server};
use gateway::setup_link;
use gateway::trace::Traces;
use storage::Store;
use storage::blob::Folder;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let Configured { cli, settings } = match config::read(std::env::args_os()) {
        Ok(configured) => configured,
        Err(Refused::CommandLine(error)) => error.exit(),
        Err(Refused::Said(why)) => return finish(Err(why.into())),
    };
    let serve = match cli.command {
        Some(Command::Version) => {
            println!("chaoke {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Some(Command::Serve(serve)) => serve,
        Some(Command::Status(told)) if !told.cql.addresses.is_empty() => {
            return finish(status(&told.cql));
        }
        Some(Command::Healthcheck(serve)) => return finish(shortly(healthcheck::ask(&serve))),
        Some(Command::Config {
            command: ConfigCommand::Check(serve),
        }) => {
            say(config::print_settings(&settings).trim_end());
            config::unread()
                .iter()
                .for_each(|told| eprintln!("chaoke: {told}"));
            return finish(shortly(serve.check(&Clock::system())));
        }
        Some(command) => return finish(command::run(command)),
        None => cli.serve,
    };
    // Ends behind the server: then it sends what is left.
    let traces = match Traces::begin(&serve.telling, &serve.cluster.node) {
        Ok(traces) => traces,
        Err(why) => return finish(Err(why.into())),
    };
    logging::begin(&serve.telling, traces.as_ref());
    finish(run(&serve))
}

fn finish(outcome: Result<(), Box<dyn std::error::Error>>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chaoke: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what is soon done, on this thread.
fn shortly(
    task: impl Future<Output = Result<(), String>>,
) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(task)?)
}

/// Which servers a cluster has and which of them writes.
fn status(cql: &Cql) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let clock = Clock::system();
    let random = Random::system();
    let draw = Arc::new(move || u64::from_be_bytes(random.bytes()));
    let status = runtime.block_on(async {
        storage::cluster::status(&cql.options()?, &cql.limits()?, clock.as_fn(), draw)
            .await
            .map_err(Box::<dyn std::error::Error>::from)
    })?;
    say(&format!(
        "{:<32} {:<24} {:<5} writes",
        "node", "address", "lives"
    ));
    for server in &status.servers {
        let lives = if server.lives { "yes" } else { "no" };
        let writes = if server.writes { "journal 0" } else { "" };
        let (name, address) = (&server.name, &server.address);
        say(&format!("{name:<32} {address:<24} {lives:<5} {writes}"));
    }
    say(&format!("journal 0 holds commits up to {}", status.last));
    Ok(())
}

/// Files leave so many times as much of the disk free as the store insists on.
const FILES_RESERVE_TIMES: u64 = 2;

fn run(serve: &Serve) -> Result<(), Box<dyn std::error::Error>> {
    let clock = Clock::system();
    std::fs::create_dir_all(&serve.data.folder).map_err(|error| {
        format!(
            "the data folder {} can't be made: {error}",
            serve.data.folder.display()
        )
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // Before anything is opened that others could notice.
        serve.check(&clock).await?;
        let opened = opening::open(serve, &clock).await?;
        serve_with(serve, opened, clock).await
    })
}

async fn serve_with(
    serve: &Serve,
    opened: Opened,
    clock: Clock,
) -> Result<(), Box<dyn std::error::Error>> {
    let random = Random::system();
    let link = serve.data.folder.join(setup_link::FILE);
    let mut options = Options::new(opened.store, clock, random.clone());
    options.cluster = opened.cluster;
    options.export = opened.export;
    options.folder = opened.folder;
    // Files stop coming in while the store still can write.
    let reserve = options.store.limits().free_bytes_min * FILES_RESERVE_TIMES;
    let folder = serve.files().map(|root| Folder::new(root, reserve));
    options.blobs = folder.map(|folder| Arc::new(folder) as _);
    options.origins.clone_from(&serve.origins);
    options.public_url.clone_from(&serve.entrance.public_url);
    options.proxies = Proxies(serve.entrance.trusted_proxies.clone());
    options.setup_link = Some(link.clone());
    let server = Server::start(options).await?;
    let measured = match serve.telling.metrics {
        Some(address) => Some(metrics::listen(address, &server).await?.1),
        None => None,
    };
    let door = Door::open(serve, &server.node.clock).await?;
    let addresses = setup_link::addresses(door.scheme(), door.address()?);
    let setup_links = if chat_core::directory::setup::is_done(&server.node.store).await? {
        setup_link::remove(&link);
        Vec::new()
    } else {
        let public = serve.entrance.public_url.as_ref().map(ToString::to_string);
        let shown = public.map_or(addresses.clone(), |public| vec![public]);
        offer_setup(&server, &random, &link, &shown)?
    };
    let socket = command::socket::listen(&serve.data.folder, &server, &addresses[0]).await;
    let socket = socket.inspect_err(|error| {
        tracing::warn!(%error, "there is no socket for commands: backup and others need a stop");
    });
    // Only now: whoever waits for this line finds the file with the set-up link.
    say(&format!("listening on {}", addresses[0]));
    if !setup_links.is_empty() {
        say("\nSet up your company with this link (good once, for 30 minutes):");
        say("用此链接设置您的公司（只能使用一次，30 分钟内有效）：");
        setup_links
            .iter()
            .for_each(|link| say(&format!("  {link}")));
    }
    // A service is told by it to read its certificates again, and must not end where it has none. Whoever closes
    // a terminal means the end.
    let reload = || signal(SignalKind::hangup());
    let told = !std::io::stdin().is_terminal();
    let _told = told.then(reload).transpose()?;
    let lost = Arc::new(AtomicBool::new(false));
    let stop = stopped(server.node.store.clone(), Arc::clone(&lost))?;
    server.serve(door, stop).await?;
    drop(socket);
    if let Some(measured) = measured {
        measured.abort();
    }
    // Until now other servers could still ask what this one had sent them.
    if let Some(listening) = opened.listening {
        listening.abort();
    }
    if lost.load(Ordering::Relaxed) {
        return Err("another server serves from this database now".into());
    }
    Ok(())
}

/// Waits until somebody stops the server, or another one serves from its store.
fn stopped(
    store: Store,
    lost: Arc<AtomicBool>,
) -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = store.lost() => lost.store(true, Ordering::Relaxed),
        }
        tracing::info!("stopping");
    })
}

/// Makes a new set-up link; gives it for each address of the server.
fn offer_setup(
    server: &Arc<Server>,
    random: &Random,
    file: &Path,
    addresses: &[String],
) -> std::io::Result<Vec<String>> {
    let token = setup_link::token(random.bytes());
    server.node.begin_setup(&token);
    let links: Vec<String> = addresses
        .iter()
        .map(|address| format!("{address}/setup#{token}"))
        .collect();
    setup_link::write(file, &links[0])?;
    Ok(links)
}

/// Prints a line at once, also into a pipe.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody may be reading any more.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
