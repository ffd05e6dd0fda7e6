//! The named limits of this crate. Where a number comes from stands beside it; the wire's own are in
//! the table at the end of the wire contract (`docs/methods.md` repeats them).

/// Characters of a text message (`IM-i08`).
pub const TEXT_CHARS: usize = 5_000;
/// Bytes of the texts on one page of messages: a server's message has 1 MiB (wire contract), JSON may write a
/// byte as two, and the rest of 200 entries is 60 KB. The page has fewer entries than were asked for then.
pub const PAGE_TEXT_BYTES: usize = 384 * 1024;
/// Characters of the preview of a message in a list row.
pub const PREVIEW_CHARS: usize = 100;
/// Bytes of a client id (wire contract).
pub const CLIENT_ID_BYTES: usize = 64;
/// How long the id of a message is kept: 30 days (wire contract).
pub const MESSAGE_ID_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// How long the id of any other call is kept: 24 h (wire contract).
pub const CALL_ID_KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// People in a discussion (`IM-i12`).
pub const DISCUSSION_MEMBERS: usize = 500;
/// Bots of a discussion (`PLAT-i10`).
pub const BOTS_PER_DISCUSSION: usize = 20;
/// Characters of a bot's name.
pub const BOT_NAME_CHARS: usize = 30;
/// A bot's address before its newest one is good for another day, so that tools can be told in peace.
pub const OLD_ADDRESS_MS: i64 = 24 * 60 * 60 * 1000;
/// Characters of what a tool posts at once: as many texts as that takes.
pub const HOOK_CHARS: usize = 4 * TEXT_CHARS;
/// How far the time of a signature may be from the server's (Standard Webhooks).
pub const SIGNATURE_SKEW_MS: u64 = 5 * 60 * 1000;
/// People added to a discussion by one call.
pub const ADDED_AT_ONCE: usize = 200;
/// Members told in full by `conversation.get`; more come by pages. Also the largest conversation in
/// which read marks and typing are live (architecture section 3).
pub const LIVE_MEMBERS: usize = 50;
/// Members named in a list row, enough for an avatar of nine.
pub const ROW_MEMBERS: usize = 9;
/// Conversations of one person (wire contract).
pub const CONVERSATIONS_PER_USER: i64 = 10_000;
/// Characters of a person's name.
pub const NAME_CHARS: usize = 30;
/// Characters of a company's name.
pub const COMPANY_CHARS: usize = 60;
/// Characters of a person's title.
pub const TITLE_CHARS: usize = 50;
/// Characters of the reason for which somebody is disabled.
pub const REASON_CHARS: usize = 200;
/// Characters of a discussion's name.
pub const DISCUSSION_NAME_CHARS: usize = 50;
/// Characters of a login name.
pub const LOGIN_CHARS: std::ops::RangeInclusive<usize> = 2..=64;
/// Characters of a password (`ACCT-i02`).
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=64;
/// Characters of a device's name.
pub const DEVICE_CHARS: usize = 100;
/// Lines of a pasted list of people.
pub const PASTED_LINES: usize = 500;
/// Characters of a directory search.
pub const SEARCH_CHARS: usize = 64;
/// Hits of a directory search.
pub const SEARCH_HITS: usize = 50;
/// People named in one call.
pub const PEOPLE_AT_ONCE: usize = 200;
/// Members of one space.
pub const SPACE_MEMBERS: i64 = 100_000;
/// Sessions of one account; the oldest is ended when one more signs in.
pub const SESSIONS_PER_ACCOUNT: usize = 50;

/// An access token is good for 15 minutes (wire contract).
pub const ACCESS_MS: i64 = 15 * 60 * 1000;
/// A refresh token is good for 30 days (wire contract).
pub const REFRESH_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// The refresh token before answers with the same pair for 30 s: two tabs, a lost reply.
pub const REFRESH_REPEAT_MS: i64 = 30 * 1000;
/// A reservation of a login name may be taken over after 10 minutes.
pub const RESERVATION_MS: i64 = 10 * 60 * 1000;
/// The set-up link is good for 30 minutes.
pub const SETUP_LINK_MS: i64 = 30 * 60 * 1000;

