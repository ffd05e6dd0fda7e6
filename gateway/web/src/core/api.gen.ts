// Derived from the server's table of methods. Refresh with: UPDATE=1 cargo test -p gateway generated

/** The old and the new password. */
export interface AccountChangePasswordParams {
  /** 8 to 64 characters, a letter and a digit, not the login. */
  new_password: string;
  /** The password, or the one-time credential, that is good now. */
  old_password: string;
}

/** A colleague who was added. */
export interface Added {
  /** What he signs in with the first time; shown only now. */
  credential: string;
  /** The name he signs in with. */
  login: string;
  /** The person. */
  user: Person;
}

/** What became of a line. */
export interface AddedLine {
  /** What he signs in with the first time; shown only now. */
  credential?: string;
  /** Why it was refused. */
  error?: ApiError;
  /** Counted from 1. */
  line: number;
  /** The login on it. */
  login?: string;
  /** The name on it. */
  name?: string;
  /** What became of it. */
  outcome: LineOutcome;
  /** The person. */
  user_id?: Id;
}

/** What became of the lines. */
export interface AddedLines {
  /** In the order of the lines; empty lines are left out. */
  items: AddedLine[];
}

/** Who was added. */
export interface AddedMembers {
  /** Members from now on. */
  added: Id[];
  /** Members already. */
  already: Id[];
  /** True when the lists of some of those added follow in a moment. */
  pending?: boolean;
}

/** Which part of the audit to take along. */
export interface AdminAuditExportParams {
  /** `next` of the part before. */
  cursor?: string;
  /** As in `admin.audit.list`. */
  from?: number;
  /** In which language; Chinese when absent. */
  language?: Language;
  /** As in `admin.audit.list`. */
  method?: string;
  /** As in `admin.audit.list`. */
  until?: number;
  /** As in `admin.audit.list`. */
  user_id?: Id;
  /** How far the clock on the wall is from UTC, as `+08:00`, which it is when absent. */
  zone?: string;
}

/** Which part of the audit. */
export interface AdminAuditListParams {
  /** `next` of the page before. */
  cursor?: string;
  /** Not before then, in ms since the epoch. */
  from?: number;
  /** Items at most (1 to 200, 50 when absent). */
  limit?: number;
  /** Only what was done by this method, as `admin.audit.methods` names it. */
  method?: string;
  /** Before then, in ms since the epoch. */
  until?: number;
  /** Only what this person did, or what concerns him. */
  user_id?: Id;
}

/** Which one to try again. */
export interface AdminDeadLetterRetryParams {
  /** As `admin.dead_letter.list` named it. */
  letter_id: string;
}

/** For how long what is kept. Row of `audit:main` too. */
export interface AdminRetentionSetParams {
  /** Entries of the audit: 180 to 3,650 days; for ever when absent. */
  audit_days?: number;
}

/** Names a device of a colleague. */
export interface AdminSessionRevokeParams {
  /** The session. */
  session_id: Id;
  /** The colleague. */
  user_id: Id;
}

/** A number of days to look at. */
export interface AdminStoragePreviewParams {
  /** Days that files would be kept: 7 to 3,650. */
  file_days: number;
}

/** What an administrator allows. Row of `storage:<space>` too. */
export interface AdminStorageSetParams {
  /** Days that a file is kept: 7 to 3,650; for ever when absent. */
  file_days?: number;
  /** Bytes of one person's files: 100 MB to 100 TB; no limit when absent. */
  quota_bytes?: number;
}

/** What an [`ApiError`] says. */
export interface ApiError {
  /** What a client does. */
  class: Class;
  /** The requirement row's word. */
  code: string;
  /** The parameter that is wrong. */
  field?: string;
  /** What a person reads. */
  message: Sentence;
  /** Names this call in the server's log. */
  request_id: string;
  /** Wait this long before trying again. */
  retry_after_ms?: number;
}

/** Something that was done, or refused. */
export interface AuditEntry {
  /** From which address. */
  address: string;
  /** Who; absent for a stranger at the door, and for whoever runs the server. */
  by?: AuditPerson;
  /** What else there is to tell: a reason, the device that was signed out, a setting. */
  detail?: string;
  /** Its name. */
  device_name: string;
  /** Names it. */
  entry_id: string;
  /** What it is, for people. */
  label: Sentence;
  /** What was called; `operator.…` for a command on the server itself. */
  method: string;
  /** When, in ms since the epoch. */
  noted_at: number;
  /** Why it was refused, as a code; absent for what was done. */
  refused?: string;
  /** Names the call in the server's log. */
  request_id: string;
  /** The device that asked. */
  session_id?: Id;
  /** What it was done to. */
  target?: Target;
  /** Whom it concerns. */
  user?: AuditPerson;
}

/** Something that the audit tells of. */
export interface AuditMethod {
  /** What it is, for people. */
  label: Sentence;
  /** The method. */
  method: string;
}

/** What the audit tells of. */
export interface AuditMethods {
  /** In the order of their names. */
  items: AuditMethod[];
}

/** A person as the audit names him. */
export interface AuditPerson {
  /** The name he signs in with. */
  login: string;
  /** His name today. */
  name: string;
  /** The person. */
  user_id: Id;
}

