//! The suite on the engines that need nothing beside them.

use std::sync::{Arc, Mutex};

use super::faulty::{Disk, Faults, Faulty};
use super::{Engine, in_memory};
use crate::suite::{Bench, Hands};
use crate::{Limits, Store, engine_suite};

/// One map for all stores of a case, so that it can be opened again.
struct InMemory {
    engine: Arc<dyn Engine>,
    open: Last,
}

/// The store of a bench that was opened last.
#[derive(Default)]
struct Last(Mutex<Option<Store>>);

impl Last {
    /// Closes it; its files must be free before they are opened again.
    fn close(&self) {
        if let Some(before) = self.0.lock().expect("no test panics here").take() {
            now(before.close());
        }
    }

    fn set(&self, store: &Store) {
        *self.0.lock().expect("no test panics here") = Some(store.clone());
    }
}

fn now<F: Future>(future: F) -> F::Output {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(future))
}

impl InMemory {
    fn new() -> Self {
        Self {
            engine: in_memory(7),
            open: Last::default(),
        }
    }
}

impl Bench for InMemory {
    fn open(&self, limits: Limits, clock: &Hands) -> Store {
        self.open.close();
        let store = Store::with_engine(Arc::clone(&self.engine), limits, clock.clock());
        self.open.set(&store);
        store
    }

    fn keeps(&self) -> bool {
        true
    }
}

/// Faults that nobody may notice.
struct Hidden {
    disk: Arc<Disk>,
    open: Last,
}

impl Hidden {
    fn new() -> Self {
        Self {
            disk: Disk::new(in_memory(7)),
            open: Last::default(),
        }
    }
}

impl Bench for Hidden {
    fn open(&self, limits: Limits, clock: &Hands) -> Store {
        self.open.close();
        let engine = now(Faulty::start(&self.disk, Faults::hidden(11)));
        let store = Store::with_engine(engine, limits, clock.clock());
        self.open.set(&store);
        store
    }

    fn keeps(&self) -> bool {
        true
    }
}

struct InFolder {
    folder: tempfile::TempDir,
    open: Last,
}

impl InFolder {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            open: Last::default(),
        }
    }
}

impl Bench for InFolder {
    fn open(&self, limits: Limits, clock: &Hands) -> Store {
        self.open.close();
        let store = Store::embedded(self.folder.path(), limits, clock.clock()).expect("it opens");
        self.open.set(&store);
        store
    }

    fn keeps(&self) -> bool {
        true
    }
}

mod memory {
    use super::{InMemory, engine_suite};

    engine_suite!(InMemory::new());
}

mod embedded {
    use super::{InFolder, engine_suite};

    engine_suite!(InFolder::new());
}

mod faulty {
    use super::{Hidden, engine_suite};

    engine_suite!(Hidden::new());
}
