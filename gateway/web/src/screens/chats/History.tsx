// The messages of a conversation: opens at the first unread, keeps its place while older ones come in above,
// follows the end while one is there, and marks as read only what a person can see.

import { Button } from '@mantine/core';
import { ArrowDown } from 'lucide-react';
import { type KeyboardEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { VList, type VListHandle } from 'virtua';

import { badgeText } from '../../app/badge';
import { useCell, useClient, useMe, usePart, useT } from '../../app/hooks';
import { useLooking } from '../../app/live';
import { nameOf, titleOf } from '../../app/names';
import type { Timeline, TimelineView } from '../../core/messages';
import type { OutboxItem } from '../../core/outbox';
import type { Conversation } from '../../core/wire';
import { onListKey } from '../../parts/listKeys';
import { Empty, ErrorBox, Skeletons } from '../../parts/States';
import { ICON_SMALL } from '../../theme/theme';
import { ConversationPicture } from './ConversationPicture';
import styles from './History.module.css';
import { MessageRow } from './MessageRow';
import { readMarks } from './readMarks';
import { buildRows, type ChatRow, openingIndex } from './rows';
import { firstUnread } from './useConversation';

/** This close to the end counts as being there. */
const END_PX = 32;
/** Rows are drawn this far beyond what can be seen: a quick scroll meets rows whose height is known. */
const DRAWN_AHEAD_PX = 800;
/** Until the history stands nobody scrolls: only what can be seen is drawn. */
const OPENING_AHEAD_PX = 100;
/** Older messages are asked for this many screens ahead. */
const AHEAD_SCREENS = 1.5;
/** Room above the unread line when opening there. */
const OPENING_ROOM_PX = 48;
/** The virtual list has measured what it draws by then. */
const SETTLING_FRAMES = 3;
const NONE: readonly OutboxItem[] = [];

/** `onLeave`: Escape leads back to writing. */
export function History({ conversation, onLeave }: { conversation: Conversation; onLeave: () => void }) {
  const t = useT();
  const client = useClient();
  const id = conversation.conversation_id;
  const timeline = useMemo(() => client.timeline(id), [client, id]);
  const view = useCell(timeline.view);
  // What was unread on entering stays marked until one leaves.
  const [entered] = useState(() => client.conversations.row(id) ?? conversation);
  const around = firstUnread(entered);
  const unreadFrom = around === undefined ? undefined : entered.read_seq;
  const hasNothing = entered.head_seq === 0;
  useEffect(() => {
    if (hasNothing) timeline.openEmpty();
    else void timeline.open(around);
    return () => timeline.trim();
  }, [timeline, hasNothing, around]);

  if (view.phase === 'error') {
    return (
      <ErrorBox title={t('chat.load_failed')} error={view.error} onRetry={() => void timeline.open(around)} />
    );
  }
  if (view.phase !== 'ready') return <Skeletons rows={6} kind="chat" />;
  return (
    <Messages
      conversation={conversation}
      timeline={timeline}
      view={view}
      unreadFrom={unreadFrom}
      onLeave={onLeave}
    />
  );
}

interface MessagesProps {
  conversation: Conversation;
  timeline: Timeline;
  view: TimelineView;
  unreadFrom: number | undefined;
  onLeave: () => void;
}

function Messages({ conversation, timeline, view, unreadFrom, onLeave }: MessagesProps) {
  const t = useT();
  const { outbox } = useClient();
  const me = useMe()?.user_id ?? '';
  const id = conversation.conversation_id;
  const pending = usePart(outbox.items, (items) => items.get(id) ?? NONE);
  const [lineAfter, setLineAfter] = useState(unreadFrom);
  const rows = useMemo(
    () => buildRows({ items: view.items, pending: view.moreAfter ? NONE : pending, me, lineAfter }),
    [view.items, view.moreAfter, pending, me, lineAfter],
  );
  const marks = useMemo(() => readMarks(t, rows, conversation, me), [t, rows, conversation, me]);
  const list = useRef<VListHandle>(null);
  const shift = useShift(rows);
  const place = usePlace(list, rows, timeline, view);
  useReading(conversation, view, place.atEnd, setLineAfter);
  const { atEnd } = place;
  useEffect(() => {
    if (atEnd) timeline.trimLive();
  }, [atEnd, timeline, view.items.length]);

  if (rows.length === 0) return <Nothing conversation={conversation} />;
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    // Menus of messages are drawn elsewhere; their keys arrive here all the same.
    if (event.defaultPrevented || !event.currentTarget.contains(event.target as Node)) return;
    const handle = list.current;
    const seen = handle ? handle.findItemIndex(handle.scrollOffset + handle.viewportSize) : rows.length - 1;
    if (event.key === 'Escape') onLeave();
    else onListKey(event, list, rows.length, seen + 1);
  };
  return (
    // The keys are those of the list inside.
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions
    <div className={styles['history']} data-settled={place.settled || undefined} onKeyDown={onKeyDown}>
      {view.loadingBefore && (
        <p className={styles['loading']} role="status">
          {t('chat.older_loading')}
        </p>
      )}
      <VList
        ref={list}
        data={rows}
        className={styles['scroll'] ?? ''}
        shift={shift}
        bufferSize={place.settled ? DRAWN_AHEAD_PX : OPENING_AHEAD_PX}
        onScroll={place.onScroll}
        onResize={place.onResize}
        tabIndex={0}
        role="group"
        aria-label={t('chat.messages')}
        data-testid="history"
      >
        {(row, index) => (
          <MessageRow
            key={row.key}
            row={row}
            named={conversation.kind !== 'direct'}
            mark={marks.get(row.key)}
            index={index}
            begin={!view.moreBefore}
          />
        )}
      </VList>
      {(!place.atEnd || view.moreAfter) && place.settled && (
        <LatestButton conversation={conversation} onClick={place.goToEnd} />
      )}
      <Announcer rows={rows} />
    </div>
  );
}