/** A part of the table for Excel. */
export interface AuditSheet {
  /** Where the next part begins; absent at the end. */
  next?: string;
  /** Entries in this part. */
  rows: number;
  /** CSV, to be written behind the part before. The first begins with the mark by which Excel knows UTF-8. */
  text: string;
}

/** An upload that has begun. */
export interface Begun {
  /** Bytes of a part at most. */
  chunk_bytes: number;
  /** Names it; the file's id later. */
  upload_id: Id;
}

/** A bot. */
export interface Bot {
  /** Names it; the author of its messages. */
  bot_id: Id;
  /** When. */
  created_at: number;
  /** Who added it. */
  created_by: Id;
  /** Its name. */
  name: string;
  /** Until when its address before this one is good too. */
  old_until?: number;
  /** Whether what it posts must carry a signature. */
  signed: boolean;
}

/** A bot to add. */
export interface BotCreateParams {
  /** The discussion. */
  conversation_id: Id;
  /** 1 to 30 characters. */
  name: string;
  /** Whether what it posts must carry a signature; not, when absent. */
  signed?: boolean;
}

/** What a message of a bot says of who wrote it: nobody of the company. */
export interface BotMark {
  /** The bot's name when it posted. */
  name: string;
}

/** Names a bot of a discussion. */
export interface BotRemoveParams {
  /** The bot. */
  bot_id: Id;
  /** The discussion. */
  conversation_id: Id;
}

/** A bot that gets a new address. */
export interface BotRenewParams {
  /** Whether the old address ends at once; otherwise it is good for another 24 hours. */
  at_once?: boolean;
  /** The bot. */
  bot_id: Id;
  /** The discussion. */
  conversation_id: Id;
}

/** The bots of a discussion. */
export interface Bots {
  /** In the order in which they were added; 20 at most. */
  items: Bot[];
}

/** Data of `conversation.changed`. */
export interface Changed {
  /** Ask `conversation.get` for its new state. */
  conversation_id: Id;
}

/** Data of `presence.changed`, and what `presence.watch` answers. */
export interface Changes {
  /** The people. */
  items: Presence[];
}

/** What a client does about it; also decides the HTTP status. */
export type Class = "unauthenticated" | "forbidden" | "not_found" | "invalid" | "conflict" | "limited" | "unavailable" | "unknown" | "internal";

/** Who opens a connection, and what he has seen. */
export interface ConnectionOpenParams {
  /** Name and version of the client. */
  client: string;
  /** Per conversation, the last entry that was seen (≤ 100). */
  cursors?: Record<string, number>;
  /** Names this installation of a client. */
  device_id: string;
  /** `zh-CN`, `en`, … */
  locale: string;
  /** The last entry of the log `self` that was seen. */
  self_seq?: number;
  /** An access token. */
  token: string;
}

/** A newer access token. */
export interface ConnectionRenewParams {
  /** An access token of the same session. */
  token: string;
}

/** A conversation by itself. */
export interface Conversation {
  /** Names it. */
  conversation_id: Id;
  /** Counted entries so far. */
  count: number;
  /** When it began; absent before the first message of a direct chat. */
  created_at?: number;
  /** The first entry one may see. */
  from_seq: number;
  /** Number of the last entry; 0 before the first. */
  head_seq: number;
  /** What a new member sees of the past. */
  history: History;
  /** What it is. */
  kind: Kind;
  /** The last message one may see. */
  last?: Preview;
  /** Members. */
  member_count: number;
  /** The first nine members. */
  member_ids: Id[];
  /** All members, up to 50 of them; more by `conversation.members`. */
  members?: Member[];
  /** The name of a discussion. */
  name?: string;
  /** Who owns a discussion. */
  owner_id?: Id;
  /** The other one of a direct chat. */
  peer_id?: Id;
  /** True when it was just begun, and the lists of some of its members follow in a moment. */
  pending?: boolean;
  /** Counted entries up to there. `unread` = `count` − `read_count`, never below 0. */
  read_count: number;
  /** How far one has read. */
  read_seq: number;
  /** Whether it goes on. */
  state: State;
  /** Messages one has not read. */
  unread: number;
}

/** Colleagues to add. */
export interface ConversationAddMembersParams {
  /** The discussion. */
  conversation_id: Id;
  /** 1 to 200 colleagues. */
  user_ids: Id[];
}

/** A discussion to begin. */
export interface ConversationCreateDiscussionParams {
  /** Its name; the first members' names when absent. */
  name?: string;
  /** 1 to 499 colleagues beside oneself. */
  user_ids: Id[];
}

/** How far one has read. */
export interface ConversationMarkReadParams {
  /** Where. */
  conversation_id: Id;
  /** Up to and with this entry. */
  seq: number;
}

/** Which members. */
export interface ConversationMembersParams {
  /** The conversation. */
  conversation_id: Id;
  /** `next` of the page before. */
  cursor?: string;
  /** Members at most (1 to 200, 50 when absent). */
  limit?: number;
}

/** Names a colleague. */
export interface ConversationOpenDirectParams {
  /** The colleague. */
  user_id: Id;
}

