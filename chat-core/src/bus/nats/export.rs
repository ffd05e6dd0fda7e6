//! The export to a stream of NATS JetStream.

use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::{self, stream};

use super::connect;
use super::{NatsOptions, Tally};
use crate::bus::subject::Subjects;
use crate::bus::{BusError, Start};
use crate::export::{Event, Export, Telling};

/// Within this time the stream takes an event once, however often it is told.
const SAME_WITHIN: Duration = Duration::from_secs(600);
/// A stream that is made here keeps this much, the newest.
const STREAM_BYTES: i64 = 1 << 30;
/// And for so long.
const STREAM_AGE: Duration = Duration::from_secs(7 * 86_400);
/// Letters of a stream's name.
const NAME_LETTERS_MAX: usize = 32;

/// A stream of events.
pub struct JetStream {
    context: jetstream::Context,
    subjects: Subjects,
    stream: String,
    store: String,
}

impl JetStream {
    /// Events go to the stream of this name, which is made if it is not there; one that is there stays as it is.
    /// NATS may be away, now and later.
    ///
    /// # Errors
    /// As for [`super::Nats::open`], and when it is no name of a stream.
    pub async fn open(
        options: &NatsOptions,
        me: &Start,
        stream: &str,
    ) -> Result<Arc<dyn Export>, BusError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !(1..=NAME_LETTERS_MAX).contains(&stream.len()) || !stream.chars().all(plain) {
            return Err(BusError::Unfit(format!(
                "\"{}\" is no name of a stream: letters, digits, - and _, at most {NAME_LETTERS_MAX}",
                stream.escape_default()
            )));
        }
        let subjects = Subjects::new(&options.prefix)?;
        let client = connect::connect(options, me, &Arc::<Tally>::default()).await?;
        Ok(Arc::new(Self {
            context: jetstream::new(client),
            subjects,
            stream: stream.to_owned(),
            store: options.prefix.clone(),
        }))
    }

    async fn publish(&self, events: &[Event]) -> Result<(), String> {
        let wanted = stream::Config {
            name: self.stream.clone(),
            subjects: vec![self.subjects.events()],
            max_bytes: STREAM_BYTES,
            max_age: STREAM_AGE,
            duplicate_window: SAME_WITHIN,
            ..stream::Config::default()
        };
        let there = self.context.get_or_create_stream(wanted).await;
        there.map_err(|error| format!("the stream {}: {error}", self.stream))?;
        let mut acknowledged = Vec::with_capacity(events.len());
        for event in events {
            let mut headers = HeaderMap::new();
            headers.insert(NATS_MESSAGE_ID, format!("{}:{}", self.store, event.id()));
            let subject = self.subjects.event(event.kind);
            let payload = event.payload.clone().into();
            let sent = self
                .context
                .publish_with_headers(subject, headers, payload)
                .await;
            acknowledged.push(sent.map_err(|error| error.to_string())?);
        }
        for acknowledged in acknowledged {
            acknowledged.await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

impl Export for JetStream {
    fn tell<'a>(&'a self, events: &'a [Event]) -> Telling<'a> {
        Box::pin(self.publish(events))
    }
}
