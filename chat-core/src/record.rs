//! The record kit: get, list, create, update for plain records of a space. One commit writes the row, its
//! index entries and unique keys, and the line of its history. It has no hooks: what does not fit is
//! written by hand in its own file.
//!
//! A record lives in the home of its space. Its history is a log of its own, one entry a change, which is
//! its activity feed at once.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use storage::{
    Committed, Direction, Home, IndexError, Indexed, KeyRange, Later, Log, Store, Value, retry,
};

use crate::api::{Answer, ApiError, Class};
use crate::ctx::request_hash;
use crate::ids::{Id, UserId};
use crate::limits::CALL_ID_KEPT_MS;

// ---- types

/// A kind of record.
pub struct Kind<V: 'static> {
    /// Its word in methods and codes: `customer`.
    pub name: &'static str,
    /// Its rows, orders and unique keys.
    pub rows: Indexed<Id, V>,
    /// Its history.
    pub history: Log<Id, Line>,
}

/// A line of a record's history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// When: the commit's time.
    pub at: Later,
    /// Who.
    pub by: UserId,
    /// What was done.
    pub what: What,
    /// The fields that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
}

/// What was done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was taken away.
    Deleted,
}

/// A change that somebody asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Who.
    pub by: UserId,
    /// The call's client id; a repeat gets the first answer.
    pub key: &'a str,
}

// ---- rules

/// The names of the fields that differ.
fn changed_fields<V: Serialize>(old: &V, new: &V) -> Vec<String> {
    let (Ok(serde_json::Value::Object(old)), Ok(serde_json::Value::Object(new))) =
        (serde_json::to_value(old), serde_json::to_value(new))
    else {
        return vec![];
    };
    let all = old
        .keys()
        .chain(new.keys().filter(|name| !old.contains_key(*name)));
    all.filter(|name| old.get(*name) != new.get(*name))
        .cloned()
        .collect()
}

/// The id of the record that a call creates, so that its repeat finds the same one.
pub fn id_for(kind: &str, home: &Home, asked: Asked<'_>) -> Id {
    Id::derived(
        kind,
        &[home.as_str().as_bytes(), &asked.by.0, asked.key.as_bytes()],
    )
}

// ---- the kit

impl<V: Clone + Serialize + DeserializeOwned + Send + Sync> Kind<V> {
    /// A record.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn get(&self, store: &Store, home: &Home, id: Id) -> Answer<Option<V>> {
        Ok(store.read(home, &self.rows.rows, &(), &id).await?)
    }

    /// A page of records in the order of `index`, with the key after which the next page begins.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn list(
        &self,
        store: &Store,
        home: &Home,
        index: u16,
        range: KeyRange,
        limit: usize,
    ) -> Answer<Vec<(Bytes, Id, V)>> {
        let found = self
            .rows
            .find(store, home, index, range, Direction::Forward, limit)
            .await?;
        let wanted: Vec<_> = found
            .iter()
            .map(|(_, id)| (home.clone(), self.rows.rows.at(&(), id)))
            .collect();
        let rows = store.get_many(&wanted).await?;
        let both = found.into_iter().zip(rows);
        both.filter_map(|((entry, id), row)| {
            Some(Ok((
                entry,
                id,
                self.rows.rows.decode(&row?).map_err(ApiError::from),
            )))
        })
        .map(|item: Result<_, ApiError>| item.and_then(|(entry, id, row)| Ok((entry, id, row?))))
        .collect()
    }

    /// Makes a record and answers its id; a repeat with the same client id answers the same one.
    ///
    /// # Errors
    /// `conflict` (`<name>_taken`) at the unique key that another record has.
    pub async fn create(
        &self,
        store: &Store,
        home: &Home,
        asked: Asked<'_>,
        value: &V,
    ) -> Answer<Id> {
        let id = id_for(self.name, home, asked);
        retry(|| {
            self.write(store, home, asked, id, What::Created, |_| {
                Some(value.clone())
            })
        })
        .await?;
        Ok(id)
    }

    /// Changes a record. `change` is called with what is there now, again if that changed meanwhile.
    ///
    /// # Errors
    /// `not_found`; as [`Self::create`].
    pub async fn update(
        &self,
        store: &Store,
        home: &Home,
        asked: Asked<'_>,
        id: Id,
        change: impl Fn(&V) -> V + Sync,
    ) -> Answer<()> {
        retry(|| {
            self.write(store, home, asked, id, What::Updated, |old| {
                old.map(&change)
            })
        })
        .await?;
        Ok(())
    }

    /// Takes a record away; its history stays.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn delete(&self, store: &Store, home: &Home, asked: Asked<'_>, id: Id) -> Answer<()> {
        retry(|| self.write(store, home, asked, id, What::Deleted, |_| None)).await?;
        Ok(())
    }

    async fn write(
        &self,
        store: &Store,
        home: &Home,
        asked: Asked<'_>,
        id: Id,
        what: What,
        change: impl Fn(Option<&V>) -> Option<V>,
    ) -> Answer<Option<Committed>> {
        let hash = request_hash(self.name, &[&id.0, &[what as u8]]);
        let author = asked.by.to_string();
        let mut t =
            store
                .transaction(home)
                .client_id("call", &author, asked.key, hash, CALL_ID_KEPT_MS);
        if let Some(done) = t.repeated().await? {
            return Ok(Some(done));
        }
        let old = t.read(&self.rows.rows, &(), &id).await?;
        if old.is_none() != (what == What::Created) {
            return Err(ApiError::not_found());
        }
        let new = change(old.as_ref());
        let fields = old
            .as_ref()
            .zip(new.as_ref())
            .map_or_else(Vec::new, |(old, new)| changed_fields(old, new));
        if what == What::Updated && fields.is_empty() {
            return Ok(None);
        }
        self.rows
            .replace(&mut t, &id, new.as_ref())
            .await
            .map_err(taken)?;
        let line = Line {
            at: Later::Time,
            by: asked.by,
            what,
            fields,
        };
        t.append(self.history.partition(&id), Value::fill(&line)?, false);
        Ok(Some(t.commit().await?))
    }

    /// The history of a record from entry `first` on, up to `limit` lines.
    ///
    /// # Errors
    /// What the store answers.
    pub async fn history(
        &self,
        store: &Store,
        home: &Home,
        id: Id,
        first: u64,
        limit: usize,
    ) -> Answer<Vec<(u64, Line)>> {
        let last = first.saturating_add(limit as u64).saturating_sub(1);
        let rows = store
            .entries(
                home,
                &self.history.partition(&id),
                first,
                last,
                Direction::Forward,
                limit,
            )
            .await?;
        rows.iter()
            .map(|(seq, row)| Ok((*seq, self.history.decode(row)?)))
            .collect()
    }
}