/** Names a conversation. */
export interface ConversationRef {
  /** The conversation. */
  conversation_id: Id;
}

/** A new name. */
export interface ConversationRenameParams {
  /** The discussion. */
  conversation_id: Id;
  /** 1 to 50 characters. */
  name: string;
}

/** A conversation in one's list. */
export interface ConversationRow {
  /** Names it. */
  conversation_id: Id;
  /** Counted entries so far. */
  count: number;
  /** The first entry one may see. */
  from_seq: number;
  /** Number of the last entry; 0 before the first. */
  head_seq: number;
  /** What it is. */
  kind: Kind;
  /** The last message one may see. */
  last?: Preview;
  /** Members. */
  member_count: number;
  /** The first nine members. */
  member_ids: Id[];
  /** The name of a discussion. */
  name?: string;
  /** Who owns a discussion. */
  owner_id?: Id;
  /** The other one of a direct chat. */
  peer_id?: Id;
  /** Counted entries up to there. `unread` = `count` − `read_count`, never below 0. */
  read_count: number;
  /** How far one has read. */
  read_seq: number;
  /** Whether it goes on. */
  state: State;
  /** Messages one has not read. */
  unread: number;
}

/** Data of `message.created`. */
export interface Created {
  /** The message. */
  message: Message;
}

/** A new one-time credential. */
export interface Credential {
  /** What he signs in with the next time; shown only now. */
  credential: string;
  /** The name he signs in with. */
  login: string;
}

/** Something that the server could not do. */
export interface DeadLetter {
  /** When it was set aside, in ms since the epoch. */
  at: number;
  /** When its cause happened, in ms since the epoch. */
  caused_at: number;
  /** Why, as a code. */
  code: string;
  /** The home where it was refused; empty when it named none. */
  home: string;
  /** What was to be done. */
  kind: string;
  /** Names it. */
  letter_id: string;
  /** `effect`: not tried any more; `parked`: it takes a right away, is tried for ever, and all else for its home waits behind it; `job`: it gave up. */
  what: What;
}

/** Names people. */
export interface DirectoryGetParams {
  /** 1 to 200 ids; ids of nobody in the space are left out of the answer. */
  user_ids: Id[];
}

/** What to look for. */
export interface DirectorySearchParams {
  /** Hits at most (1 to 50, 50 when absent). */
  limit?: number;
  /** 1 to 64 characters. */
  query: string;
}

/** A member who is disabled. */
export interface DisabledMember {
  /** Since when. */
  disabled_at: number;
  /** The administrator who did it. */
  disabled_by: Id;
  /** Why. */
  reason: string;
  /** The person. */
  user: Person;
}

/** Room on the disk of a store. */
export interface Disk {
  /** Bytes that are free on their file system. */
  free_bytes: number;
  /** With less than this the server only reads. */
  least_bytes: number;
  /** Bytes of the store's files. */
  store_bytes: number;
}

/** Data of `connection.expiring`. */
export interface Expiring {
  /** When the access token ends. */
  expires_at: number;
}

/** A file to upload. */
export interface FileBeginParams {
  /** Its name with the ending, 1 to 255 characters, no folders. */
  name: string;
  /** What it is for. */
  purpose: Purpose;
  /** Its bytes: 1 to 104,857,600. */
  size: number;
}

/** An upload all of whose parts are there. */
export interface FileFinishParams {
  /** The upload. */
  upload_id: Id;
}

/** A file. */
export interface FileInfo {
  /** Names it. */
  file_id: Id;
  /** Pixels from top to bottom, of a picture. */
  height?: number;
  /** How it is shown. */
  kind: FileKind;
  /** What it is, by its content. */
  mime: string;
  /** Its name. */
  name: string;
  /** Its bytes. */
  size: number;
  /** Pixels from left to right, of a picture. */
  width?: number;
}

/** How a file is shown. */
export type FileKind = "image" | "file";

/** Files to see. */
export interface FileLinksParams {
  /** Where they were sent. */
  conversation_id: Id;
  /** 1 to 50 files. */
  file_ids: Id[];
}

/** What a new member sees of the past. */
export type History = "from_join" | "full";

/** Messages of an hour. */
export interface HourOfMessages {
  /** When it began, in ms since the epoch. */
  began_at: number;
  /** Messages that were sent in it. */
  messages: number;
}

/** 128 bits as 26 lower-case Crockford base-32 characters */
export type Id = string;

/** A journal. */
export interface Journal {
  /** Its name. */
  name: string;
  /** Which server writes it, in a cluster; absent while none does. */
  owner?: string;
  /** The number of its last commit. */
  position: number;
}

/** What a conversation is. */
export type Kind = "direct" | "discussion";

/** In which language a table is written. */
export type Language = "zh-CN" | "en";

/** What became of a line. */
export type LineOutcome = "added" | "exists" | "invalid";

/** A link to a file. */
export interface Link {
  /** The file. */
  file_id: Id;
  /** Its address on this server. With `&d=1` behind it a browser saves the file and does not show it. */
  url: string;
}