/** True exactly for the drawing in which rows were added or let go in front. */
function useShift(rows: readonly ChatRow[]): boolean {
  const drawn = useRef(rows);
  // What was drawn last is exactly what must be compared with; a state would be one drawing late.
  const before = drawn.current;
  const firstBefore = before[0]?.key;
  const shift =
    before !== rows &&
    firstBefore !== undefined &&
    rows[0] !== undefined &&
    rows[0].key !== firstBefore &&
    (has(rows, firstBefore) || has(before, rows[0].key));
  useLayoutEffect(() => {
    drawn.current = rows;
  }, [rows]);
  return shift;
}

function has(rows: readonly ChatRow[], key: string): boolean {
  return rows.some((row) => row.key === key);
}

/** Where one is in the history, and what follows from it. */
function usePlace(
  list: React.RefObject<VListHandle | null>,
  rows: readonly ChatRow[],
  timeline: Timeline,
  view: TimelineView,
) {
  const [atEnd, setAtEnd] = useState(false);
  const [settled, setSettled] = useState(false);
  const end = useRef(false);
  const wantEnd = useRef(false);
  const lastKey = useRef<string>(undefined);

  const look = () => {
    const handle = list.current;
    if (!handle) return;
    const left = handle.scrollSize - handle.viewportSize - handle.scrollOffset;
    end.current = left <= END_PX && !view.moreAfter;
    setAtEnd(end.current);
    const ahead = handle.viewportSize * AHEAD_SCREENS;
    if (handle.scrollOffset < ahead && view.moreBefore) void timeline.loadBefore();
    if (left < ahead && view.moreAfter) void timeline.loadAfter();
  };
  const toEnd = () => list.current?.scrollToIndex(rows.length - 1, { align: 'end' });

  const opened = useOpening(
    list,
    rows,
    (atUnread) => {
      end.current = !atUnread;
    },
    () => {
      setSettled(true);
      look();
    },
  );

  useLayoutEffect(() => {
    const last = rows.at(-1);
    const before = lastKey.current;
    lastKey.current = last?.key;
    if (!last || before === undefined || before === last.key) return;
    const justSent = last.pending !== undefined;
    if (end.current || justSent || wantEnd.current) toEnd();
    if (justSent && view.moreAfter) void timeline.jumpToLatest();
    wantEnd.current = false;
  });

  return {
    atEnd,
    settled,
    onScroll: () => {
      if (opened.current) look();
    },
    onResize: () => {
      if (end.current) toEnd();
    },
    goToEnd: () => {
      if (view.moreAfter) {
        wantEnd.current = true;
        end.current = true;
        void timeline.jumpToLatest();
      } else {
        toEnd();
      }
    },
  };
}