/// Wrong passwords on (account, address) before the first pause.
pub const WRONG_PASSWORDS: u32 = 5;
/// The first pause; it doubles with each further wrong password …
pub const PAUSE_MS: i64 = 60 * 1000;
/// … up to this.
pub const LONGEST_PAUSE_MS: i64 = 15 * 60 * 1000;
/// (account, address) pairs and addresses remembered by a node at most.
pub const REMEMBERED_GUESSERS: u64 = 100_000;

/// Passwords hashed at the same time: one per core; argon2id takes 19 MiB and 20 ms each.
pub const HASHERS: usize = 2;
/// Calls that may wait for a hasher; more are told `busy`.
pub const WAITING_FOR_HASHER: usize = 64;

/// Rounds that delivery and the effect runner may lie behind the store before it waits for them.
pub const ROUNDS_BEHIND: usize = 1_024;
/// Conversations whose last message is kept in memory.
pub const CACHED_HEADS: u64 = 100_000;
/// Roster entries kept in memory (a roster weighs its members).
pub const CACHED_ROSTER_MEMBERS: u64 = 1_000_000;
/// Persons in conversations of whom it is remembered that they may send.
pub const CACHED_SENDERS: u64 = 100_000;
/// Readers in conversations of whom it is remembered what was written last.
pub const CACHED_READERS: u64 = 100_000;
/// Commits that the export may lie behind before it lets go of the oldest: a million messages.
pub const EXPORT_BEHIND_MAX: u64 = 1_000_000;
/// Members of a conversation that are named in an exported message.
pub const EXPORT_MEMBERS_MAX: usize = 500;
/// Read positions that wait to be written; more are written at once.
pub const WAITING_CURSORS: usize = 100_000;
/// Moves of one reader in one conversation within this time are one write.
pub const CURSOR_PAUSE_MS: u64 = 1_000;
/// An answer that gives or takes membership waits this long for its effects.
pub const EFFECTS_WAIT_MS: u64 = 2_000;
/// Days that the audit is kept, where that is bounded: Chinese law wants logs of half a year.
pub const AUDIT_DAYS: std::ops::RangeInclusive<u32> = 180..=3_650;
/// Entries of the audit that are forgotten at once: each is seven rows at most, a commit has 1,000 operations.
pub const AUDIT_FORGOTTEN: usize = 100;
/// Old entries are looked for this often.
pub const AUDIT_LOOK_MS: i64 = 60 * 60 * 1000;
/// Hours that the overview shows.
pub const HOURS_COUNTED: usize = 48;
/// Hours whose messages are remembered: eight days.
pub const HOURS_KEPT: usize = 8 * 24;
/// Hours that are forgotten at once.
pub const HOURS_FORGOTTEN: usize = 200;
/// Messages of the hour are written this often.
pub const HOURS_PAUSE_MS: u64 = 10_000;
/// Letters and jobs are counted up to this in an overview.
pub const COUNTED_MAX: usize = 1_000;
/// Characters of a method's name.
pub const METHOD_CHARS: usize = 64;
/// Entries of one part of an exported audit …
pub const AUDIT_EXPORT_ROWS: usize = 1_000;
/// … and its bytes, about: a server's message has 1 MiB (wire contract), JSON may write a byte as two.
pub const AUDIT_EXPORT_BYTES: usize = 384 * 1024;
/// Bytes of a file (`IM-i08`).
pub const FILE_BYTES: u64 = 100 << 20;
/// Characters of a file's name: what the file systems of all machines take.
pub const FILE_NAME_CHARS: usize = 255;
/// Bytes of a picture that is shown as one (`IM-i08`) …
pub const PICTURE_BYTES: u64 = 20 << 20;
/// … and its pixels: a browser unpacks four bytes of each.
pub const PICTURE_PIXELS: u64 = 50_000_000;
/// Bytes of a part of an upload: what a cut costs, and what each upload under way takes of memory.
pub const PART_BYTES: u32 = 4 << 20;
/// Parts of a file: 25 full ones make the largest; each cut leaves a short one.
pub const FILE_PARTS: usize = 500;
/// Bytes by which it is told what a file is: cameras put previews before the size of a picture.
pub const FILE_HEAD_BYTES: usize = 256 * 1024;
/// A file that was not sent a day after its upload began is taken away.
pub const FILE_UNSENT_MS: i64 = 24 * 60 * 60 * 1000;
/// A message that claimed a file is not repeated after this: as long as its id is kept.
pub const FILE_SENT_MS: i64 = MESSAGE_ID_KEPT_MS;
/// Uploads of one person that are not finished: what he drags in at once.
pub const OPEN_UPLOADS: u64 = 200;
/// Bytes that one person's files may take, where that is bounded: one file of any size fits.
pub const QUOTA_BYTES: std::ops::RangeInclusive<u64> = FILE_BYTES..=100 << 40;
/// Days that files are kept, where that is bounded.
pub const FILE_DAYS: std::ops::RangeInclusive<u32> = 7..=3_650;
/// Old files that one step takes away …
pub const FILES_EXPIRED: usize = 100;
/// … and the pause behind it: the sums follow meanwhile, and people come first.
pub const FILES_EXPIRED_PAUSE_MS: i64 = 1_000;
/// Old files are looked for this often.
pub const FILES_LOOK_MS: i64 = 60 * 60 * 1000;
/// Homes that one step of the counting of files looks at.
pub const FILES_COUNTED: usize = 100;
/// Files that one call asks links of.
pub const FILE_LINKS: usize = 50;
/// The effect runner's checkpoint is written after this many rounds …
pub const CHECKPOINT_ROUNDS: u64 = 256;
/// … or this long after the last one.
pub const CHECKPOINT_MS: u64 = 1_000;
/// Parked homes are tried again after this long.
pub const PARKED_MS: u64 = 30_000;
/// Homes that may be parked at a time: their names are kept in memory.
pub const PARKED_HOMES: usize = 10_000;
/// Bytes of a job's id: it stands in the name of a timer.
pub const JOB_ID_BYTES: usize = 100;
/// Jobs that run at the same time: they wait for others more than they compute.
pub const JOBS_AT_ONCE: usize = 16;
/// The pause after the first failed step of a job; it doubles with each further one …
pub const JOB_PAUSE_MS: i64 = 1_000;
/// … up to this.
pub const JOB_PAUSE_MAX_MS: i64 = 60 * 60 * 1000;
/// A job whose step fails for longer than three days gives up: an outside party may be down for a weekend.
pub const JOB_FAILS_MS: i64 = 3 * 24 * 60 * 60 * 1000;
/// A step of a job may take this long.
pub const JOB_STEP_MS: u64 = 10 * 60 * 1000;
/// A job of a server that died is taken up again after this long …
pub const JOB_LEASE_MS: i64 = 60 * 1000;
/// … so it is renewed that often while it runs.
pub const JOB_RENEW_MS: u64 = 20 * 1000;
/// Timers read at once.
pub const TIMERS_AT_ONCE: usize = 200;
/// The clock may jump: while timers wait it is looked at this often.
pub const TIMERS_LOOK_MS: u64 = 1_000;
/// Effects of different targets that run at the same time.
pub const EFFECT_LANES: usize = 64;
/// Entries of one log that resuming gives at most (wire contract) …
pub const RESUMED_ENTRIES: usize = 200;
/// … and bytes of all logs together.
pub const RESUMED_BYTES: usize = 512 * 1024;
/// Logs a client may name when it opens a connection (wire contract).
pub const RESUMED_LOGS: usize = 100;
/// People one connection watches (wire contract).
pub const WATCHED_PEOPLE: usize = 200;
/// A watch ends by itself after 5 minutes (wire contract).
pub const WATCH_MS: i64 = 5 * 60 * 1000;
/// One person's "is typing" in one conversation is passed on once in this time.
pub const TYPING_PAUSE_MS: i64 = 2_000;