/** Links to files. A file that one may not see is left out. */
export interface Linked {
  /** Until when they are good: one hour at least, and the same link within an hour, so that browsers keep what they loaded. */
  expires_at: number;
  /** The links. */
  links: Link[];
}

/** What was missed, per log that was named. */
export interface Logs {
  /** Conversations. */
  conversations: Record<string, ResumedMessage>;
  /** The log `self`. */
  self?: ResumedSelfAppended;
}

/** A bot with what its tool needs; shown only now. */
export interface MadeBot {
  /** The bot. */
  bot: Bot;
  /** Where its tool posts to, on this server: `/hooks/…`. Whoever knows it can post. */
  path: string;
  /** What its tool signs with (`whsec_…`, Standard Webhooks), where a signature is asked for. */
  signing_secret?: string;
}

/** How far one has read now. */
export interface Marked {
  /** Counted entries up to there. */
  read_count: number;
  /** Up to and with this entry; never behind where one was. */
  read_seq: number;
  /** Messages one has not read. */
  unread: number;
}

/** A member of a conversation. */
export interface Member {
  /** Since when. */
  joined_at: number;
  /** How far he has read; absent above 50 members. */
  read_seq?: number;
  /** What he does. */
  role: MemberRole;
  /** Who. */
  user_id: Id;
}

/** Names a member of a conversation. */
export interface MemberOf {
  /** The discussion. */
  conversation_id: Id;
  /** The member. */
  user_id: Id;
}

/** Names a member. */
export interface MemberRef {
  /** The member. */
  user_id: Id;
}

/** Who does what in a conversation. */
export type MemberRole = "owner" | "member";

/** A message. */
export interface Message {
  /** Who sent it, or who did what a system line tells. */
  author_id: Id;
  /** Of a message by a bot: which one; `author_id` names nobody of the company then. */
  bot?: BotMark;
  /** The sender's id for it. */
  client_msg_id?: string;
  /** Where. */
  conversation_id: Id;
  /** Counted entries up to this one. */
  count: number;
  /** A picture or another file. */
  file?: FileInfo;
  /** What it is. */
  kind: MessageKind;
  /** When it was written to the log. */
  sent_at: number;
  /** Its number: 1, 2, 3, … without gaps. */
  seq: number;
  /** A system line. */
  system?: SystemLine;
  /** A text. */
  text?: string;
}

/** What a message is. */
export type MessageKind = "text" | "image" | "file" | "system";

/** Which messages: at most one of `before`, `after`, `around`; the newest when none is given. */
export interface MessageListParams {
  /** Those just after this number. */
  after?: number;
  /** Those on both sides of this number, and itself. */
  around?: number;
  /** Those just before this number. */
  before?: number;
  /** Where. */
  conversation_id: Id;
  /** Messages at most (1 to 200, 50 when absent); fewer when their texts have more than 384 KiB. */
  limit?: number;
}

/** A text or a file to send. */
export interface MessageSendParams {
  /** 1 to 64 bytes; the same id with the same text or file gets the first answer. */
  client_msg_id: string;
  /** Where to. */
  conversation_id: Id;
  /** A file whose upload is finished; it can be sent once. */
  file_id?: Id;
  /** The other one of a direct chat; needed for its first message. */
  peer_id?: Id;
  /** 1 to 5,000 characters. Either this or a file. */
  text?: string;
}

/** Messages in order of their numbers. */
export interface Messages {
  /** Number of the last entry there is. */
  head_seq: number;
  /** The messages. */
  items: Message[];
  /** There are newer ones. */
  more_after: boolean;
  /** There are older ones that one may see. */
  more_before: boolean;
}

/** Parameters of a method that takes none, and the result of one that answers nothing. */
export type Nothing = Record<string, never>;

/** A connection that is open. */
export interface Opened {
  /** When the access token ends. */
  expires_at: number;
  /** The server sends a heartbeat this often; so should the client. */
  heartbeat_ms: number;
  /** Another one than before: everything kept must be loaded anew. */
  incarnation: string;
  /** What was missed. */
  logs: Logs;
  /** Calls that may be under way at the same time. */
  max_in_flight: number;
  /** How long to wait before coming back after a cut. */
  reconnect: Reconnect;
  /** The server's clock. */
  server_now_at: number;
  /** The company. */
  space: Space;
  /** The person. */
  user: Person;
}

/** How the server is. */
export interface Overview {
  /** Room on the disk; absent where the store is a database elsewhere. */
  disk?: Disk;
  /** Messages of each of the last 48 hours, oldest first; the last one is not over. */
  hours: HourOfMessages[];
  /** The journals that all writes go through. */
  journals: Journal[];
  /** When this was looked up, in ms since the epoch. */
  looked_at: number;
  /** The servers that live, in a cluster. */
  nodes: ServerNode[];
  /** People with an open connection, on any server. */
  online: number;
  /** People of the company, those who were disabled too. */
  people: number;
  /** Open connections of this server. */
  sockets: number;
  /** Since when, in ms since the epoch. */
  started_at: number;
  /** Which version runs. */
  version: string;
  /** What is under way, and what went wrong. */
  work: Work;
}

/** A part of a list. */
export interface PageOfAuditEntry {
  /** The items, in the list's order. */
  items: AuditEntry[];
  /** Where the next page begins; absent at the end. */
  next?: string;
}