fn taken(error: IndexError) -> ApiError {
    match error {
        IndexError::Store(error) => error.into(),
        IndexError::Taken(name) => ApiError::new(
            Class::Conflict,
            &format!("{name}_taken"),
            "已存在相同的记录",
            "Another record has the same",
        )
        .at(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use storage::{Index, Limits, Table, Unique, key};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Card {
        name: String,
        phone: Option<String>,
    }

    const BY_NAME: u16 = 65_001;
    const CARDS: Kind<Card> = Kind {
        name: "card",
        rows: Indexed {
            rows: Table::new(65_000, "card"),
            indexes: &[Index {
                id: BY_NAME,
                name: "card_by_name",
                keys: |card| vec![key::encode(&card.name)],
            }],
            uniques: &[Unique {
                id: 65_002,
                name: "phone",
                key: |card| card.phone.as_ref().map(key::encode),
            }],
        },
        history: Log::new(65_003, "card_history"),
    };

    const ME: Id = Id([7; 16]);

    fn asked(key: &str) -> Asked<'_> {
        Asked { by: ME, key }
    }

    fn card(name: &str, phone: Option<&str>) -> Card {
        Card {
            name: name.into(),
            phone: phone.map(str::to_owned),
        }
    }

    fn shelf() -> (Store, Home) {
        (
            Store::memory(Limits::default(), Arc::new(|| 1_000)),
            Home::new("space", 1),
        )
    }

    async fn names(store: &Store, home: &Home) -> Vec<String> {
        let all = CARDS
            .list(store, home, BY_NAME, KeyRange::all(), 10)
            .await
            .unwrap();
        all.into_iter().map(|(_, _, card)| card.name).collect()
    }

    #[tokio::test]
    async fn a_repeated_create_finds_the_first_record() {
        let (store, home) = shelf();
        let first = CARDS
            .create(&store, &home, asked("k"), &card("b", Some("1")))
            .await
            .unwrap();
        let again = CARDS
            .create(&store, &home, asked("k"), &card("b", Some("1")))
            .await
            .unwrap();
        assert_eq!(first, again);
        CARDS
            .create(&store, &home, asked("l"), &card("a", None))
            .await
            .unwrap();
        assert_eq!(names(&store, &home).await, ["a", "b"]);
    }

    #[tokio::test]
    async fn a_taken_key_is_told_at_its_field_and_nothing_is_half_done() {
        let (store, home) = shelf();
        CARDS
            .create(&store, &home, asked("k"), &card("a", Some("1")))
            .await
            .unwrap();
        let refused = CARDS
            .create(&store, &home, asked("l"), &card("b", Some("1")))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code.as_str(), refused.field.as_deref()),
            ("phone_taken", Some("phone"))
        );
        assert_eq!(names(&store, &home).await, ["a"]);
    }

    #[tokio::test]
    async fn the_history_tells_who_changed_which_fields() {
        let (store, home) = shelf();
        let id = CARDS
            .create(&store, &home, asked("k"), &card("a", None))
            .await
            .unwrap();
        CARDS
            .update(&store, &home, asked("u"), id, |old| Card {
                phone: Some("2".into()),
                ..old.clone()
            })
            .await
            .unwrap();
        CARDS
            .update(&store, &home, asked("v"), id, Clone::clone)
            .await
            .unwrap();
        CARDS.delete(&store, &home, asked("d"), id).await.unwrap();
        let lines = CARDS.history(&store, &home, id, 1, 10).await.unwrap();
        let told: Vec<_> = lines
            .iter()
            .map(|(seq, line)| (*seq, line.what, line.fields.join(",")))
            .collect();
        assert_eq!(
            told,
            [
                (1, What::Created, String::new()),
                (2, What::Updated, "phone".into()),
                (3, What::Deleted, String::new())
            ]
        );
        assert_eq!(CARDS.get(&store, &home, id).await.unwrap(), None);
        assert_eq!(
            CARDS
                .update(&store, &home, asked("w"), id, Clone::clone)
                .await
                .unwrap_err()
                .code,
            "not_found"
        );
    }
}
