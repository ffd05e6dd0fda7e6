//! A connection to NATS: reach a server once, see that it wants us, stay connected for ever after. What goes
//! wrong is one sentence, told once until it is well again.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerAddr};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::{INCOMING_FRAMES, NatsLogin, NatsOptions, Tally};
use crate::bus::{BusError, Start};

/// How long a server may take to answer: a second is long in a data centre.
const CONNECT_MS: u64 = 2000;

/// Longest pause between two tries to connect.
const PAUSE_MAX_MS: u64 = 1000;

/// How often a silent server is asked whether it is there; after three questions without an answer it is not.
const PING_MS: u64 = 2000;

/// Frames that the client has taken and not yet written. Small: these alone survive a broken connection and
/// arrive late.
const CLIENT_FRAMES: usize = 64;

/// A client that is connected, or will be.
pub(super) async fn connect(
    options: &NatsOptions,
    me: &Start,
    tally: &Arc<Tally>,
) -> Result<Client, BusError> {
    let servers = servers(&options.addresses)?;
    let client = client_options(options, me, tally)?;
    let addresses = options.addresses.join(", ");
    let first = client.clone().connect(servers.as_slice());
    let why = match tokio::time::timeout(Duration::from_millis(CONNECT_MS), first).await {
        Ok(Ok(client)) => return Ok(client),
        Ok(Err(error)) => {
            if let Some(why) = refusal(&error) {
                return Err(BusError::Refused(format!(
                    "the NATS server at {addresses} {why}"
                )));
            }
            error.to_string()
        }
        Err(_) => format!("no answer within {CONNECT_MS} ms"),
    };
    tally.told.store(true, Ordering::Relaxed);
    tracing::warn!(%addresses, %why, "no NATS server can be reached; it is tried again for ever");
    let later = client.retry_on_initial_connect();
    later
        .connect(servers.as_slice())
        .await
        .map_err(|error| BusError::Unfit(format!("NATS at {addresses}: {error}")))
}

fn servers(addresses: &[String]) -> Result<Vec<ServerAddr>, BusError> {
    if addresses.is_empty() {
        return Err(BusError::Unfit(
            "no address of a NATS server is given; give at least one host:port".to_owned(),
        ));
    }
    addresses.iter().map(|address| server(address)).collect()
}

fn server(address: &str) -> Result<ServerAddr, BusError> {
    let wrong = || {
        BusError::Unfit(format!(
            "\"{}\" is no address of a NATS server; write host:port",
            // Whoever writes a secret into it shall not find it in a log.
            address
                .rsplit('@')
                .next()
                .unwrap_or_default()
                .escape_default()
        ))
    };
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    if host.is_empty() || host.contains(['/', '@']) || !matches!(port.parse::<u16>(), Ok(1..)) {
        return Err(wrong());
    }
    address.parse().map_err(|_| wrong())
}

fn client_options(
    options: &NatsOptions,
    me: &Start,
    tally: &Arc<Tally>,
) -> Result<ConnectOptions, BusError> {
    let heard = Arc::clone(tally);
    let client = ConnectOptions::new()
        .name(me)
        .no_echo()
        .subscription_capacity(INCOMING_FRAMES)
        .client_capacity(CLIENT_FRAMES)
        .connection_timeout(Duration::from_millis(CONNECT_MS))
        .ping_interval(Duration::from_millis(PING_MS))
        .reconnect_delay_callback(pause)
        .event_callback(move |event| {
            hear(&event, &heard);
            std::future::ready(())
        })
        // Also without TLS of our own: a server may ask for it, and then nobody else shall choose whom to trust.
        .tls_client_config(trusting(options.tls_ca.as_deref())?)
        .require_tls(options.tls_ca.is_some());
    Ok(match &options.login {
        Some(NatsLogin::Password { name, secret }) => {
            client.user_and_password(name.clone(), secret.clone())
        }
        Some(NatsLogin::Token(secret)) => client.token(secret.clone()),
        None => client,
    })
}