/** A part of a list. */
export interface PageOfConversationRow {
  /** The items, in the list's order. */
  items: ConversationRow[];
  /** Where the next page begins; absent at the end. */
  next?: string;
}

/** A part of a list. */
export interface PageOfDeadLetter {
  /** The items, in the list's order. */
  items: DeadLetter[];
  /** Where the next page begins; absent at the end. */
  next?: string;
}

/** A part of a list. */
export interface PageOfDisabledMember {
  /** The items, in the list's order. */
  items: DisabledMember[];
  /** Where the next page begins; absent at the end. */
  next?: string;
}

/** A part of a list. */
export interface PageOfMember {
  /** The items, in the list's order. */
  items: Member[];
  /** Where the next page begins; absent at the end. */
  next?: string;
}

/** A part of a list. */
export interface PageOfPerson {
  /** The items, in the list's order. */
  items: Person[];
  /** Where the next page begins; absent at the end. */
  next?: string;
}

/** A part of a list. */
export interface PageOfPersonUse {
  /** The items, in the list's order. */
  items: PersonUse[];
  /** Where the next page begins; absent at the end. */
  next?: string;
}

/** Which part of a list. */
export interface PageParams {
  /** `next` of the page before. */
  cursor?: string;
  /** Items at most (1 to 200, 50 when absent). */
  limit?: number;
}

/** People. */
export interface People {
  /** The people. */
  items: Person[];
}

/** A member of the space as others see him. */
export interface Person {
  /** `true` for one who can't sign in any more. */
  disabled?: boolean;
  /** `A` to `Z` or `#`: where he stands in the directory. */
  initial: string;
  /** The name he signs in with. */
  login: string;
  /** The person's name. */
  name: string;
  /** Whether he has an open connection. */
  online: boolean;
  /** What he may do. */
  role: Role;
  /** His job. */
  title?: string;
  /** Names this person in the space. */
  user_id: Id;
}

/** Data of `person.changed`. */
export interface PersonChanged {
  /** The person as he is now. */
  user: Person;
}

/** What the files of a person take. */
export interface PersonUse {
  /** All bytes. */
  bytes: number;
  /** Other files. */
  files: Use;
  /** Pictures. */
  images: Use;
  /** Uploads under way. */
  uploading: Use;
  /** The person. */
  user_id: Id;
}

/** Whether a person is online. */
export interface Presence {
  /** When the last connection closed. */
  last_seen_at?: number;
  /** Has an open connection. */
  online: boolean;
  /** Who. */
  user_id: Id;
}

/** Whom to watch. */
export interface PresenceWatchParams {
  /** Up to 200 people; none ends the watch. */
  user_ids: Id[];
}

/** The last message, in a list. */
export interface Preview {
  /** Who sent it. */
  author_id: Id;
  /** Of a message by a bot: which one. */
  bot?: BotMark;
  /** The name of a picture or another file. */
  file_name?: string;
  /** What it is. */
  kind: MessageKind;
  /** When it was sent. */
  sent_at: number;
  /** Its number. */
  seq: number;
  /** A system line. */
  system?: SystemLine;
  /** The first 100 characters of a text. */
  text?: string;
}

/** What a file is for. */
export type Purpose = "message";

/** Data of `conversation.read`. */
export interface Read {
  /** Where. */
  conversation_id: Id;
  /** Counted entries up to there. */
  count: number;
  /** Up to which entry. */
  seq: number;
  /** Who. */
  user_id: Id;
}

/** How far the rebuilding is. */
export interface Rebuilding {
  /** Why it gave up, as a code; `admin.dead_letter.retry` has it go on. */
  gave_up?: string;
  /** The last run that was done. */
  last?: Run;
  /** The run that is under way. */
  running?: Run;
}

/** A span of time to choose from. */
export interface Reconnect {
  /** At most. */
  max_ms: number;
  /** At least. */
  min_ms: number;
}

/** The refresh token, unless the cookie has it. */
export interface Refresh {
  /** The refresh token. */
  refresh_token?: string;
}

/** The connection goes on. */
export interface Renewed {
  /** Until then. */
  expires_at: number;
}

/** What was missed of one log. */
export type ResumedMessage = {
  /** In order; empty when nothing was missed. */
  entries: Message[];
  /** The last entry there is. */
  head_seq: number;
  state: "recovered";
} | {
  /** The last entry there is. */
  head_seq: number;
  state: "reload";
} | {
  state: "not_found";
};

/** What was missed of one log. */
export type ResumedSelfAppended = {
  /** In order; empty when nothing was missed. */
  entries: SelfAppended[];
  /** The last entry there is. */
  head_seq: number;
  state: "recovered";
} | {
  /** The last entry there is. */
  head_seq: number;
  state: "reload";
} | {
  state: "not_found";
};

/** Data of `connection.resync`. */
export type Resync = Record<string, never>;

/** What a member may do in the space. */
export type Role = "admin" | "member";

