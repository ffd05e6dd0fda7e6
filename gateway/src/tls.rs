//! HTTPS by certificate files. They are read again when they change, so that a renewed certificate needs no
//! restart; a bad one is told in the log, and the one before it stays.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chat_core::clock::Clock;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{Error, ServerConfig};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use webpki::{EndEntityCert, KeyUsage};

/// Between two looks at the files. Whoever does not want to wait sends SIGHUP.
const LOOK: Duration = Duration::from_secs(60);
const DAY_S: u64 = 86_400;

/// The files.
#[derive(Clone, Debug)]
pub struct Files {
    /// The certificate and those that vouch for it (PEM).
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
}

/// The certificate that is shown.
pub struct Tls {
    files: Files,
    provider: Arc<CryptoProvider>,
    shown: RwLock<Shown>,
}

struct Shown {
    key: Arc<CertifiedKey>,
    /// Of the files when they were last looked at.
    print: u64,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// A sentence: what is wrong with them.
    pub async fn read(files: Files, clock: &Clock) -> Result<Arc<Self>, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let contents = files.contents().await?;
        let key = contents.key(&files, &provider, clock.now_ms())?;
        let shown = RwLock::new(Shown {
            key: Arc::new(key),
            print: contents.print(),
        });
        Ok(Arc::new(Self {
            files,
            provider,
            shown,
        }))
    }

    /// What turns a connection into a secret one.
    ///
    /// # Errors
    /// There is no version of TLS, which can't be.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, String> {
        let config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let mut config = config
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as _);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again whenever they change or SIGHUP comes, for ever.
    ///
    /// # Errors
    /// The signal can't be heard.
    pub fn renewing(self: Arc<Self>, clock: Clock) -> Result<impl Future<Output = ()>, String> {
        // From here on the signal no longer ends the process.
        let hangup = signal(SignalKind::hangup()).map_err(|error| error.to_string())?;
        Ok(self.renew(hangup, clock))
    }

    async fn renew(self: Arc<Self>, mut hangup: Signal, clock: Clock) {
        loop {
            let _ = tokio::time::timeout(LOOK, hangup.recv()).await;
            match self.look_again(clock.now_ms()).await {
                Ok(true) => tracing::info!("a new certificate is shown"),
                Ok(false) => {}
                Err(why) => {
                    tracing::error!(why, "the certificate was not renewed; the old one stays")
                }
            }
        }
    }

    /// Whether there was something new.
    async fn look_again(&self, now_ms: i64) -> Result<bool, String> {
        let contents = self.files.contents().await?;
        let print = contents.print();
        {
            let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
            // What was wrong once is told once.
            if std::mem::replace(&mut shown.print, print) == print {
                return Ok(false);
            }
        }
        let key = contents.key(&self.files, &self.provider, now_ms)?;
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        shown.key = Arc::new(key);
        Ok(true)
    }
}

impl ResolvesServerCert for Tls {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&shown.key))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.fmt(f)
    }
}

/// What stands in the files.
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    async fn contents(&self) -> Result<Contents, String> {
        let certificate = tokio::fs::read(&self.certificate).await.map_err(|error| {
            let file = self.certificate.display();
            format!("the certificate {file} can't be read: {error}")
        })?;
        let key = tokio::fs::read(&self.key).await.map_err(|error| {
            let file = self.key.display();
            format!("the key {file} can't be read: {error}")
        })?;
        Ok(Contents { certificate, key })
    }
}

impl Contents {
    fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.certificate, &self.key).hash(&mut hasher);
        hasher.finish()
    }

    fn key(
        &self,
        files: &Files,
        provider: &CryptoProvider,
        now_ms: i64,
    ) -> Result<CertifiedKey, String> {
        let (certificate, key) = (files.certificate.display(), files.key.display());
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(|error| format!("{certificate} is no certificate in PEM: {error}"))?;
        if chain.is_empty() {
            return Err(format!("{certificate} holds no certificate in PEM"));
        }
        for one in &chain {
            good_now(one, now_ms).map_err(|why| format!("a certificate in {certificate} {why}"))?;
        }
        let secret = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| format!("{key} holds no private key in PEM"))?;
        CertifiedKey::from_der(chain, secret, provider).map_err(|error| match error {
            Error::InconsistentKeys(_) => {
                format!("the key {key} does not belong to the certificate {certificate}")
            }
            error => format!("the key {key} can't be used: {error}"),
        })
    }
}

/// Whether a certificate is good at a time. Who vouches for it is the business of those who see it.
fn good_now(certificate: &CertificateDer<'_>, now_ms: i64) -> Result<(), String> {
    let read =
        EndEntityCert::try_from(certificate).map_err(|error| format!("can't be used: {error}"))?;
    let now = UnixTime::since_unix_epoch(Duration::from_millis(now_ms.unsigned_abs()));
    let found = read.verify_for_usage(&[], &[], &[], now, KeyUsage::server_auth(), None, None);
    let days = |from: UnixTime, to: UnixTime| to.as_secs().saturating_sub(from.as_secs()) / DAY_S;
    match found.err() {
        Some(webpki::Error::CertExpired { time, not_after }) => {
            Err(format!("expired {} days ago", days(not_after, time)))
        }
        Some(webpki::Error::CertNotValidYet { time, not_before }) => Err(format!(
            "is good only in {} days; is the clock right?",
            days(time, not_before) + 1
        )),
        _ => Ok(()),
    }
}
