//! How people reach a server: HTTPS by certificate files, behind proxies, under a public address.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use chat_core::clock::Clock;
use gateway::tls::{Files, Tls};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use world::{Process, Ran, certificate, eventually};

/// A connection to somebody who shows this certificate and no other.
async fn secret(address: &str, certificate: &Path) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    roots.add(certificate).expect("it may vouch for itself");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from("127.0.0.1").expect("an address");
    let connector = TlsConnector::from(Arc::new(config));
    connector.connect(name, tcp).await
}

/// What is answered to a request as it is written.
async fn answer(mut stream: TlsStream<TcpStream>, request: &str) -> String {
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it is taken");
    let mut answer = Vec::new();
    // Whether the end is announced says nothing here: the request asked for it.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn flags(certificate: &Path, key: &Path) -> Vec<String> {
    let (certificate, key) = (certificate.display(), key.display());
    vec![
        "--tls-cert".to_owned(),
        certificate.to_string(),
        "--tls-key".to_owned(),
        key.to_string(),
    ]
}

const READY: &str = "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plat_i18_with_a_certificate_all_of_it_is_https() {
    let folder = tempfile::tempdir().expect("a folder");
    let (shown, key) = certificate(folder.path(), "shown.pem");
    let process = Process::start_with(&flags(&shown, &key)).await;
    let address = process.wire().address();
    let link = process.setup_link().await;
    assert!(
        link.starts_with(&format!("https://{address}/setup#")),
        "{link}"
    );
    let ready = answer(secret(&address, &shown).await.expect("a handshake"), READY).await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    // A session by a cookie that is sent over HTTPS only.
    let token = process.setup_token().await;
    let post = |method: &str, params: serde_json::Value| {
        let params = params.to_string();
        let head =
            format!("POST /api/v1/{method} HTTP/1.1\r\nHost: {address}\r\nConnection: close");
        format!("{head}\r\nContent-Length: {}\r\n\r\n{params}", params.len())
    };
    let calls = [
        (
            "setup.complete",
            json!({
                "token": token, "company_name": "超客", "name": "张三", "login": "zhang", "password": "chao-ke-2026",
            }),
        ),
        (
            "session.sign_in",
            json!({"login": "zhang", "password": "chao-ke-2026", "cookie": true}),
        ),
    ];
    let mut said = String::new();
    for (method, params) in calls {
        let stream = secret(&address, &shown).await.expect("a handshake");
        said = answer(stream, &post(method, params)).await;
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    }
    assert!(said.contains("; Secure"), "{said}");
    let files = flags(&shown, &key);
    let arguments: Vec<&str> = ["healthcheck", "--listen", &address]
        .into_iter()
        .chain(files.iter().map(String::as_str))
        .collect();
    let healthy = Ran::with(&arguments, &[]).await;
    assert_eq!(healthy.code, Some(0), "{healthy:?}");
    // WebSocket as well.
    let mut request = format!("wss://{address}/ws")
        .into_client_request()
        .expect("a request");
    let protocol = "chaoke.v1.json".parse().expect("a word");
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let stream = secret(&address, &shown).await.expect("a handshake");
    let (_socket, answered) = tokio_tungstenite::client_async(request, stream)
        .await
        .expect("a WebSocket");
    assert_eq!(answered.status(), 101);
    // Who does not speak TLS is not answered.
    let mut plain = TcpStream::connect(&address).await.expect("a connection");
    plain
        .write_all(READY.as_bytes())
        .await
        .expect("it is taken");
    let mut said = Vec::new();
    let _ = plain.read_to_end(&mut said).await;
    assert!(!said.starts_with(b"HTTP"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plat_i18_a_renewed_certificate_is_shown_without_a_restart_and_a_misfit_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (shown, key) = certificate(folder.path(), "shown.pem");
    let first = folder.path().join("first.pem");
    std::fs::copy(&shown, &first).expect("a file");
    let (second, second_key) = certificate(folder.path(), "second.pem");
    let process = Process::start_with(&flags(&shown, &key)).await;
    let address = process.wire().address();
    // A key that does not fit: told once, and the old certificate stays.
    std::fs::copy(&second, &shown).expect("a file");
    process.signal("-HUP");
    eventually("the misfit is told", || async {
        process.log().contains("the old one stays").then_some(())
    })
    .await;
    assert!(
        process.log().contains("does not belong to the certificate"),
        "{}",
        process.log()
    );
    secret(&address, &first).await.expect("the old one");
    assert!(secret(&address, &second).await.is_err());
    std::fs::copy(&second_key, &key).expect("a file");
    process.signal("-HUP");
    eventually("the new one is shown", || async {
        secret(&address, &second).await.ok()
    })
    .await;
    assert!(secret(&address, &first).await.is_err());
}

#[tokio::test]
async fn plat_i18_a_certificate_that_can_not_be_shown_is_told_in_a_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let (good, key) = certificate(folder.path(), "good.pem");
    let (_, other) = certificate(folder.path(), "other.pem");
    let (nowhere, text) = (folder.path().join("nowhere"), folder.path().join("text"));
    std::fs::write(&text, "no certificate").expect("a file");
    for (certificate, key, says) in [
        (&nowhere, &key, "nowhere can't be read: "),
        (&good, &nowhere, "nowhere can't be read: "),
        (&text, &key, "holds no certificate in PEM"),
        (&good, &text, "holds no private key in PEM"),
        (&good, &other, "does not belong to the certificate"),
    ] {
        let said = Process::is_refused(&flags(certificate, key)).await;
        assert!(
            said.starts_with("chaoke: ") && said.contains(says),
            "{said}"
        );
    }
    let now_ms = Clock::system().now_ms();
    let files = Files {
        certificate: good,
        key,
    };
    for (days, says) in [(0, ""), (40, "expired "), (-3, "is good only in ")] {
        let at = Arc::new(AtomicI64::new(now_ms + days * 86_400_000));
        let read = Tls::read(files.clone(), &Clock::by_hand(at)).await;
        let said = read.map(drop).err().unwrap_or_default();
        assert_eq!(said.is_empty(), says.is_empty(), "{days}: {said}");
        assert!(said.contains(says), "{days}: {said}");
    }
}

