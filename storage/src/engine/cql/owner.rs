//! Who may write a journal, and what becomes of a round whose outcome is unknown. The one place that decides
//! which conditional statements are sent, in which order, and what their answers mean.
//!
//! The owner is whose token stands in the newest guard. Every conditional statement compares `next` and
//! token for equality, so once a guard is raised to another token, whatever was sent under the old one is
//! dead, however late it arrives.

use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

use super::database::{Bucket, Database, Failure, Guard, Token};
use super::entry::{self, ENTRY_FORMAT, Entry};
use super::rules::{Rule, holds};
use crate::contract::StoreError;
use crate::limits::FIRST_POSITION;

/// Gives random bits.
pub(crate) type Draw = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Longest pause between two tries of a statement.
const PAUSE_MAX_MS: u64 = 500;

/// Where an owner stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The newest bucket.
    pub(crate) bucket: u64,
    /// Its guard, as this process believes it.
    pub(crate) guard: Guard,
    /// Somebody else took the journal; nothing is written here any more.
    pub(crate) deposed: bool,
}

/// Why a journal could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ClaimError {
    /// Its entries are written in a format that this version does not know.
    Format(u64),
    /// Others claim it at the same time, or the database does not answer.
    Failed(String),
    /// Only for who owned it before: somebody else has it now.
    Deposed,
}

/// What an append says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Appended {
    /// The round is in the journal.
    Done,
    /// It certainly is not, and never will be.
    Not(StoreError),
    /// Only [`Journal::settle`] can tell.
    Unknown(String),
}

/// A journal as its owner holds it.
pub(crate) struct Journal<D> {
    database: Arc<D>,
    /// Positions of a bucket.
    size: u64,
    draw: Draw,
    lost: watch::Sender<bool>,
    standing: Mutex<Standing>,
}

/// Nothing was written: the commit belongs to the server that has taken over.
pub(crate) const fn deposed() -> StoreError {
    StoreError::Moved
}

fn unreachable(failure: Failure) -> StoreError {
    StoreError::Unavailable(format!("the database does not answer: {}", failure.why))
}

impl<D: Database> Journal<D> {
    /// A journal that this process does not own yet. `size` is the positions of a bucket.
    pub(crate) fn new(database: Arc<D>, size: u64, draw: Draw) -> Self {
        let nobody = Token { epoch: 0, bits: 0 };
        let guard = Guard {
            next: FIRST_POSITION,
            token: nobody,
        };
        Self {
            database,
            size,
            draw,
            lost: watch::Sender::new(false),
            standing: Mutex::new(Standing {
                bucket: 0,
                guard,
                deposed: true,
            }),
        }
    }

    /// The database it lies in.
    pub(crate) const fn database(&self) -> &Arc<D> {
        &self.database
    }

    /// The newest guard; nothing in a journal that nobody ever owned. `hint` as for [`Journal::claim`].
    pub(crate) async fn look(&self, hint: u64) -> Result<Option<Guard>, Failure> {
        let hint = self.bucket_of(hint.max(FIRST_POSITION));
        let newest = self.newest(hint).await?;
        Ok(newest.map(|(_, bucket)| bucket.guard))
    }

    /// Takes the journal, whoever has it. `hint` is a position whose bucket exists if any does; `claims`
    /// is how often it is tried.
    pub(crate) async fn claim(&self, hint: u64, claims: u32) -> Result<(), ClaimError> {
        let hint = self.bucket_of(hint.max(FIRST_POSITION));
        let mut why = "others claim it too".to_owned();
        for tried in 0..claims {
            match self.take(hint, None).await {
                Ok(Some(standing)) => {
                    self.stand(standing);
                    return Ok(());
                }
                Ok(None) => {}
                Err(Take::Claim(error)) => return Err(error),
                Err(Take::Failed(failure)) => why = failure.why,
            }
            self.database.pause(back_off(tried)).await;
        }
        Err(ClaimError::Failed(why))
    }