/** What a run came to. */
export interface Run {
  /** When it was done, in ms since the epoch; absent while it runs. */
  done_at?: number;
  /** Homes that could not be looked at; the server's log names them. */
  failed: number;
  /** Homes of conversations and people that were looked at. */
  homes: number;
  /** Rows of lists that were wrong and are right now. */
  mended: number;
}

/** Data of `self.appended`: an entry of one's own log. */
export interface SelfAppended {
  /** When. */
  at: number;
  /** Where. */
  conversation_id: Id;
  /** Counted entries up to there. */
  read_count?: number;
  /** How far one has read. */
  read_seq?: number;
  /** Its number in the log `self`. */
  seq: number;
  /** What. */
  what: SelfWhat;
}

/** Something that happened to oneself. */
export type SelfWhat = "joined" | "left" | "read";

/** What was sent. */
export interface Sent {
  /** Where. */
  conversation_id: Id;
  /** The message as everybody sees it. */
  message: Message;
  /** True when it began the chat, and the lists of the two follow in a moment. */
  pending?: boolean;
  /** When it was written to the log. */
  sent_at: number;
  /** Its number. */
  seq: number;
}

/** A sentence in the two languages of the product. */
export interface Sentence {
  /** English. */
  en: string;
  /** Chinese. */
  zh: string;
}

/** A server of a cluster. */
export interface ServerNode {
  /** It answered this call. */
  here: boolean;
  /** Its name. */
  name: string;
  /** It writes the journal. */
  owner: boolean;
}

/** A device one is signed in on. */
export interface SessionInfo {
  /** From which address. */
  address: string;
  /** When it signed in. */
  created_at: number;
  /** The device that asks. */
  current: boolean;
  /** The device's name. */
  device_name: string;
  /** When it last got new tokens. */
  last_seen_at: number;
  /** The session. */
  session_id: Id;
}

/** Names a session. */
export interface SessionRevokeParams {
  /** The session. */
  session_id: Id;
}

/** Who signs in, on what. */
export interface SessionSignInParams {
  /** Keep the refresh token as an `HttpOnly` cookie instead of answering it. */
  cookie?: boolean;
  /** Names this installation of a client. */
  device_id?: string;
  /** A name for this device. */
  device_name?: string;
  /** The login name. */
  login: string;
  /** The password, or the one-time credential. */
  password: string;
}

/** All devices. */
export interface Sessions {
  /** Newest first. */
  items: SessionInfo[];
}

/** A change of who is in a conversation. */
export interface Settled {
  /** True when it is done, and the lists of some of those concerned follow in a moment. */
  pending?: boolean;
}

/** The company and its first administrator. */
export interface SetupCompleteParams {
  /** The company's name. */
  company_name: string;
  /** Keep the refresh token as an `HttpOnly` cookie instead of answering it. */
  cookie?: boolean;
  /** A name for this device. */
  device_name?: string;
  /** The name he signs in with. */
  login: string;
  /** The administrator's name. */
  name: string;
  /** His password. */
  password: string;
  /** What stands behind `#` in the set-up link. */
  token: string;
}

/** Whether there is a company. */
export interface SetupState {
  /** There is. */
  done: boolean;
}

/** What a device needs to go on. */
export interface SignedIn {
  /** When the access token ends. */
  access_expires_at: number;
  /** For `Authorization: Bearer` and `connection.open`. */
  access_token: string;
  /** Signed in with a first password, which must be changed before anything else. */
  must_change_password: boolean;
  /** When the refresh token ends. */
  refresh_expires_at: number;
  /** For `session.refresh`; absent when it is kept as a cookie. */
  refresh_token?: string;
  /** This device's session. */
  session_id: Id;
  /** The company. */
  space: Space;
  /** The person. */
  user: Person;
}

/** The company. */
export interface Space {
  /** Its name. */
  name: string;
  /** Names it. */
  space_id: Id;
}

/** A colleague to add. */
export interface SpaceAddMemberParams {
  /** The name he will sign in with. */
  login: string;
  /** His name. */
  name: string;
  /** What he may do; `member` when absent. */
  role?: Role;
  /** His job. */
  title?: string;
}

/** A pasted list. */
export interface SpaceAddMembersParams {
  /** One person a line: name, then login, separated by a tab, a comma or a space. ≤ 500 lines. */
  text: string;
}

/** Whom to disable, and why. */
export interface SpaceDisableMemberParams {
  /** 1 to 200 characters, for the administrators. */
  reason: string;
  /** The member. */
  user_id: Id;
}

/** What is to be another. What is left out stays. */
export interface SpaceUpdateMemberParams {
  /** His name, 1 to 30 characters. */
  name?: string;
  /** What he may do. */
  role?: Role;
  /** His job, up to 50 characters; none when empty. */
  title?: string;
  /** The member. */
  user_id: Id;
}

/** Whether a conversation goes on. */
export type State = "open" | "dissolved";

/** What files take, and what is allowed. */
export interface Storage {
  /** Files from before an upgrade are still being counted: these figures grow. */
  counting: boolean;
  /** Room on the disk of the store; absent where the store is a database elsewhere. */
  disk?: Disk;
  /** Old files that are taken away within the hour; absent where they are kept for ever. */
  expired?: Use;
  /** Days that a file is kept; for ever when absent. */
  file_days?: number;
  /** Other files. */
  files: Use;
  /** Pictures. */
  images: Use;
  /** Bytes that one person's files may take; no limit when absent. */
  quota_bytes?: number;
  /** Uploads under way: they are counted whole from the beginning. */
  uploading: Use;
}

