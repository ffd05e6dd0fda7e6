//! The binary `chaoke`: reads the command line, opens the store, serves until it is told to stop.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chat_core::clock::Clock;
use chat_core::random::Random;
use clap::Parser;
use gateway::command;
use gateway::config::{Cli, Command, Cql, Serve};
use gateway::opening::{self, Opened};
use gateway::server::{Options, Server};
use gateway::setup_link;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let serve = match cli.command {
        Some(Command::Version) => {
            println!("chaoke {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Some(Command::Serve(serve)) => serve,
        Some(Command::Status(told)) if !told.cql.addresses.is_empty() => {
            return finish(status(&told.cql));
        }
        Some(command) => return finish(command::run(command)),
        None => cli.serve,
    };
    let filter = EnvFilter::try_from_env("CHAOKE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,fjall=warn,lsm_tree=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
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

fn run(serve: &Serve) -> Result<(), Box<dyn std::error::Error>> {
    let clock = Clock::system();
    std::fs::create_dir_all(&serve.data).map_err(|error| {
        format!(
            "the data folder {} can't be made: {error}",
            serve.data.display()
        )
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
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
    let link = serve.data.join(setup_link::FILE);
    let mut options = Options::new(opened.store, clock, random.clone());
    options.cluster = opened.cluster;
    options.export = opened.export;
    options.origins.clone_from(&serve.origins);
    options.setup_link = Some(link.clone());
    let server = Server::start(options).await?;
    let listener = listen(serve.listen)
        .map_err(|error| format!("can't listen on {}: {error}", serve.listen))?;
    let addresses = setup_link::addresses(listener.local_addr()?);
    let setup_links = if chat_core::directory::setup::is_done(&server.node.store).await? {
        setup_link::remove(&link);
        Vec::new()
    } else {
        offer_setup(&server, &random, &link, &addresses)?
    };
    let door = command::socket::listen(&serve.data, &server, &addresses[0]).await;
    let door = door.inspect_err(|error| {
        tracing::warn!(%error, "there is no socket for commands: backup and others need a stop");
    });
    // Only now: whoever waits for this line finds the file with the set-up link.
    say(&format!("listening on http://{}", addresses[0]));
    if !setup_links.is_empty() {
        say("\nSet up your company with this link (good once, for 30 minutes):");
        say("用此链接设置您的公司（只能使用一次，30 分钟内有效）：");
        setup_links
            .iter()
            .for_each(|link| say(&format!("  {link}")));
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let store = server.node.store.clone();
    let lost = Arc::new(AtomicBool::new(false));
    let is_lost = Arc::clone(&lost);
    server
        .serve(listener, async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = store.lost() => is_lost.store(true, Ordering::Relaxed),
            }
            tracing::info!("stopping");
        })
        .await?;
    drop(door);
    // Until now other servers could still ask what this one had sent them.
    if let Some(listening) = opened.listening {
        listening.abort();
    }
    if lost.load(Ordering::Relaxed) {
        return Err("another server serves from this database now".into());
    }
    Ok(())
}

/// Connections that may wait to be accepted. With the usual 1,024, a company that comes back at once after
/// a cut waits a second and more for its repeated SYNs; the kernel caps it by `somaxconn`, 4,096 as well.
const BACKLOG: u32 = 4_096;

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // As `TcpListener::bind` does: a restart takes the same port at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Makes a new set-up link; gives it for each address of the machine.
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
        .map(|address| format!("http://{address}/setup#{token}"))
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
