//! One suite for every engine: what the contract says, as cases that a store of any engine must pass.
//!
//! A new engine gives a [`Bench`] and runs the cases by [`crate::engine_suite`]; no case is left out.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub use crate::engine::embedded::claim_format;
use crate::{Home, Limits, Log, RowAt, Store, StoreError, Table, Value};

pub mod cassandra;
pub mod commits;
pub mod history;
pub mod ids;
pub mod kill;
pub mod limits;
pub mod model;
pub mod names;
pub mod paging;
pub mod rounds;
pub mod signal;
pub mod timers;

/// Makes stores of one engine. Every case gets a bench of its own.
pub trait Bench: Send + Sync {
    /// Opens the store of this bench; the one opened before is closed.
    fn open(&self, limits: Limits, clock: &Hands) -> Store;

    /// True if a store opened again holds what the one before held.
    fn keeps(&self) -> bool;
}

/// A clock that moves when a case moves it.
#[derive(Clone)]
pub struct Hands(Arc<AtomicI64>);

/// Where the clock of a case begins, in ms since 1970.
pub const NOON_MS: i64 = 1_700_000_000_000;

impl Default for Hands {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(NOON_MS)))
    }
}

impl Hands {
    /// Moves it; backward with a negative number.
    pub fn forward(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// The time it shows.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// As a store takes it.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Fn() -> i64 + Send + Sync> {
        let hands = self.clone();
        Arc::new(move || hands.now())
    }
}

pub(crate) const ROWS: Table<Vec<u8>, Vec<u8>, u64> = Table::new(300, "rows");
pub(crate) const LOG: Log<Vec<u8>, u64> = Log::new(301, "log");
pub(crate) const NUMBERS: Table<(), Vec<u8>, u64> = Table::new(302, "numbers");

/// The limits of a case: those of a server, without asking for free space on the machine of the test.
#[must_use]
pub fn limits() -> Limits {
    Limits {
        free_bytes_min: 0,
        cache_bytes: 4 << 20,
        ..Limits::default()
    }
}

pub(crate) fn open(bench: &dyn Bench) -> (Store, Home, Hands) {
    let hands = Hands::default();
    let store = bench.open(limits(), &hands);
    (store, Home::new("thing", 1), hands)
}

/// A row with an unescaped key.
pub(crate) fn raw(partition: &[u8], key: &[u8]) -> RowAt {
    RowAt {
        table: ROWS.id(),
        partition: Bytes::copy_from_slice(partition),
        key: Bytes::copy_from_slice(key),
    }
}

pub(crate) fn number(key: &str) -> RowAt {
    NUMBERS.at(&(), &key.as_bytes().to_vec())
}

pub(crate) fn text(value: &str) -> Value {
    Value::bytes(value.as_bytes().to_vec())
}

/// Writes one row.
pub(crate) async fn put(store: &Store, home: &Home, at: &RowAt, value: &str) -> u64 {
    let mut t = store.transaction(home);
    t.put(at.clone(), text(value));
    t.commit().await.expect("a put").position
}

/// Reads one row as text.
pub(crate) async fn shown(store: &Store, home: &Home, at: &RowAt) -> Option<String> {
    let row = store.get(home, at).await.expect("a read");
    row.map(|row| String::from_utf8_lossy(&row.value).into_owned())
}

pub(crate) fn assert_conflict<T: std::fmt::Debug>(result: Result<T, StoreError>) {
    let error = result.expect_err("a conflict");
    assert!(error.lost_race(), "{error:?}");
}

/// Runs every case of the suite as a test of its own; `$bench` makes a fresh bench.
#[macro_export]
macro_rules! engine_suite {
    ($bench:expr) => {
        $crate::engine_suite! {
            $bench,
            commits: [
                every_operation_answers_like_a_plain_map,
                a_row_is_read_back_with_its_version,
                expectations_name_what_changed,
                a_refused_commit_leaves_no_trace,
                what_was_read_is_expected_at_commit,
                a_rule_refuses_only_by_what_still_stands,
                a_lost_race_runs_again_at_most_five_times,
                numbers_appear_in_values_and_keys,
                a_typed_value_with_later_numbers_reads_back,
                the_larger_number_wins_and_brings_its_payload,
                a_counter_stays_inside_its_bounds,
                an_expected_range_is_counted,
                an_ended_row_is_absent_everywhere,
                a_trimmed_log_keeps_its_numbers,
                concurrent_appends_are_dense,
                a_reader_of_a_trimmed_log_finds_what_its_head_names,
                the_time_of_commits_never_goes_back,
                homes_are_listed_in_pages,
            ],
            history: [
                concurrent_calls_are_linearizable,
            ],
            names: [
                a_name_is_given_once,
                a_reservation_that_ran_out_is_taken_over,
            ],
            ids: [
                a_repeated_client_id_gives_the_first_answer,
                another_request_under_a_client_id_is_refused,
                client_ids_belong_to_home_scope_and_author,
                an_old_client_id_is_refused_or_runs_anew,
                concurrent_repeats_run_once,
                an_attempt_sent_again_gives_the_same_answer,
                a_forgotten_attempt_is_never_run_again,
                an_attempt_is_remembered_for_its_time,
                an_effect_is_done_once,
            ],
            limits: [
                every_size_has_a_boundary,
                a_log_stops_at_its_limit,
                a_log_is_trimmed_piece_by_piece,
                a_queue_takes_exactly_what_it_may,
                no_round_takes_more_than_it_may,
                many_small_commits_fill_several_rounds,
                a_closed_store_answers_closed,
            ],
            paging: [
                pages_join_to_the_whole_in_both_directions,
                a_scan_stays_inside_its_partition_and_home,
                ended_rows_do_not_shorten_a_page,
                entries_are_read_by_number,
                the_newest_entries_are_found_behind_holes,
                many_rows_are_read_at_once,
                a_long_log_reads_as_one_in_both_directions,
                logs_and_rows_are_kept_apart,
            ],
            rounds: [
                every_round_is_handed_out_in_order,
                an_answer_waits_for_the_receivers,
                effects_are_read_from_the_rounds,
                forgotten_rounds_stay_forgotten,
                a_store_opened_again_goes_on,
            ],
            timers: [
                a_timer_fires_once_at_its_time,
                a_timer_is_replaced_by_its_name,
                a_cancelled_timer_never_fires,
                a_timer_can_be_taken_by_a_commit_of_its_home,
                timers_of_one_time_fire_all,
                a_clock_that_jumps_fires_each_timer_once,
            ],
        }
    };
    ($bench:expr, $($module:ident: [$($case:ident),* $(,)?]),* $(,)?) => {
        $(
            mod $module {
                use super::*;
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $case() {
                        $crate::suite::$module::$case(&$bench).await;
                    }
                )*
            }
        )*
    };
}
