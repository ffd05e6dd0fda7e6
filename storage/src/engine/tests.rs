//! The suite on the engines that need nothing beside them.

use std::sync::Mutex;

use crate::suite::{Bench, Hands};
use crate::{Limits, Store, engine_suite};

struct InMemory;

impl Bench for InMemory {
    fn open(&self, limits: Limits, clock: &Hands) -> Store {
        Store::memory(limits, clock.clock())
    }

    fn keeps(&self) -> bool {
        false
    }
}

struct InFolder {
    folder: tempfile::TempDir,
    open: Mutex<Option<Store>>,
}

impl InFolder {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            open: Mutex::new(None),
        }
    }
}

impl Bench for InFolder {
    fn open(&self, limits: Limits, clock: &Hands) -> Store {
        let before = self.open.lock().expect("no test panics here").take();
        if let Some(before) = before {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(before.close())
            });
        }
        let store = Store::embedded(self.folder.path(), limits, clock.clock()).expect("it opens");
        *self.open.lock().expect("no test panics here") = Some(store.clone());
        store
    }

    fn keeps(&self) -> bool {
        true
    }
}

mod memory {
    use super::{InMemory, engine_suite};

    engine_suite!(InMemory);
}

mod embedded {
    use super::{InFolder, engine_suite};

    engine_suite!(InFolder::new());
}
