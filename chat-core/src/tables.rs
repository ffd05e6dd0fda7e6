//! The numbers of all tables, in one place so that no two features take the same one. A number is
//! for ever: rows on disk carry it. Below 256 belongs to `storage`.

#![expect(
    missing_docs,
    reason = "each name is explained where the table is declared"
)]

pub const SYSTEM: u16 = 256;
pub const CHECKPOINT: u16 = 257;
// 258 held letters that could not be run again.
pub const LETTER: u16 = 259;
pub const JOB: u16 = 260;
pub const REBUILT: u16 = 261;
pub const AUDIT: u16 = 262;
pub const AUDIT_LISTED: u16 = 263;
pub const SENT_HOUR: u16 = 264;
pub const KEEPING: u16 = 265;

pub const LOGIN: u16 = 272;
pub const ACCOUNT: u16 = 273;
pub const ACCOUNT_SESSION: u16 = 274;
pub const SESSION: u16 = 275;

pub const SPACE: u16 = 288;
pub const MEMBER: u16 = 289;
pub const MEMBER_ORDER: u16 = 290;
pub const MEMBER_TERM: u16 = 291;
pub const MEMBER_COUNT: u16 = 292;
pub const MEMBER_DISABLED: u16 = 293;
pub const MEMBER_ADMIN: u16 = 294;
pub const ADMINS_LISTED: u16 = 295;

pub const PROFILE: u16 = 304;
pub const SELF_LOG: u16 = 305;
pub const JOINED: u16 = 306;
pub const CURSOR: u16 = 307;
pub const LAST_SEEN: u16 = 308;
pub const JOINED_COUNT: u16 = 309;

pub const META: u16 = 320;
pub const MESSAGE: u16 = 321;
pub const ROSTER: u16 = 322;
pub const ROSTER_COUNT: u16 = 323;
pub const ATTACHED: u16 = 324;
pub const BOT: u16 = 325;

pub const FILE: u16 = 336;
pub const KEPT: u16 = 337;
pub const USE_OF_PERSON: u16 = 338;
pub const BY_USE: u16 = 339;
pub const USE_OF_DAY: u16 = 340;
pub const USE_OF_ALL: u16 = 341;
pub const ALLOWED: u16 = 342;
pub const FILES_COUNTED: u16 = 343;
