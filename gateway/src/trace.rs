//! Traces for those who run many servers: how long each call took, and its commits, sent to a collector by OTLP over
//! HTTP. Off unless a collector is named. A call over HTTP may continue a trace (`traceparent`, W3C Trace Context).
//! Of a call a trace names the method, its request id and its outcome: never who called, or with what.

use std::collections::HashMap;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider,
};
use tracing::{Metadata, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer;
use tracing_subscriber::registry::LookupSpan;

use crate::config::Telling;

/// Spans that wait for the collector; what comes while so many wait is not told.
const WAITING: usize = 4_096;
/// Spans that are sent at once.
const AT_ONCE: usize = 512;
/// They are sent this often.
const EACH: Duration = Duration::from_secs(2);
/// The collector may take this long …
const PATIENCE: Duration = Duration::from_secs(5);
/// … and at the end of the server this long.
const LAST_PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of the file with the header.
const HEADER_BYTES: usize = 8 * 1024;

/// Set once there is a collector: without one nothing is looked up.
static ON: OnceLock<()> = OnceLock::new();

/// What sends traces; it sends what is left when it ends.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to send to the collector that is named, if one is. Not inside a runtime: it has a thread of its own.
    ///
    /// # Errors
    /// The file with the header can't be read, or holds none.
    pub fn begin(telling: &Telling, node: &str) -> Result<Option<Self>, String> {
        let Some(collector) = &telling.otlp else {
            return Ok(None);
        };
        let header = header(telling)?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{collector}/v1/traces"))
            .with_timeout(PATIENCE)
            .with_headers(HashMap::from_iter(header))
            .build()
            .map_err(|error| format!("--otlp: {error}"))?;
        let sizes = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING)
            .with_max_export_batch_size(AT_ONCE)
            .with_scheduled_delay(EACH)
            .build();
        let batches = BatchSpanProcessor::builder(exporter).with_batch_config(sizes);
        let part = f64::from(telling.otlp_percent) / 100.0;
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(part)));
        let me = Resource::builder_empty()
            .with_service_name("chaoke")
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", node.to_owned()),
            ])
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(batches.build())
            .with_sampler(sampler)
            .with_resource(me)
            .build();
        let _ = ON.set(());
        Ok(Some(Self(provider)))
    }

    /// Turns spans of the log into spans of traces.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("chaoke"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(dynamic_filter_fn(is_told))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.0.shutdown_with_timeout(LAST_PATIENCE) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// The spans of calls, and of the commits inside them; no line of the log.
fn is_told<S>(what: &Metadata<'_>, around: &layer::Context<'_, S>) -> bool
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    what.is_span()
        && match what.name() {
            CALL => true,
            "commit" => around.lookup_current().is_some(),
            _ => false,
        }
}

/// Name of the span of a call.
pub(crate) const CALL: &str = "call";

/// The trace that a call over HTTP continues.
#[derive(Clone, Debug)]
pub struct Parent(Context);

impl Parent {
    /// What the headers say of it; nothing where nobody traces.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        ON.get()?;
        let context = TraceContextPropagator::new().extract(&Headers(headers));
        let is_one = context.span().span_context().is_valid();
        is_one.then_some(Self(context))
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// A call begins.
pub(crate) fn begins(span: &Span, method: &str, parent: Option<Parent>) {
    if ON.get().is_none() {
        return;
    }
    // Whoever looks at traces knows calls by their methods.
    span.record("otel.name", method);
    span.record("otel.kind", "server");
    if let Some(Parent(context)) = parent {
        // It can't have begun yet.
        let _ = span.set_parent(context);
    }
}

/// It ended, refused with that code or not.
pub(crate) fn ended(refused: Option<&str>) {
    if ON.get().is_some() {
        let span = Span::current();
        span.set_attribute("outcome", refused.unwrap_or("ok").to_owned());
    }
}

/// Reads where a collector is.
///
/// # Errors
/// It is no such address.
pub fn collector(text: &str) -> Result<String, String> {
    let whole = || "write it as http://127.0.0.1:4318".to_owned();
    let uri: Uri = text.parse().map_err(|_| whole())?;
    let authority = uri.authority().ok_or_else(whole)?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.query().is_some() {
        return Err(whole());
    }
    if authority.as_str().contains('@') {
        return Err("leave out the name and the password: --otlp-header-file".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The header that the collector wants, if one is named.
///
/// # Errors
/// Its file can't be read, or holds none. What is in it is not told.
pub(crate) fn header(telling: &Telling) -> Result<Option<(String, String)>, String> {
    telling.otlp_header.as_deref().map(read_header).transpose()
}

fn read_header(file: &Path) -> Result<(String, String), String> {
    let told = |why: String| format!("the header in {}: {why}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| told(error.to_string()))?;
    let one = text
        .trim()
        .split_once(':')
        .filter(|_| text.len() <= HEADER_BYTES);
    let (name, value) = one.ok_or_else(|| told("write it as `Name: value`".to_owned()))?;
    let (name, value) = (name.trim(), value.trim());
    if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
        return Err(told("it can't stand in a request".to_owned()));
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_an_address_without_secrets() {
        for (typed, kept) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318"),
            (
                "https://otlp.example.com/base/",
                "https://otlp.example.com/base",
            ),
        ] {
            assert_eq!(collector(typed).unwrap(), kept);
        }
        for bad in [
            "127.0.0.1:4318",
            "ftp://a",
            "http://a?b",
            "http://me:secret@a",
            "",
        ] {
            assert!(collector(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_header_is_read_from_a_file_and_never_told() {
        let folder = std::env::temp_dir().join(format!("chaoke-otlp-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("header");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            read_header(&file)
        };
        let pair = ("Authorization".to_owned(), "Bearer a:b".to_owned());
        assert_eq!(read("Authorization: Bearer a:b\n").unwrap(), pair);
        for bad in ["", "secret", "two words: secret", "a: sec\nret"] {
            let refusal = read(bad).unwrap_err();
            assert!(!refusal.contains("sec"), "{refusal}");
        }
        assert!(read_header(&folder.join("none")).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
