//! The bus over a real NATS server: the suite, then what only a server can do: be away, come back, stand still,
//! ask who we are.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chat_core::bus::suite::{End, Place, start};
use chat_core::bus::{Bus, BusError, Inbox, NatsLogin, NatsOptions, Start};
use world::{Nats, certificate, eventually, within};

/// Until a connection whose server stands still is given up, and then some.
const GIVEN_UP: Duration = Duration::from_secs(30);

/// Ends at one server.
struct Town {
    nats: Nats,
    options: NatsOptions,
}

impl Town {
    fn at(nats: Nats) -> Self {
        let options = NatsOptions {
            addresses: vec![nats.address()],
            prefix: "chaoke".to_owned(),
            login: None,
            tls_ca: None,
        };
        Self { nats, options }
    }

    async fn start() -> Self {
        Self::at(Nats::start().await)
    }

    async fn end(&self, node: &str) -> End {
        End::open(self, start(node, 1), 1000).await
    }

    /// Why no end can be opened with these.
    async fn refuses(&self, options: NatsOptions) -> String {
        match chat_core::bus::Nats::open(options, start("one", 1), 1).await {
            Err(BusError::Refused(why)) => {
                assert!(why.contains(&self.nats.address()), "{why}");
                why
            }
            Err(BusError::Unfit(why)) => panic!("it was not the server that refused: {why}"),
            Ok(_) => panic!("it was opened"),
        }
    }
}

#[async_trait::async_trait]
impl Place for Town {
    async fn open(&self, me: Start, capacity: usize) -> (Arc<dyn Bus>, Inbox) {
        let opened = chat_core::bus::Nats::open(self.options.clone(), me, capacity).await;
        opened.expect("an end")
    }
}

chat_core::bus_suite!(Town::start().await);

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

