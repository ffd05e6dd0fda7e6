// From messages to what is drawn: one row for each message, so that loading older ones adds exactly as many
// rows as messages and the virtual list keeps its place. Time and unread lines belong to the row below them.

import type { OutboxItem } from '../../core/outbox';
import { type Message, type MessageFile, type UserId, writerOf } from '../../core/wire';
import { daysBetween } from '../../app/time';

export interface ShownFile {
  kind: 'image' | 'file';
  info: MessageFile;
}

export interface ChatRow {
  key: string;
  /** A message of the log, or one on its way. */
  message: Message | undefined;
  pending: OutboxItem | undefined;
  /** Empty where it is a picture or a file. */
  text: string;
  file: ShownFile | undefined;
  authorId: UserId;
  /** The name of the bot that said it: `authorId` is nobody of the company then. */
  bot: string | undefined;
  at: number;
  mine: boolean;
  /** Begins a run of one person, or of one bot: shows who it is. */
  head: boolean;
  /** Shows this time above the row. */
  timeAbove: number | undefined;
  /** Shows the line "new messages" above the row. */
  unreadAbove: boolean;
}

/** A pause of this length gets a time line. */
const TIME_LINE_AFTER_MS = 10 * 60_000;
/** Messages of one person within this time share one head. */
const RUN_MS = 5 * 60_000;

export interface RowsInput {
  items: readonly Message[];
  pending: readonly OutboxItem[];
  me: UserId;
  /** The unread line stands before the first entry of somebody else after this seq. */
  lineAfter: number | undefined;
  /** The server has older ones. */
  moreBefore: boolean;
}

/**
 * While there are older ones the oldest is not shown: whether a time line or a name stands above it is known from the one
 * before it only, and a row that is shown keeps its form.
 */
export function buildRows({ items, pending, me, lineAfter, moreBefore }: RowsInput): ChatRow[] {
  const rows: ChatRow[] = [];
  const sent = new Set<string>();
  let lineDone = lineAfter === undefined;
  for (const message of items) {
    const mine = writerOf(message) === me;
    if (mine && message.client_msg_id !== undefined) sent.add(message.client_msg_id);
    const unreadAbove = !lineDone && message.seq > (lineAfter ?? 0) && !mine;
    if (unreadAbove) lineDone = true;
    rows.push(
      follow(rows.at(-1), {
        key: mine && message.client_msg_id !== undefined ? message.client_msg_id : String(message.seq),
        message,
        pending: undefined,
        text: message.text ?? '',
        file: message.file && { kind: message.kind === 'image' ? 'image' : 'file', info: message.file },
        authorId: message.author_id,
        bot: message.bot?.name,
        at: message.sent_at,
        mine,
        unreadAbove,
      }),
    );
  }
  for (const item of pending) {
    if (sent.has(item.client_msg_id)) continue;
    rows.push(
      follow(rows.at(-1), {
        key: item.client_msg_id,
        message: undefined,
        pending: item,
        text: item.text,
        file: item.file && { kind: item.file.kind, info: item.file },
        authorId: me,
        bot: undefined,
        at: item.created_at,
        mine: true,
        unreadAbove: false,
      }),
    );
  }
  // One that stands alone, or that one opens at, is not kept from anybody.
  return moreBefore && rows.length > 1 && !rows[0]?.unreadAbove ? rows.slice(1) : rows;
}

function follow(before: ChatRow | undefined, row: Omit<ChatRow, 'head' | 'timeAbove'>): ChatRow {
  const pause = before === undefined ? Infinity : row.at - before.at;
  const newTime = before === undefined || pause >= TIME_LINE_AFTER_MS || daysBetween(before.at, row.at) !== 0;
  // A message on its way stands last whatever this machine's clock says.
  const timeAbove = newTime && !(row.pending && before !== undefined && pause < 0) ? row.at : undefined;
  const sameRun =
    before !== undefined &&
    before.authorId === row.authorId &&
    before.bot === row.bot &&
    before.message?.kind !== 'system' &&
    pause < RUN_MS &&
    timeAbove === undefined &&
    !row.unreadAbove;
  return { ...row, head: !sameRun, timeAbove };
}

/** Where to open: the row of the unread line, else the last. */
export function openingIndex(rows: readonly ChatRow[]): number {
  const unread = rows.findIndex((row) => row.unreadAbove);
  return unread >= 0 ? unread : rows.length - 1;
}