/** Goes to the first unread message, or the end, when the first rows are there; shows them once they stand still. */
function useOpening(
  list: React.RefObject<VListHandle | null>,
  rows: readonly ChatRow[],
  onPlaced: (atUnread: boolean) => void,
  onSettled: () => void,
): React.RefObject<boolean> {
  const opened = useRef(false);
  const nothing = rows.length === 0;
  useLayoutEffect(() => {
    if (opened.current || nothing) return undefined;
    opened.current = true;
    const index = openingIndex(rows);
    const atUnread = rows[index]?.unreadAbove ?? false;
    list.current?.scrollToIndex(index, atUnread ? { align: 'start', offset: -OPENING_ROOM_PX } : { align: 'end' });
    onPlaced(atUnread);
    let frames = SETTLING_FRAMES;
    let frame = requestAnimationFrame(function wait() {
      frames -= 1;
      if (frames > 0) frame = requestAnimationFrame(wait);
      else onSettled();
    });
    return () => {
      cancelAnimationFrame(frame);
      opened.current = false;
    };
    // Once, when the first rows are there.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [nothing]);
  return opened;
}

/** Marks as read while someone looks at the end; notes where one stopped looking. */
function useReading(
  conversation: Conversation,
  view: TimelineView,
  atEnd: boolean,
  setLineAfter: (seq: number) => void,
): void {
  const client = useClient();
  const looking = useLooking();
  const id = conversation.conversation_id;
  const seen = useRef(0);
  const lastSeq = view.items.at(-1)?.seq ?? 0;
  useEffect(() => {
    if (view.moreAfter || lastSeq === 0) return;
    if (looking && atEnd) {
      seen.current = lastSeq;
      client.markRead(id, Math.max(lastSeq, view.headSeq));
    } else if (!looking && seen.current > 0 && lastSeq > seen.current) {
      setLineAfter(seen.current);
    }
  }, [client, id, looking, atEnd, lastSeq, view.headSeq, view.moreAfter, setLineAfter]);
}

function LatestButton({ conversation, onClick }: { conversation: Conversation; onClick: () => void }) {
  const t = useT();
  const { conversations } = useClient();
  const unread = usePart(conversations.view, () => conversations.row(conversation.conversation_id)?.unread ?? 0);
  return (
    <Button
      className={styles['latest'] ?? ''}
      size="xs"
      radius="xl"
      variant="default"
      rightSection={<ArrowDown {...ICON_SMALL} />}
      onClick={onClick}
    >
      {unread > 0 ? t('chat.new_below', { count: badgeText(unread) }) : t('chat.latest')}
    </Button>
  );
}

function Nothing({ conversation }: { conversation: Conversation }) {
  const t = useT();
  const { people } = useClient();
  const me = useMe()?.user_id ?? '';
  const known = useCell(people.known);
  const name = titleOf(t, known, conversation, me);
  return (
    <Empty
      title={conversation.kind === 'direct' ? t('chat.first', { name }) : t('chat.first_discussion')}
      icon={<ConversationPicture row={conversation} size="l" />}
    />
  );
}

/** Reads out what somebody else says while one is in the conversation. */
function Announcer({ rows }: { rows: readonly ChatRow[] }) {
  const t = useT();
  const { people } = useClient();
  const known = useCell(people.known);
  const last = rows.at(-1);
  const [first] = useState(last?.key);
  const spoken = last && !last.mine && last.key !== first && last.message?.kind === 'text';
  return (
    <p className="visually-hidden" aria-live="polite">
      {spoken ? `${nameOf(t, known, last.authorId)}: ${last.text}` : ''}
    </p>
  );
}