/** What happened to a conversation. */
export type SystemLine = {
  /** The members. */
  user_ids: Id[];
  what: "created";
} | {
  /** The new members. */
  user_ids: Id[];
  what: "joined";
} | {
  what: "left";
} | {
  /** Who is a member no more. */
  user_ids: Id[];
  what: "removed";
} | {
  /** The new name. */
  name: string;
  what: "renamed";
} | {
  /** The new owner. */
  user_ids: Id[];
  what: "transferred";
} | {
  what: "dissolved";
} | {
  /** Its name. */
  name: string;
  what: "bot_added";
} | {
  /** Its name. */
  name: string;
  what: "bot_removed";
};

/** What an audited method did something to. */
export interface Target {
  /** Names it; a name of the server's part is a word. */
  id: string;
  /** Of which kind it is. */
  kind: TargetKind;
}

/** What a method did something to. */
export type TargetKind = "space" | "user" | "session" | "conversation" | "letter" | "server";

/** Data of `conversation.typed`. */
export interface Typed {
  /** Where. */
  conversation_id: Id;
  /** Who. */
  user_id: Id;
}

/** So many files, and their bytes. */
export interface Use {
  /** Their bytes. */
  bytes: number;
  /** How many. */
  files: number;
}

/** Which kind of letter it is. */
export type What = "effect" | "parked" | "job";

/** What is under way, and what went wrong. Each is counted up to 1,000. */
export interface Work {
  /** Effects that are not tried any more. */
  dead: number;
  /** Jobs that run or wait for their time. */
  jobs: number;
  /** Jobs that gave up. */
  jobs_given_up: number;
  /** Effects that take a right away and are tried for ever, with what waits behind them. */
  parked: number;
}

