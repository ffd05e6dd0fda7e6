//! The link between servers: who knows the key is answered, nobody else.

use std::sync::Arc;

use chat_core::bus::{Start, Street};
use chat_core::cluster::{Cluster, LinkOf};
use chat_core::random::Random;
use gateway::link::{LinkKey, Links, Listening};
use storage::cluster::{Link as _, LinkError, ServerAt};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const KEY: &str = "a key of sixteen characters and more";

/// A server's end of the link, without the server behind it.
struct End {
    cluster: Arc<Cluster>,
    address: String,
    listening: JoinHandle<()>,
}

impl End {
    async fn begin(name: &str, key: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let start = Start::new(name, 1).expect("a name");
        let member = ServerAt {
            name: name.to_owned(),
            boot: 1,
            address: address.clone(),
        };
        let key = LinkKey::new(key).expect("long enough");
        let (bus, _inbox) = Street::new().open(start.clone(), 1);
        let wire = Links::new(key.clone(), Random::system());
        let cluster = Cluster::new(member, start, bus, wire);
        let listening = Listening::new(listener, key, Random::system());
        let listening = tokio::spawn(listening.serve(Arc::clone(&cluster)));
        Self {
            cluster,
            address,
            listening,
        }
    }

    async fn reaches(&self, other: &Self) -> bool {
        LinkOf(Arc::clone(&self.cluster))
            .answers(&other.address)
            .await
    }
}

#[tokio::test]
async fn servers_of_one_key_reach_each_other_and_a_stranger_reaches_nobody() {
    let (one, other) = (End::begin("one", KEY).await, End::begin("other", KEY).await);
    let stranger = End::begin("stranger", "another key, of sixteen characters").await;
    assert!(one.reaches(&other).await && other.reaches(&one).await);
    assert!(!stranger.reaches(&one).await);
    assert!(!one.reaches(&stranger).await);
    // Nor does a refused stranger disturb the others.
    assert!(one.reaches(&other).await);
}

#[tokio::test]
async fn what_was_not_sent_is_told_from_what_was_lost() {
    let (one, other) = (End::begin("one", KEY).await, End::begin("other", KEY).await);
    let link = LinkOf(Arc::clone(&one.cluster));
    assert!(one.reaches(&other).await);
    // It answers, but there is no server behind it: the question may have done something.
    let asked = link.commit(&other.address, "commit".into()).await;
    assert!(matches!(asked, Err(LinkError::Lost(_))), "{asked:?}");
    other.listening.abort();
    let _ = other.listening.await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = nobody.local_addr().expect("its address").to_string();
    drop(nobody);
    let asked = link.commit(&address, "commit".into()).await;
    assert!(matches!(asked, Err(LinkError::NotSent(_))), "{asked:?}");
    assert!(!link.answers(&address).await);
}

#[tokio::test]
async fn who_speaks_another_language_is_sent_away() {
    let one = End::begin("one", KEY).await;
    let mut stream = TcpStream::connect(&one.address)
        .await
        .expect("a connection");
    let request = "GET /node HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it is taken");
    let mut said = String::new();
    stream.read_to_string(&mut said).await.expect("an answer");
    assert!(
        said.starts_with("HTTP/1.1 400") && said.contains("chaoke.node.v1"),
        "{said}"
    );
}