#[tokio::test]
async fn plat_i18_behind_a_trusted_proxy_each_caller_has_limits_of_his_own() {
    let flags = [
        "--trusted-proxies".to_owned(),
        "127.0.0.1,10.0.0.0/8".to_owned(),
    ];
    let trusting = Process::start_with(&flags).await;
    let believing_nobody = Process::start().await;
    let state = async |process: &Process, from: &str| {
        let headers = [("x-forwarded-for", from)];
        let asked = process.wire().http_with(&headers, "setup.state", json!({}));
        asked.await.status
    };
    for n in 0..20 {
        // What a caller claims himself stands further left, and is not believed.
        let claimed = format!("1.1.1.{n}, 198.51.100.1, 10.0.0.7");
        assert_eq!(state(&trusting, &claimed).await, 200);
        assert_eq!(state(&believing_nobody, &format!("1.1.1.{n}")).await, 200);
    }
    assert_eq!(state(&trusting, "198.51.100.1").await, 429);
    assert_eq!(state(&trusting, "198.51.100.2").await, 200);
    assert_eq!(state(&believing_nobody, "1.1.1.99").await, 429);
}

#[tokio::test]
async fn plat_i18_the_public_address_is_what_people_are_sent_to_and_its_pages_may_call() {
    let flags = [
        "--public-url".to_owned(),
        "https://Chat.Example.com/".to_owned(),
    ];
    let process = Process::start_with(&flags).await;
    let link = process.setup_link().await;
    assert!(
        link.starts_with("https://chat.example.com/setup#"),
        "{link}"
    );
    // A proxy in front may name itself as the host.
    for (origin, status) in [
        ("https://chat.example.com", 200),
        ("https://evil.example", 403),
    ] {
        let headers = [("origin", origin)];
        let state = process
            .wire()
            .http_with(&headers, "setup.state", json!({}))
            .await;
        assert_eq!(state.status, status, "{origin}");
    }
    let token = process.setup_token().await;
    let params = json!({
        "token": token, "company_name": "超客", "name": "张三", "login": "zhang", "password": "chao-ke-2026",
    });
    process.wire().http("setup.complete", params).await.ok();
    let sign_in = json!({"login": "zhang", "password": "chao-ke-2026", "cookie": true});
    for (host, secure) in [("chat.example.com", true), ("10.0.0.5:8080", false)] {
        let headers = [("host", host)];
        let signed_in = process
            .wire()
            .http_with(&headers, "session.sign_in", sign_in.clone());
        let cookies = signed_in.await.cookies;
        assert_eq!(cookies.len(), 1);
        assert_eq!(
            cookies[0].ends_with("; Secure"),
            secure,
            "{host}: {cookies:?}"
        );
    }
    let bad = ["--public-url".to_owned(), "chat.example.com".to_owned()];
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "public-url = \"chat.example.com\"").expect("a file");
    let by_file = ["--config".to_owned(), file.path().display().to_string()];
    for flags in [&bad[..], &by_file] {
        Process::is_refused(flags).await;
    }
    let said = Process::is_refused(&by_file).await;
    assert!(
        said.contains("write it as https://chat.example.com"),
        "{said}"
    );
}