/// The pause before a try to connect; `tried` counts since the last connection.
fn pause(tried: usize) -> Duration {
    let doubled = u32::try_from(tried).map_or(u64::MAX, |tried| {
        1_u64.checked_shl(tried).unwrap_or(u64::MAX)
    });
    Duration::from_millis(if tried <= 1 {
        0
    } else {
        doubled.min(PAUSE_MAX_MS)
    })
}

/// Counts and tells what happens to the connection.
fn hear(event: &Event, tally: &Tally) {
    match event {
        Event::Connected => {
            if tally.told.swap(false, Ordering::Relaxed) {
                tracing::info!("NATS is connected");
            }
        }
        Event::SlowConsumer(_) => {
            tally.slow.fetch_add(1, Ordering::Relaxed);
        }
        Event::Disconnected => tell(tally, "the connection is lost"),
        Event::ServerError(error) => tell(tally, &error.to_string()),
        Event::ClientError(error) => tell(tally, &error.to_string()),
        Event::LameDuckMode | Event::Draining | Event::Closed => {}
    }
}

fn tell(tally: &Tally, why: &str) {
    if tally.told.swap(true, Ordering::Relaxed) {
        tracing::debug!(why, "NATS still has trouble");
    } else {
        tracing::warn!(
            why,
            "NATS has trouble; what nodes push to each other comes late until it is over"
        );
    }
}

/// Why a server that answered does not serve us; nothing if it may do so later.
fn refusal(error: &ConnectError) -> Option<String> {
    if error.kind() == ConnectErrorKind::AuthorizationViolation {
        return Some("refuses the name or its secret".to_owned());
    }
    let mut cause = error.source();
    while let Some(found) = cause {
        let inside = found
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if let Some(rustls::Error::InvalidCertificate(why)) =
            inside.and_then(|inside| inside.downcast_ref::<rustls::Error>())
        {
            return Some(format!("shows a certificate that is not accepted: {why}"));
        }
        cause = found.source();
    }
    None
}

/// Trusts exactly the certificates of a PEM file; nobody without one.
fn trusting(ca: Option<&Path>) -> Result<ClientConfig, BusError> {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = ca {
        let cannot = |why: String| {
            BusError::Unfit(format!(
                "the certificates for NATS in {} cannot be used: {why}",
                ca.display()
            ))
        };
        let certificates =
            CertificateDer::pem_file_iter(ca).map_err(|error| cannot(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| cannot(error.to_string()))?;
            let added = roots.add(certificate);
            added.map_err(|error| cannot(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(cannot("there is none in it".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| BusError::Unfit(format!("TLS to NATS cannot be used: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_second() {
        let tried = [0, 1, 2, 5, 9, 10, 64, usize::MAX];
        let pauses = tried.map(|tried| pause(tried).as_millis());
        assert_eq!(pauses, [0, 0, 4, 32, 512, 1000, 1000, 1000]);
    }

    #[test]
    fn an_address_that_is_none_does_not_tell_the_secret_in_it() {
        let why = server("name:hidden@host:1").unwrap_err().to_string();
        assert!(
            why.contains("\"host:1\"") && !why.contains("hidden"),
            "{why}"
        );
        for good in ["host:4222", "10.0.0.1:1", "[::1]:4222"] {
            server(good).unwrap();
        }
    }

    #[test]
    fn certificates_that_cannot_be_used_are_refused_by_name() {
        let folder = std::env::temp_dir().join(format!("chaoke-nats-ca-{}", std::process::id()));
        std::fs::write(&folder, "nothing").unwrap();
        let why = trusting(Some(&folder)).unwrap_err().to_string();
        std::fs::remove_file(&folder).unwrap();
        assert!(why.contains("there is none in it"), "{why}");
    }

    #[test]
    fn trouble_is_told_once_and_each_frame_lost_is_counted() {
        let tally = Tally::default();
        hear(&Event::Disconnected, &tally);
        assert!(tally.told.load(Ordering::Relaxed));
        hear(&Event::SlowConsumer(1), &tally);
        hear(&Event::SlowConsumer(2), &tally);
        assert_eq!(tally.all(), 2);
        tally.missing.store(7, Ordering::Relaxed);
        tally.drop_frames(10);
        assert_eq!(tally.all(), 17);
        hear(&Event::Connected, &tally);
        assert!(!tally.told.load(Ordering::Relaxed));
    }
}