async fn is_connected(end: &End, connected: bool) {
    let what = format!("{} is connected: {connected}", end.me);
    let state = || async { (end.bus.connected() == connected).then_some(()) };
    within(GIVEN_UP, &what, state).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_starts_while_nats_is_away_and_connects_later() {
    let mut town = Town::at(Nats::away());
    let (one, mut two) = (town.end("one").await, town.end("two").await);
    assert!(!one.bus.connected());
    assert!(!one.bus.send(&two.me, text("nobody carries it")));
    assert!(!one.bus.send_all(text("nobody carries it")));
    assert_eq!(one.bus.dropped(), 2);
    town.nats.starts().await;
    is_connected(&one, true).await;
    one.reaches(&mut two).await;
    one.tells_all("good morning");
    assert_eq!(two.hears().await, "good morning");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_of_nats_frames_go_on_and_none_was_kept() {
    let mut town = Town::start().await;
    let (one, mut two) = (town.end("one").await, town.end("two").await);
    one.reaches(&mut two).await;
    for _ in 0..2 {
        town.nats.dies().await;
        is_connected(&one, false).await;
        let before = one.bus.dropped();
        for _ in 0..100 {
            assert!(!one.bus.send(&two.me, text("too late")));
        }
        assert_eq!(one.bus.dropped(), before + 100);
        town.nats.starts().await;
        is_connected(&one, true).await;
        // That it hears nothing else is part of it.
        one.reaches(&mut two).await;
        two.tells_all("back again");
    }
    assert_eq!(two.bus.dropped(), 0);
}

/// Sends numbers of 64 KiB each, the next one first.
fn sends(from: &End, to: &End, next: &mut u64) -> bool {
    let mut frame = next.to_be_bytes().to_vec();
    frame.resize(64 * 1024, 0);
    *next += 1;
    from.bus.send(&to.me, Bytes::from(frame))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nats_that_stands_still_makes_nobody_wait_and_nothing_comes_out_of_order() {
    let town = Town::start().await;
    let (one, mut two) = (town.end("one").await, town.end("two").await);
    one.reaches(&mut two).await;
    town.nats.pauses();
    let mut next = 0;
    let refused = async {
        while sends(&one, &two, &mut next) {
            tokio::task::yield_now().await;
        }
    };
    let refused = tokio::time::timeout(GIVEN_UP, refused).await;
    refused.expect("a frame is refused, sooner or later");
    is_connected(&one, false).await;
    is_connected(&two, false).await;
    assert!(!sends(&one, &two, &mut next));
    town.nats.goes_on();
    is_connected(&one, true).await;
    let after = next;
    let (mut newest, mut old) = (None, 0);
    let heard = async {
        while newest.is_none_or(|newest| newest < after) {
            sends(&one, &two, &mut next);
            while let Ok(frame) = two.inbox.try_recv() {
                let number = frame.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
                assert!(number > newest, "{number:?} behind {newest:?}");
                newest = number;
                old += usize::from(number < Some(after));
            }
            tokio::task::yield_now().await;
        }
    };
    let heard = tokio::time::timeout(GIVEN_UP, heard).await;
    heard.expect("frames arrive again");
    // The operating system holds some and the client few; the queue of a thousand was not kept.
    assert!(old < 500, "{old} frames came late");
    assert!(one.bus.dropped() > 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_may_not_come_in_is_told_in_a_sentence() {
    let password = |secret: &str| NatsLogin::Password {
        name: "chaoke".to_owned(),
        secret: secret.to_owned(),
    };
    let token = |secret: &str| NatsLogin::Token(secret.to_owned());
    let flags: [&[&str]; 2] = [
        &["--user", "chaoke", "--pass", "right"],
        &["--auth", "right"],
    ];
    let logins = [
        (password("right"), password("wrong-secret")),
        (token("right"), token("wrong-secret")),
    ];
    for (flags, (right, wrong)) in flags.into_iter().zip(logins) {
        let mut town = Town::at(Nats::start_with(flags).await);
        for login in [None, Some(wrong)] {
            let options = NatsOptions {
                login,
                ..town.options.clone()
            };
            let why = town.refuses(options).await;
            assert!(why.contains("refuses the name or its secret"), "{why}");
            assert!(!why.contains("wrong-secret"), "{why}");
        }
        town.options.login = Some(right);
        let (one, mut two) = (town.end("one").await, town.end("two").await);
        one.reaches(&mut two).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_are_encrypted_where_the_server_shows_the_right_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let (right, key) = certificate(folder.path(), "right.pem");
    let (wrong, _) = certificate(folder.path(), "wrong.pem");
    let files = [right.display().to_string(), key.display().to_string()];
    let flags = ["--tls", "--tlscert", &files[0], "--tlskey", &files[1]];
    let mut town = Town::at(Nats::start_with(&flags).await);
    for tls_ca in [None, Some(wrong)] {
        let options = NatsOptions {
            tls_ca,
            ..town.options.clone()
        };
        let why = town.refuses(options).await;
        assert!(why.contains("certificate that is not accepted"), "{why}");
    }
    town.options.tls_ca = Some(right);
    let (one, mut two) = (town.end("one").await, town.end("two").await);
    one.reaches(&mut two).await;
    one.tells_all("in secret");
    assert_eq!(two.hears().await, "in secret");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clusters_of_different_names_do_not_hear_each_other() {
    let mut town = Town::start().await;
    let (one, mut two) = (town.end("one").await, town.end("two").await);
    one.reaches(&mut two).await;
    town.options.prefix = "another".to_owned();
    let (third, mut fourth) = (town.end("one").await, town.end("two").await);
    third.reaches(&mut fourth).await;
    third.tells_all("in the other cluster");
    third.says(&two, "in the other cluster");
    assert_eq!(fourth.hears().await, "in the other cluster");
    assert_eq!(fourth.hears().await, "in the other cluster");
    one.says(&two, "here");
    assert_eq!(two.hears().await, "here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_has_gone_leaves_no_connection_behind() {
    let town = Town::at(Nats::start_with(&["--debug"]).await);
    let (one, mut two) = (town.end("one").await, town.end("two").await);
    one.reaches(&mut two).await;
    let closed = || town.nats.log().matches("Client connection closed").count();
    let before = closed();
    drop((one, two));
    eventually("both connections are closed", || async {
        (closed() == before + 2).then_some(())
    })
    .await;
}
