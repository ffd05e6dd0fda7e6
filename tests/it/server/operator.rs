//! Commands of whoever runs the server: how it is, and a new one-time credential.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use world::{Person, Process, Said, says};

/// The contract's time for closing what is open.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);

async fn resets(process: &Process, login: &str) -> Said {
    let data = process.folder().to_str().expect("a path of a test");
    says(&["admin", "reset-password", login, "--data", data]).await
}

/// The credential that was printed.
fn credential(said: &Said) -> &str {
    assert!(said.ok, "{said:?}");
    let mut lines = said.out.lines();
    let line = lines.find_map(|line| line.strip_prefix("credential "));
    line.expect("a credential").trim()
}

async fn is_signed_out(person: &Person) {
    let refusal = person.http("conversation.list", json!({})).await.refusal();
    assert_eq!(refusal.kind(), ("unauthenticated", "unauthenticated"));
    let refusal = person.tries_to_sign_in(&person.password).await.refusal();
    assert_eq!(refusal.kind(), ("unauthenticated", "bad_credentials"));
}

#[tokio::test]
async fn plat_i02_the_operator_resets_a_password_and_all_devices_of_that_person_are_out_at_once() {
    let process = Process::start().await;
    let zhang = process.company("超客").await.admin("张三").await;
    let li = zhang.adds("李四").await;
    let since = Instant::now();
    let said = resets(&process, &zhang.login.to_uppercase()).await;
    assert_eq!(zhang.device().closes().await.code, 4401);
    assert!(since.elapsed() < CLOSED_WITHIN, "{:?}", since.elapsed());
    is_signed_out(&zhang).await;
    assert_eq!(li.device().closed(), None, "nobody else is");
    let credential = credential(&said);
    Person::begins(process.wire(), &zhang.login, credential).await;
    let refusal = zhang.tries_to_sign_in(credential).await.refusal();
    assert_eq!(refusal.code, "bad_credentials", "it is good once");
    let unknown = resets(&process, "nobody").await;
    assert!(!unknown.ok && unknown.out.is_empty(), "{unknown:?}");
    assert_eq!(unknown.err, "chaoke: Nobody signs in with this login\n");
    let log = process.log();
    assert!(
        !log.contains(credential) && !log.contains(&zhang.login),
        "{log}"
    );
}

#[tokio::test]
async fn the_operator_resets_a_password_also_while_no_server_runs() {
    let mut process = Process::start().await;
    let zhang = process.company("超客").await.admin("张三").await;
    process.kill().await;
    let said = resets(&process, &zhang.login).await;
    process.start_again().await;
    is_signed_out(&zhang).await;
    Person::begins(process.wire(), &zhang.login, credential(&said)).await;
}

#[tokio::test]
async fn the_status_of_a_server_is_told_to_its_owner_only() {
    let mut process = Process::start().await;
    let zhang = process.company("超客").await.admin("张三").await;
    let folder = process.folder().to_owned();
    let data = folder.to_str().unwrap();
    let said = says(&["status", "--data", data]).await;
    assert!(said.ok, "{said:?}");
    for line in [
        format!("address     http://{}", process.wire().address()),
        format!("process     {}", process.id()),
        "sockets     1".to_owned(),
    ] {
        assert!(
            said.out.lines().any(|told| told == line),
            "{line}: {said:?}"
        );
    }
    let socket = folder.join("admin.sock");
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A server that was killed leaves a socket at which nobody answers; the next one takes it over.
    zhang.goes();
    process.kill().await;
    assert!(socket.exists());
    let said = says(&["status", "--data", data]).await;
    assert!(
        !said.ok && said.err.starts_with("chaoke: no server serves from"),
        "{said:?}"
    );
    process.start_again().await;
    assert!(says(&["status", "--data", data]).await.ok);
    process.terminate().await;
    assert!(!socket.exists(), "one that ends takes it away");
}
