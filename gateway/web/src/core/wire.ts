// The shapes of wire contract v1 that the client reads and writes. Ids are opaque strings, `*_at` are
// milliseconds since the epoch, absent means left out. Fields we do not know are ignored.

export type UserId = string;
export type ConversationId = string;

export interface Person {
  user_id: UserId;
  name: string;
  login: string;
  role: 'admin' | 'member';
  /** First pinyin letter for the directory, `#` for anything else. */
  initial: string;
  title?: string;
  online?: boolean;
  last_seen_at?: number;
  disabled?: true;
}

export interface Space {
  space_id: string;
  name: string;
}

export interface SignedIn {
  user: Person;
  space: Space;
  session_id: string;
  access_token: string;
  access_expires_at: number;
  refresh_expires_at: number;
  must_change_password: boolean;
}

export type SystemWhat =
  | 'created'
  | 'joined'
  | 'left'
  | 'removed'
  | 'renamed'
  | 'transferred'
  | 'dissolved'
  | 'set_history';

export interface SystemBody {
  what: SystemWhat;
  user_ids?: UserId[];
  name?: string;
}

export interface Message {
  conversation_id: ConversationId;
  seq: number;
  /** Counted entries (those that can be unread) up to this one. */
  count: number;
  kind: 'text' | 'system';
  author_id: UserId;
  sent_at: number;
  client_msg_id?: string;
  text?: string;
  system?: SystemBody;
}

export interface Preview {
  seq: number;
  sent_at: number;
  author_id: UserId;
  kind: 'text' | 'system';
  text?: string;
  system?: SystemBody;
}

export interface ConversationRow {
  conversation_id: ConversationId;
  kind: 'direct' | 'discussion';
  name?: string;
  peer_id?: UserId;
  last?: Preview;
  head_seq: number;
  count: number;
  read_seq: number;
  /** Counted entries up to `read_seq`. `unread` = `count` − `read_count`, never below 0. */
  read_count: number;
  unread: number;
  from_seq: number;
  owner_id?: UserId;
  member_count: number;
  /** The first nine, for the picture and the default name. */
  member_ids?: UserId[];
  state: 'open' | 'dissolved';
}

export interface Member {
  user_id: UserId;
  joined_at: number;
  role: 'owner' | 'member';
  read_seq?: number;
}

export interface Conversation extends ConversationRow {
  created_at?: number;
  members?: Member[];
  history?: 'from_join' | 'full';
}

export interface Page<T> {
  items: T[];
  next?: string;
}

export interface MessagePage {
  items: Message[];
  head_seq: number;
  more_before: boolean;
  more_after: boolean;
}

export interface SessionRow {
  session_id: string;
  device_name?: string;
  created_at: number;
  last_seen_at?: number;
  address?: string;
  current: boolean;
}

export interface AddedLine {
  line: number;
  name?: string;
  login?: string;
  outcome: 'added' | 'exists' | 'invalid';
  code?: string;
  user_id?: UserId;
  credential?: string;
}

export interface PresenceItem {
  user_id: UserId;
  online: boolean;
  last_seen_at?: number;
}

/** What was missed of one log: exactly the missing entries, or nothing and it must be loaded anew. */
export type LogAnswer<T> =
  | { state: 'recovered'; entries: T[]; head_seq: number }
  | { state: 'reload'; head_seq: number }
  | { state: 'not_found' };

export interface SelfEntry {
  seq: number;
  at: number;
  what: string;
  conversation_id?: ConversationId;
  read_seq?: number;
  read_count?: number;
}

export interface OpenResult {
  user: Person;
  space: Space;
  server_now_at: number;
  /** Another one than before: everything kept must be loaded anew. */
  incarnation: string;
  heartbeat_ms: number;
  max_in_flight: number;
  reconnect: { min_ms: number; max_ms: number };
  logs: { self?: LogAnswer<SelfEntry>; conversations: Record<ConversationId, LogAnswer<Message>> };
}

/** Longest text of a message in characters, as the server counts them (code points). */
export const MESSAGE_TEXT_MAX_CHARS = 5_000;
/** Largest page the server gives. */
export const PAGE_MAX = 200;
/** Most cursors in one opening. */
export const CURSORS_MAX = 100;
/** Typing is announced only in conversations of up to this many members. */
export const LIVE_MEMBERS_MAX = 50;

/** Characters as the server counts them. */
export function charCount(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