    pub(crate) fn standing(&self) -> Standing {
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Done as soon as this process knows that it owns the journal no more.
    pub(crate) async fn lost(&self) {
        // It can only end with the journal itself, which is borrowed here.
        let _ = self.lost.subscribe().wait_for(|lost| *lost).await;
    }

    /// Looks whether another process has taken the journal, as nothing is written that would tell.
    pub(crate) async fn look_after(&self) {
        let standing = self.standing();
        let read = self.database.bucket(standing.bucket, false).await;
        let same = |bucket: Bucket| bucket.guard.token == standing.guard.token;
        if !standing.deposed && matches!(read, Ok(Some(bucket)) if !same(bucket)) {
            // The plain read may have seen a statement that never came to be.
            let _ = self.confirm().await;
        }
    }

    fn stand(&self, standing: Standing) {
        self.lost.send_if_modified(|lost| {
            let before = std::mem::replace(lost, standing.deposed);
            before != *lost
        });
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    /// Notes that somebody else has the journal.
    fn step_down(&self) {
        let standing = self.standing();
        tracing::warn!(
            epoch = standing.guard.token.epoch,
            "another server has taken over the journal"
        );
        self.stand(Standing {
            deposed: true,
            ..standing
        });
    }

    pub(crate) const fn bucket_of(&self, position: u64) -> u64 {
        position / self.size
    }

    /// The position after the last of a bucket.
    pub(crate) const fn end(&self, bucket: u64) -> u64 {
        (bucket + 1) * self.size
    }

    /// The first position of a bucket; the first bucket begins behind the marks.
    pub(crate) fn begin(&self, bucket: u64) -> u64 {
        (bucket * self.size).max(FIRST_POSITION)
    }

    /// Positions that a round may take without crossing the end of a bucket.
    pub(crate) fn room(&self) -> u64 {
        let Standing { bucket, guard, .. } = self.standing();
        match self.end(bucket) - guard.next {
            // The next bucket is made before the round is appended.
            0 => self.size,
            room => room,
        }
    }

    fn token(&self, before: u64) -> Token {
        let epoch = before + 1;
        if !holds(Rule::UniqueToken) {
            return Token { epoch, bits: 0 };
        }
        let bits = entry::joined(((self.draw)(), (self.draw)()));
        Token { epoch, bits }
    }

    /// The newest bucket. Guards are contiguous, so any bucket that exists may begin the walk: forward in
    /// growing steps, then by halves.
    async fn newest(&self, hint: u64) -> Result<Option<(u64, Bucket)>, Failure> {
        let Some(mut bucket) = self.database.bucket(hint, false).await? else {
            let first = self.bucket_of(FIRST_POSITION);
            if hint <= first {
                return Ok(None);
            }
            return Box::pin(self.newest(first)).await;
        };
        let (mut known, mut step) = (hint, 1);
        let mut absent = loop {
            match self.database.bucket(known + step, false).await? {
                Some(found) => {
                    (known, bucket) = (known + step, found);
                    step *= 2;
                }
                None => break known + step,
            }
        };
        while absent - known > 1 {
            let middle = known + (absent - known) / 2;
            match self.database.bucket(middle, false).await? {
                Some(found) => (known, bucket) = (middle, found),
                None => absent = middle,
            }
        }
        Ok(Some((known, bucket)))
    }

    /// One try to own: nothing if it has to be tried again. `own` are the tokens of this process, if only
    /// from those the journal may be taken.
    async fn take(
        &self,
        hint: u64,
        mut own: Option<&mut Vec<Token>>,
    ) -> Result<Option<Standing>, Take> {
        let Some((number, bucket)) = self.newest(hint).await? else {
            let number = self.bucket_of(FIRST_POSITION);
            let guard = Guard {
                next: FIRST_POSITION,
                token: self.token(0),
            };
            return self.make(number, guard).await;
        };
        if bucket.format > ENTRY_FORMAT {
            return Err(Take::Claim(ClaimError::Format(bucket.format)));
        }
        if own
            .as_ref()
            .is_some_and(|own| !own.contains(&bucket.guard.token))
        {
            return Err(Take::Claim(ClaimError::Deposed));
        }
        let token = self.token(bucket.guard.token.epoch);
        if let Some(own) = &mut own {
            own.push(token);
        }
        let full = bucket.guard.next == self.end(number);
        let guard = Guard {
            token,
            ..bucket.guard
        };
        if !full || holds(Rule::RaiseFull) {
            let raised = self.database.raise(number, bucket.guard, token).await;
            // An unknown raise is never read back: it is tried again with another new token.
            if !known(raised)? {
                return Ok(None);
            }
        }
        if full {
            // If it exists already, the next try raises it there with another new token.
            return self.make(number + 1, guard).await;
        }
        Ok(Some(Standing {
            bucket: number,
            guard,
            deposed: false,
        }))
    }

    async fn make(&self, number: u64, guard: Guard) -> Result<Option<Standing>, Take> {
        let made = known(self.database.create(number, guard).await)?;
        Ok(made.then_some(Standing {
            bucket: number,
            guard,
            deposed: false,
        }))
    }

    /// Appends a round that begins at the guard's `next` and stays inside its bucket.
    pub(crate) async fn append(&self, first: u64, next: u64, bytes: Bytes) -> Appended {
        let mut standing = self.standing();
        if standing.deposed {
            return Appended::Not(deposed());
        }
        if standing.guard.next != first {
            self.step_down();
            return Appended::Not(deposed());
        }
        if first == self.end(standing.bucket) {
            let number = standing.bucket + 1;
            match self.database.create(number, standing.guard).await {
                Ok(true) => {}
                Ok(false) => return Appended::Unknown("the next bucket exists".to_owned()),
                Err(failure) if failure.not_done => return Appended::Not(unreachable(failure)),
                Err(failure) => return Appended::Unknown(failure.why),
            }
            standing.bucket = number;
            self.stand(standing);
        }
        let appended = self
            .database
            .append(standing.bucket, standing.guard, next, bytes);
        match appended.await {
            Ok(true) => {
                standing.guard.next = next;
                self.stand(standing);
                Appended::Done
            }
            Ok(false) => Appended::Unknown("the guard is another one".to_owned()),
            Err(failure) if failure.not_done => Appended::Not(unreachable(failure)),
            Err(failure) => Appended::Unknown(failure.why),
        }
    }

    /// After an unknown outcome: takes the journal over from itself. Only then is the late statement dead,
    /// and the entry is there or never will be. Tried until the database answers.
    pub(crate) async fn settle(&self, first: u64) -> bool {
        let before = self.standing();
        let under = before.guard.token;
        let mut own = vec![under];
        let mut tried = 0;
        loop {
            let taken = self.take_again(&before, &mut own).await;
            match taken {
                Ok(Some(standing)) => {
                    self.stand(standing);
                    break;
                }
                Err(Take::Claim(_)) => {
                    self.step_down();
                    break;
                }
                Ok(None) => {}
                Err(Take::Failed(failure)) => {
                    tracing::warn!(why = failure.why, "the journal cannot be taken over yet");
                }
            }
            self.database.pause(back_off(tried)).await;
            tried += 1;
        }
        loop {
            match self.entry_at(first).await {
                Ok(found) => return found.is_some_and(|entry| entry.token == under),
                Err(error) => tracing::warn!(%error, "the journal cannot be read yet"),
            }
            self.database.pause(back_off(tried)).await;
            tried += 1;
        }
    }

    async fn take_again(
        &self,
        before: &Standing,
        own: &mut Vec<Token>,
    ) -> Result<Option<Standing>, Take> {
        if holds(Rule::RaiseOnUnknown) {
            return self.take(before.bucket, Some(own)).await;
        }
        let read = self.database.bucket(before.bucket, true).await?;
        Ok(read.map(|bucket| Standing {
            guard: bucket.guard,
            deposed: bucket.guard.token != before.guard.token,
            ..*before
        }))
    }

    async fn entry_at(&self, position: u64) -> Result<Option<Entry>, StoreError> {
        let bucket = self.bucket_of(position);
        let found = self.database.entries(bucket, position, 1).await;
        let found = found.map_err(unreachable)?.into_iter().next();
        let found = found.filter(|(first, _)| *first == position);
        found.map(|(_, bytes)| entry::decode(&bytes)).transpose()
    }

    /// True if nobody else owned the journal until now: what a round without writes asks before it answers.
    pub(crate) async fn confirm(&self) -> Result<(), StoreError> {
        let standing = self.standing();
        if standing.deposed {
            return Err(deposed());
        }
        let read = self.database.bucket(standing.bucket, true).await;
        let guard = read.map_err(unreachable)?.map(|bucket| bucket.guard);
        if guard == Some(standing.guard) {
            return Ok(());
        }
        self.step_down();
        Err(deposed())
    }

    /// Takes the entries of a full bucket away; true if they are gone. An unknown outcome is simply tried
    /// again another time.
    pub(crate) async fn drop_entries(&self, number: u64) -> Result<bool, StoreError> {
        let read = self.database.bucket(number, false).await;
        let Some(bucket) = read.map_err(unreachable)? else {
            return Ok(false);
        };
        if bucket.dropped {
            return Ok(true);
        }
        if bucket.guard.next != self.end(number) || number >= self.standing().bucket {
            return Ok(false);
        }
        let dropped = self.database.drop_entries(number, bucket.guard).await;
        dropped.map_err(unreachable)
    }

    /// The rounds that hold the positions from `from` up to `until`, about `limit` of them, in order, and the
    /// position where to go on. A missing position of a bucket that was not dropped is an alarm.
    pub(crate) async fn read(
        &self,
        from: u64,
        until: u64,
        limit: usize,
    ) -> Result<(Vec<Entry>, u64), StoreError> {
        let mut found: Vec<Entry> = Vec::new();
        let mut at = from.max(FIRST_POSITION);
        while at < until && found.len() < limit {
            let page = self.page(at, limit - found.len()).await?;
            at = match page.last() {
                Some(entry) => entry.round.last + 1,
                None => self.over_dropped(at).await?,
            };
            found.extend(page);
        }
        Ok((found, at))
    }

    /// Rounds of one bucket without a gap, the first of which holds `at`.
    async fn page(&self, at: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let number = self.bucket_of(at);
        let entries = self.database.entries(number, at, limit).await;
        let mut entries = entries.map_err(unreachable)?;
        if entries.first().is_none_or(|(first, _)| *first != at) {
            // A round that begins before reaches over it.
            let begin = self.begin(number);
            let limit = limit.saturating_add(usize::try_from(at - begin).unwrap_or(usize::MAX));
            let earlier = self.database.entries(number, begin, limit).await;
            entries = earlier.map_err(unreachable)?;
        }
        let (mut page, mut expected) = (Vec::new(), at);
        for (_, bytes) in entries {
            let entry = entry::decode(&bytes)?;
            if entry.round.last < at {
                continue;
            }
            if entry.round.first > expected {
                return Err(missing(expected));
            }
            expected = entry.round.last + 1;
            page.push(entry);
        }
        Ok(page)
    }

    /// Where reading goes on when a bucket has nothing at `at`: behind it, if it was dropped.
    async fn over_dropped(&self, at: u64) -> Result<u64, StoreError> {
        let number = self.bucket_of(at);
        let read = self.database.bucket(number, false).await;
        match read.map_err(unreachable)? {
            Some(bucket) if bucket.dropped => Ok(self.end(number)),
            _ => Err(missing(at)),
        }
    }
}

fn missing(position: u64) -> StoreError {
    StoreError::Corrupt(format!(
        "commit {position} is missing from the journal; restore a backup"
    ))
}

/// Why one try to own ended.
#[derive(Debug)]
enum Take {
    Claim(ClaimError),
    Failed(Failure),
}

impl From<Failure> for Take {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The answer of a conditional statement of a claim; unknown counts as not applied, because the claim goes
/// on with a token that nobody has seen.
fn known(answer: Result<bool, Failure>) -> Result<bool, Take> {
    match answer {
        Ok(applied) => Ok(applied),
        Err(failure) => Err(Take::Failed(failure)),
    }
}

fn back_off(tried: u32) -> u64 {
    (10 << tried.min(6)).min(PAUSE_MAX_MS)
}
