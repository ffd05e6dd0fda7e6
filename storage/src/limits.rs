//! Every size and period of the store, each with its reason.

/// Sizes and periods; tests on real servers shrink them.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest value of a row, in bytes. Larger things are blobs.
    pub value_bytes: usize,
    /// Longest payload of an effect or of a timer, in bytes: less than a value, so that a row can hold one
    /// together with what became of it.
    pub effect_bytes: usize,
    /// Largest commit, keys and values together, in bytes: one round holds at least four.
    pub commit_bytes: usize,
    /// Most operations, expectations, effects and timers of one commit together.
    pub commit_operations: usize,
    /// Most commits persisted together.
    pub round_commits: usize,
    /// Most bytes persisted together: half a commit-log segment of the distributed engine is the wall.
    pub round_bytes: usize,
    /// Most durable rounds that are not visible yet; at least three.
    pub rounds_unapplied: usize,
    /// Most commits waiting for their answer; beyond them a commit is answered `busy`.
    pub queue_commits: usize,
    /// Most bytes of those commits.
    pub queue_bytes: usize,
    /// Most rows that the writer keeps in memory because commits ask for them again.
    pub kept_rows: usize,
    /// Most bytes of those rows, about.
    pub kept_bytes: usize,
    /// Longest key inside a partition, and longest name of a partition, in bytes.
    pub key_bytes: usize,
    /// Longest name of a home in bytes; it stands in every key.
    pub home_bytes: usize,
    /// Highest bound of `expect_range`, in rows: they are read inside the writer.
    pub range_rows: usize,
    /// Most rows of one page of a scan.
    pub scan_rows: usize,
    /// Most rows of one `get_many`.
    pub get_many_rows: usize,
    /// Most attempt ids remembered for sending identical bytes again.
    pub attempts: usize,
    /// How long attempt ids stay in the round rows, in ms.
    pub attempts_ms: i64,
    /// Least free space of the file system below which commits are refused, in bytes.
    pub free_bytes_min: u64,
    /// How often the commit-number file is synced, in ms of the clock.
    pub commit_number_ms: i64,
    /// Block cache of the embedded engine in bytes.
    pub cache_bytes: u64,
    /// Journal of the embedded engine in bytes, all its files together.
    pub journal_bytes: u64,
    /// What only the engine of a cluster needs.
    pub cql: CqlLimits,
    /// Mixed into the incarnation number when a store is created; give random bits.
    pub incarnation_seed: u64,
}

/// The first position of a store: smaller numbers are free for marks, and no row has version 0.
pub const FIRST_POSITION: u64 = 1_024;

/// How often [`crate::retry`] runs an attempt that lost a race.
pub const RETRIES_MAX: usize = 5;

/// Highest table number that the store keeps for itself.
pub const RESERVED_TABLES_MAX: u16 = 255;

impl Default for Limits {
    fn default() -> Self {
        Self {
            value_bytes: 64 << 10,
            effect_bytes: 60 << 10,
            commit_bytes: 256 << 10,
            commit_operations: 1_000,
            round_commits: 128,
            round_bytes: 1 << 20,
            rounds_unapplied: 4,
            queue_commits: 8_192,
            queue_bytes: 64 << 20,
            kept_rows: 65_536,
            kept_bytes: 32 << 20,
            key_bytes: 1_024,
            home_bytes: 200,
            range_rows: 200,
            scan_rows: 10_000,
            get_many_rows: 5_000,
            attempts: 65_536,
            attempts_ms: 180_000,
            free_bytes_min: 256 << 20,
            commit_number_ms: 1_000,
            cache_bytes: 64 << 20,
            journal_bytes: 512 << 20,
            cql: CqlLimits::default(),
            incarnation_seed: 0,
        }
    }
}

/// Sizes and periods of the engine of a cluster.
#[derive(Debug, Clone)]
pub struct CqlLimits {
    /// Positions of a bucket of the journal. It stands in the cluster's row and can't be changed later.
    pub bucket_positions: u64,
    /// Entries of a log that lie in one partition of the database. It stands in the cluster's row and can't be
    /// changed later.
    pub log_entries: u64,
    /// A round counts as on disk so long after its rows were acknowledged, in ms: plain writes may sit in
    /// the memory of the database when power fails.
    pub mark_age_ms: u64,
    /// How often the mark of applied rounds is moved, in ms.
    pub mark_ms: u64,
    /// After how many rounds it is moved at the latest.
    pub mark_rounds: u64,
    /// Most rounds that wait for the mark.
    pub mark_rounds_kept: usize,
    /// Entries of a bucket are dropped so long after its last commit, in ms.
    pub drop_age_ms: i64,
    /// Buckets dropped at once.
    pub drop_buckets: usize,
    /// True if the owner says once a second that it lives.
    pub beats: bool,
    /// How long the journal must stand still before it is taken from an owner that did not leave, in ms.
    pub still_ms: u64,
    /// How often it is looked at meanwhile, in ms.
    pub look_ms: u64,
    /// How long a start waits while the owner before goes on, in ms.
    pub wait_ms: u64,
    /// How long a commit looks for a writer in a cluster, in ms; longer than a takeover takes.
    pub commit_ms: u64,
    /// A server whose beat stood still for so long is not counted among the servers of a cluster, in ms.
    pub gone_ms: u64,
    /// Furthest that the clocks of server and database may be apart at a start, in ms.
    pub clock_ms: i64,
    /// Time for a conditional statement, in ms; afterwards its outcome is unknown.
    pub conditional_ms: u64,
    /// Time for a read or a plain write, in ms.
    pub plain_ms: u64,
    /// Time to reach the database at a start, in ms.
    pub connect_ms: u64,
}

impl Default for CqlLimits {
    fn default() -> Self {
        Self {
            bucket_positions: 1_024,
            log_entries: 4_096,
            mark_age_ms: 60_000,
            mark_ms: 1_000,
            mark_rounds: 256,
            mark_rounds_kept: 8_192,
            drop_age_ms: 3_600_000,
            drop_buckets: 8,
            beats: true,
            still_ms: 2_000,
            look_ms: 200,
            wait_ms: 10_000,
            commit_ms: 8_000,
            gone_ms: 5_000,
            clock_ms: 5_000,
            conditional_ms: 5_000,
            plain_ms: 5_000,
            connect_ms: 10_000,
        }
    }
}
