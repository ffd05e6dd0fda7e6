//! What the writer knows while it evaluates a round: the fetched rows, and over them what earlier commits
//! of the round wrote.

use std::collections::HashMap;

use crate::contract::{Home, Row, RowAt};

/// The place of a row in the whole store.
pub(crate) type Place = (Home, RowAt);

/// A row to write; nothing deletes it.
pub(crate) type Written = (Place, Option<Row>);

struct Known {
    row: Option<Row>,
    written: bool,
}

/// Fetched and written rows of a round.
#[derive(Default)]
pub(crate) struct Overlay {
    rows: HashMap<Place, Known>,
}

impl Overlay {
    /// Takes a row as it was read from the engine. A written row is newer and stays.
    pub(crate) fn fetched(&mut self, place: Place, row: Option<Row>) {
        let known = Known {
            row,
            written: false,
        };
        self.rows.entry(place).or_insert(known);
    }

    /// Takes what a commit wrote.
    pub(crate) fn write(&mut self, rows: Vec<Written>) {
        for (place, row) in rows {
            let known = Known { row, written: true };
            self.rows.insert(place, known);
        }
    }

    /// The row; nothing at all if it was never fetched.
    pub(crate) fn get(&self, place: &Place) -> Option<Option<&Row>> {
        self.rows.get(place).map(|known| known.row.as_ref())
    }

    /// The last written state of every row of the round.
    pub(crate) fn into_written(self) -> impl Iterator<Item = Written> {
        let written = self.rows.into_iter().filter(|(_, known)| known.written);
        written.map(|(place, known)| (place, known.row))
    }
}
