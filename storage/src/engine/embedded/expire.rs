//! Takes ended rows off the disk, while the database compacts anyway. Readers never see an ended row, so
//! this only saves space.

use fjall::compaction::filter::{CompactionFilter, Context, Factory, ItemAccessor, Verdict};
use std::panic::AssertUnwindSafe;

use crate::engine::layout;
use crate::store::Clock;

/// A clock may be wrong for a while: a row goes only when it ended this long ago.
const GRACE_MS: i64 = 3_600_000;

/// Makes the filter of each compaction.
pub(crate) struct Expire(AssertUnwindSafe<Clock>);

impl Expire {
    pub(crate) fn new(clock: Clock) -> Self {
        Self(AssertUnwindSafe(clock))
    }
}

impl Factory for Expire {
    fn name(&self) -> &'static str {
        "ended rows"
    }

    fn make_filter(&self, _ctx: &Context) -> Box<dyn CompactionFilter> {
        Box::new(EndedBefore((self.0)() - GRACE_MS))
    }
}

struct EndedBefore(i64);

impl CompactionFilter for EndedBefore {
    fn filter_item(
        &mut self,
        item: ItemAccessor<'_>,
        _ctx: &Context,
    ) -> Result<Verdict, fjall::LsmError> {
        if !layout::is_row(item.key()) {
            return Ok(Verdict::Keep);
        }
        let stored = item.value()?;
        let end = stored.get(8..16).and_then(|end| end.first_chunk());
        let end = end.map_or(0, |end| i64::from_be_bytes(*end));
        if end != 0 && end < self.0 {
            return Ok(Verdict::Remove);
        }
        Ok(Verdict::Keep)
    }
}

#[cfg(test)]
mod tests {
    use super::GRACE_MS;
    use crate::engine::embedded::Embedded;
    use crate::suite::{Hands, limits, put, raw, shown, text};
    use crate::{Home, Store};
    use std::sync::Arc;

    fn compact(engine: &Embedded) {
        let act = |open: &super::super::Open| {
            open.keyspace.rotate_memtable_and_wait().expect("a flush");
            open.keyspace.major_compact().expect("a compaction");
            Ok(())
        };
        engine.with(act).expect("it is open");
    }

    fn rows(engine: &Embedded) -> usize {
        let count = |open: &super::super::Open| {
            let keys = open
                .keyspace
                .iter()
                .map(|guard| guard.key().expect("a key"));
            Ok(keys
                .filter(|key| crate::engine::layout::is_row(key))
                .count())
        };
        engine.with(count).expect("it is open")
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn ended_rows_leave_the_disk_an_hour_later_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let hands = Hands::default();
        let engine = Embedded::open(folder.path(), &limits(), hands.clock()).unwrap();
        let engine = Arc::new(engine);
        let store = Store::with_engine(Arc::clone(&engine) as _, limits(), hands.clock());
        let home = Home::new("thing", 1);
        let until = |key: &'static [u8], ms: i64| {
            let mut t = store.transaction(&home);
            t.put_until(raw(b"p", key), text("x"), hands.now() + ms);
            t.commit()
        };
        put(&store, &home, &raw(b"p", b"stays"), "x").await;
        until(b"ends", 10).await.unwrap();
        until(b"ends later", 2 * GRACE_MS).await.unwrap();
        until(b"written again", 10).await.unwrap();
        put(&store, &home, &raw(b"p", b"written again"), "y").await;
        compact(&engine);
        hands.forward(10 + GRACE_MS);
        compact(&engine);
        assert_eq!(rows(&engine), 4, "an hour is not over yet");
        hands.forward(1);
        compact(&engine);
        assert_eq!(rows(&engine), 3);
        let again = shown(&store, &home, &raw(b"p", b"written again")).await;
        assert_eq!(again.as_deref(), Some("y"));
        assert_eq!(
            shown(&store, &home, &raw(b"p", b"stays")).await.as_deref(),
            Some("x")
        );
        let later = shown(&store, &home, &raw(b"p", b"ends later")).await;
        assert_eq!(later.as_deref(), Some("x"));
        store.close().await;
    }
}
