// The shapes of wire contract v1, as the server's own table of methods has them, under the names the client
// uses, and the limits both sides know. Ids are opaque strings, `*_at` are milliseconds since the epoch,
// absent means left out. Fields we do not know are ignored.

import type { Message, Methods } from './api.gen';

export type {
  AddedLine,
  Bot,
  Conversation,
  ConversationRow,
  DisabledMember,
  Logs,
  MadeBot,
  Member,
  Message,
  Messages as MessagePage,
  Opened as OpenResult,
  Person,
  Presence,
  Preview,
  Read as ReadEvent,
  ResumedMessage,
  ResumedSelfAppended,
  SelfAppended,
  SessionInfo,
  SignedIn,
  Space,
  SystemLine,
} from './api.gen';

export type UserId = string;
export type ConversationId = string;

/** A file of a message, and what an upload ends with. */
export type MessageFile = NonNullable<Message['file']>;
export type FinishedFile = Methods['file.finish']['result'];

export interface Page<T> {
  items: T[];
  next?: string;
}

export type Method = keyof Methods;
export type Params<M extends Method> = Methods[M]['params'];
export type Result<M extends Method> = Methods[M]['result'];

/** Longest text of a message in characters, as the server counts them (code points). */
export const MESSAGE_TEXT_MAX_CHARS = 5_000;
/** Largest file that can be sent, in bytes. */
export const FILE_MAX_BYTES = 100 * 1024 * 1024;
/** Most files in one question where they are. */
export const LINKS_MAX = 50;
/** Largest page the server gives. */
export const PAGE_MAX = 200;
/** Most cursors in one opening. */
export const CURSORS_MAX = 100;

/** Who of the company wrote it: a bot is nobody of it, and there is nobody to ask for. */
export function writerOf({ author_id, bot }: Pick<Message, 'author_id' | 'bot'>): UserId | undefined {
  return bot ? undefined : author_id;
}

/** Characters as the server counts them. */
export function charCount(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