/** Every method: what it takes and what it answers. */
export interface Methods {
  /** Change one's password; ends all other sessions */
  "account.change_password": { params: AccountChangePasswordParams; result: SignedIn };
  /** The audit as a table for Excel (CSV), part by part */
  "admin.audit.export": { params: AdminAuditExportParams; result: AuditSheet };
  /** What was done that an administrator may look up, newest first */
  "admin.audit.list": { params: AdminAuditListParams; result: PageOfAuditEntry };
  /** What the audit tells of, with names for people */
  "admin.audit.methods": { params: Nothing; result: AuditMethods };
  /** What the server could not do, oldest cause first */
  "admin.dead_letter.list": { params: PageParams; result: PageOfDeadLetter };
  /** Try again what the server could not do */
  "admin.dead_letter.retry": { params: AdminDeadLetterRetryParams; result: Nothing };
  /** Stop the rebuilding of lists; what is mended stays */
  "admin.list.cancel": { params: Nothing; result: Nothing };
  /** How far the rebuilding of lists is */
  "admin.list.progress": { params: Nothing; result: Rebuilding };
  /** Begin to make the lists of all people again from the rosters */
  "admin.list.rebuild": { params: Nothing; result: Nothing };
  /** How the server is, in figures */
  "admin.overview.get": { params: Nothing; result: Overview };
  /** For how long what is kept */
  "admin.retention.get": { params: Nothing; result: AdminRetentionSetParams };
  /** Decide for how long what is kept */
  "admin.retention.set": { params: AdminRetentionSetParams; result: AdminRetentionSetParams };
  /** The devices a colleague is signed in on */
  "admin.session.list": { params: MemberRef; result: Sessions };
  /** End the session of one device of a colleague */
  "admin.session.revoke": { params: AdminSessionRevokeParams; result: Nothing };
  /** End all sessions of a colleague; one's own, but for this device */
  "admin.session.revoke_all": { params: MemberRef; result: Nothing };
  /** What files take of the disk, and what is allowed */
  "admin.storage.get": { params: Nothing; result: Storage };
  /** What the files of each person take, most first */
  "admin.storage.people": { params: PageParams; result: PageOfPersonUse };
  /** What would be taken away if files were kept for so many days */
  "admin.storage.preview": { params: AdminStoragePreviewParams; result: Use };
  /** Decide how much a person's files may take, and for how long files are kept */
  "admin.storage.set": { params: AdminStorageSetParams; result: AdminStorageSetParams };
  /** Let a tool post into a discussion (owner, or an administrator in it); answers its address */
  "bot.create": { params: BotCreateParams; result: MadeBot };
  /** The bots that post into a discussion */
  "bot.list": { params: ConversationRef; result: Bots };
  /** Take a bot away (owner, or an administrator in it) */
  "bot.remove": { params: BotRemoveParams; result: Nothing };
  /** A new address for a bot (owner, or an administrator in it) */
  "bot.renew": { params: BotRenewParams; result: MadeBot };
  /** The first frame of a WebSocket: who one is, and what one has seen */
  "connection.open": { params: ConnectionOpenParams; result: Opened };
  /** Go on with a newer access token */
  "connection.renew": { params: ConnectionRenewParams; result: Renewed };
  /** Add colleagues to a discussion */
  "conversation.add_members": { params: ConversationAddMembersParams; result: AddedMembers };
  /** Begin a discussion */
  "conversation.create_discussion": { params: ConversationCreateDiscussionParams; result: Conversation };
  /** End a discussion for all (owner) */
  "conversation.dissolve": { params: ConversationRef; result: Nothing };
  /** One conversation */
  "conversation.get": { params: ConversationRef; result: Conversation };
  /** Leave a discussion */
  "conversation.leave": { params: ConversationRef; result: Settled };
  /** One's conversations, the latest first */
  "conversation.list": { params: PageParams; result: PageOfConversationRow };
  /** Move one's read position forward */
  "conversation.mark_read": { params: ConversationMarkReadParams; result: Marked };
  /** The members of a conversation */
  "conversation.members": { params: ConversationMembersParams; result: PageOfMember };
  /** The direct chat with a colleague; writes nothing */
  "conversation.open_direct": { params: ConversationOpenDirectParams; result: Conversation };
  /** Remove a member (owner) */
  "conversation.remove_member": { params: MemberOf; result: Settled };
  /** Rename a discussion (owner) */
  "conversation.rename": { params: ConversationRenameParams; result: Nothing };
  /** Give a discussion to another member (owner) */
  "conversation.transfer": { params: MemberOf; result: Nothing };
  /** Tell the others that one is typing */
  "conversation.typing": { params: ConversationRef; result: Nothing };
  /** The members with these ids */
  "directory.get": { params: DirectoryGetParams; result: People };
  /** Members by name, sound, initials or login */
  "directory.search": { params: DirectorySearchParams; result: People };
  /** Begin to upload a file, whose parts follow by PUT /files/{upload_id} */
  "file.begin": { params: FileBeginParams; result: Begun };
  /** End an upload, and learn what the file is */
  "file.finish": { params: FileFinishParams; result: FileInfo };
  /** Links to the files of messages one may see */
  "file.links": { params: FileLinksParams; result: Linked };
  /** Messages of a conversation, in order */
  "message.list": { params: MessageListParams; result: Messages };
  /** Send a text, or a file that was uploaded */
  "message.send": { params: MessageSendParams; result: Sent };
  /** Whether these people are online, and each change for 5 minutes; replaces the earlier set */
  "presence.watch": { params: PresenceWatchParams; result: Changes };
  /** The devices one is signed in on */
  "session.list": { params: Nothing; result: Sessions };
  /** A new pair of tokens for a refresh token */
  "session.refresh": { params: Refresh; result: SignedIn };
  /** End the session of one device */
  "session.revoke": { params: SessionRevokeParams; result: Nothing };
  /** End the sessions of all other devices */
  "session.revoke_others": { params: Nothing; result: Nothing };
  /** Sign in with a login and a password or one-time credential */
  "session.sign_in": { params: SessionSignInParams; result: SignedIn };
  /** End the session of this device */
  "session.sign_out": { params: Refresh; result: Nothing };
  /** Name the company and its first administrator */
  "setup.complete": { params: SetupCompleteParams; result: SignedIn };
  /** Whether the company is set up */
  "setup.state": { params: Nothing; result: SetupState };
  /** Add a colleague; answers a one-time credential */
  "space.add_member": { params: SpaceAddMemberParams; result: Added };
  /** Add the colleagues of a pasted list */
  "space.add_members": { params: SpaceAddMembersParams; result: AddedLines };
  /** The administrators, in order of the sound of their names */
  "space.admins": { params: PageParams; result: PageOfPerson };
  /** Disable a colleague: his sessions end and he can't sign in */
  "space.disable_member": { params: SpaceDisableMemberParams; result: Person };
  /** The disabled members, in order of the sound of their names */
  "space.disabled_members": { params: PageParams; result: PageOfDisabledMember };
  /** Let a disabled colleague sign in again */
  "space.enable_member": { params: MemberRef; result: Person };
  /** The members, in order of the sound of their names */
  "space.members": { params: PageParams; result: PageOfPerson };
  /** A new one-time credential for a colleague; ends his sessions */
  "space.reset_credential": { params: MemberRef; result: Credential };
  /** Change a colleague's name or job, or whether he is an administrator */
  "space.update_member": { params: SpaceUpdateMemberParams; result: Person };
}

/** Every event that is pushed: its data. */
export interface Events {
  /** The access token ends within a minute: renew */
  "connection.expiring": Expiring;
  /** Pushes were left out: ask for what is missing */
  "connection.resync": Resync;
  /** Name, members or state of a conversation changed */
  "conversation.changed": Changed;
  /** A member has read up to an entry */
  "conversation.read": Read;
  /** A member is typing */
  "conversation.typed": Typed;
  /** A message in a conversation one is in */
  "message.created": Created;
  /** A colleague has another name, job or role, or was disabled or enabled */
  "person.changed": PersonChanged;
  /** People came online or went offline */
  "presence.changed": Changes;
  /** Something happened to oneself, on whatever device */
  "self.appended": SelfAppended;
}
