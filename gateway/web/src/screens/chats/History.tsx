// The messages of a conversation: opens at the first unread, keeps its place while older ones come in above,
// follows the end while one is there, and marks as read only what a person can see.

import { Button } from '@mantine/core';
import { ArrowDown } from 'lucide-react';
import { type KeyboardEvent, useEffect, useEffectEvent, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { type CacheSnapshot, Virtualizer, type VirtualizerHandle } from 'virtua';

import { badgeText } from '../../app/badge';
import { useCell, useClient, useMe, usePart, useT } from '../../app/hooks';
import { useLooking } from '../../app/live';
import { fileLine, nameOf, titleOf } from '../../app/names';
import { firstUnread } from '../../core/conversations';
import { LIVE_ITEMS_MAX, type Timeline, type TimelineView } from '../../core/messages';
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

/** This close to the end counts as being there. */
const END_PX = 32;
/** Rows are drawn this far beyond what can be seen: a quick scroll meets rows whose height is known. */
const DRAWN_AHEAD_PX = 800;
/** Older messages are asked for this many screens ahead. */
const AHEAD_SCREENS = 1.5;
/** Room above the unread line when opening there. */
const OPENING_ROOM_PX = 48;
/** The list has measured what it draws by then, whatever it is. */
const SETTLING_FRAMES = 6;
/** Height of most rows: the list begins with it, and draws so many as can be seen. */
const USUAL_ROW_PX = 69;
/** What the list would say after drawing rows of that height. */
const FIRST_GUESS = [[], USUAL_ROW_PX] as unknown as CacheSnapshot;
/** So long no message came: what the last one moved has been drawn. */
const CALM_MS = 100;
/** Where it never gets calm, old messages are let go all the same. */
const TRIMMED_AT_ONCE = 2 * LIVE_ITEMS_MAX;
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
    () =>
      buildRows({
        items: view.items,
        pending: view.moreAfter ? NONE : pending,
        me,
        lineAfter,
        moreBefore: view.moreBefore,
      }),
    [view.items, view.moreBefore, view.moreAfter, pending, me, lineAfter],
  );
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<VirtualizerHandle>(null);
  const place = usePlace(box, list, rows, timeline, view);
  useReading(conversation, view, place.atEnd, setLineAfter);
  const { atEnd } = place;
  useEffect(() => {
    if (!atEnd) return undefined;
    // Letting go moves what is drawn: not in one frame with what a new message moves.
    if (view.items.length > TRIMMED_AT_ONCE) timeline.trimLive();
    let frame = 0;
    const timer = setTimeout(() => {
      // Nothing can come between this and the drawing of it.
      frame = requestAnimationFrame(() => timeline.trimLive());
    }, CALM_MS);
    return () => {
      clearTimeout(timer);
      cancelAnimationFrame(frame);
    };
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
      {view.failedBefore && <OlderFailed onRetry={() => void timeline.loadBefore()} />}
      <Rows
        conversation={conversation}
        rows={rows}
        begin={!view.moreBefore}
        place={place}
        box={box}
        list={list}
      />
      {(!place.atEnd || view.moreAfter) && place.settled && (
        <LatestButton conversation={conversation} onClick={place.goToEnd} />
      )}
      <Announcer rows={rows} />
    </div>
  );
}

interface RowsProps {
  conversation: Conversation;
  rows: readonly ChatRow[];
  /** Nothing older exists. */
  begin: boolean;
  place: Place;
  box: React.RefObject<HTMLDivElement | null>;
  list: React.RefObject<VirtualizerHandle | null>;
}

function Rows({ conversation, rows, begin, place, box, list }: RowsProps) {
  const t = useT();
  const me = useMe()?.user_id ?? '';
  const marks = useMemo(() => readMarks(t, rows, conversation, me), [t, rows, conversation, me]);
  const shift = useShift(rows);
  return (
    // The list can be scrolled by key.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div ref={box} className={styles['scroll']} tabIndex={0} role="group" aria-label={t('chat.messages')} data-testid="history">
      <Virtualizer
        ref={list}
        data={rows}
        shift={shift}
        cache={FIRST_GUESS}
        bufferSize={DRAWN_AHEAD_PX}
        {...(place.above && { keepMounted: place.above })}
        onScroll={place.onScroll}
        onScrollEnd={place.onScrollEnd}
        onResize={place.onResize}
      >
        {(row, index) => (
          <MessageRow
            key={row.key}
            row={row}
            named={conversation.kind !== 'direct'}
            mark={marks.get(row.key)}
            index={index}
            begin={begin}
          />
        )}
      </Virtualizer>
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

interface Place {
  atEnd: boolean;
  settled: boolean;
  /** Rows to draw whether or not they can be seen. */
  above: readonly number[] | undefined;
  onScroll: () => void;
  onScrollEnd: () => void;
  onResize: () => void;
  goToEnd: () => void;
}

/**
 * Where one is in the history, and what follows from it. Scrolls the box itself: the list would hold on to a place that
 * it was told for a moment, and take back there who scrolls away meanwhile.
 */
function usePlace(
  box: React.RefObject<HTMLDivElement | null>,
  list: React.RefObject<VirtualizerHandle | null>,
  rows: readonly ChatRow[],
  timeline: Timeline,
  view: TimelineView,
): Place {
  const [atEnd, setAtEnd] = useState(false);
  const [settled, setSettled] = useState(false);
  const [above, setAbove] = useState(() => (rows.length > 0 ? rowsAbove(rows) : undefined));
  const end = useRef(false);

  const look = () => {
    const handle = list.current;
    if (!handle) return;
    // As it is, not as it was drawn: between a failure and its drawing every frame of a scroll would ask once more.
    const { moreAfter, moreBefore, failedBefore } = timeline.view.get();
    const left = handle.scrollSize - handle.viewportSize - handle.scrollOffset;
    end.current = left <= END_PX && !moreAfter;
    setAtEnd(end.current);
    const ahead = handle.viewportSize * AHEAD_SCREENS;
    // Once it failed, somebody asks again: not every frame of a scroll.
    if (handle.scrollOffset < ahead && moreBefore && !failedBefore) void timeline.loadBefore();
    if (left < ahead && moreAfter) void timeline.loadAfter();
  };
  const toEnd = () => {
    end.current = true;
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };
  const toOpening = () => {
    const index = openingIndex(rows);
    if (!rows[index]?.unreadAbove) toEnd();
    else if (box.current && list.current) box.current.scrollTop = list.current.getItemOffset(index) - OPENING_ROOM_PX;
  };
  const opening = useOpening(box, rows.length === 0, toOpening, () => {
    // In this frame, not in the next but one.
    flushSync(() => {
      setSettled(true);
      setAtEnd(end.current && !view.moreAfter);
    });
    // By then the list knows where it was scrolled to.
    requestAnimationFrame(look);
  });

  const stay = () => settled && !view.moreAfter && toEnd();
  useStayAtEnd(box, rows.length === 0, stay, () => settled && look());
  const wantEnd = useFollowing(rows, end, toEnd, () => {
    if (view.moreAfter) void timeline.jumpToLatest();
  });

  return {
    atEnd,
    settled,
    above,
    onScroll: () => {
      if (settled) look();
    },
    onScrollEnd: () => {
      if (settled) setAbove(undefined);
    },
    onResize: () => {
      if (!opening.goesOn() && end.current) toEnd();
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

/**
 * Where there is less room for the history, because what one writes grows or a keyboard came up, the end stays in sight.
 * Where there is more again, the list knows a frame later where it stands.
 */
function useStayAtEnd(
  box: React.RefObject<HTMLDivElement | null>,
  nothing: boolean,
  toEnd: () => void,
  look: () => void,
): void {
  const stay = useEffectEvent(toEnd);
  const lookAgain = useEffectEvent(look);
  useEffect(() => {
    const seen = box.current;
    if (!seen) return undefined;
    let before = seen.clientHeight;
    let frame = 0;
    const observer = new ResizeObserver(() => {
      const { clientHeight, scrollHeight, scrollTop } = seen;
      const wasLeft = scrollHeight - scrollTop - before;
      cancelAnimationFrame(frame);
      if (clientHeight > before) frame = requestAnimationFrame(() => lookAgain());
      before = clientHeight;
      if (wasLeft <= END_PX && scrollHeight - scrollTop > clientHeight) stay();
    });
    observer.observe(seen);
    return () => {
      observer.disconnect();
      cancelAnimationFrame(frame);
    };
  }, [box, nothing]);
}

/** Stays at the end while one is there, and goes there with what one sends. Set what it returns to go there with the next. */
function useFollowing(
  rows: readonly ChatRow[],
  end: React.RefObject<boolean>,
  toEnd: () => void,
  onSent: () => void,
): React.RefObject<boolean> {
  const wantEnd = useRef(false);
  const drawn = useRef<{ first: string | undefined; last: string | undefined }>(undefined);
  useLayoutEffect(() => {
    const last = rows.at(-1);
    const before = drawn.current;
    drawn.current = { first: rows[0]?.key, last: last?.key };
    if (!last || before?.last === undefined) return;
    const isOther = before.last !== last.key;
    const justSent = isOther && last.pending !== undefined;
    // Also where old ones were let go: the list counts from where it last saw the box scrolled to.
    const stays = end.current && (isOther || before.first !== rows[0]?.key);
    if (stays || justSent || (isOther && wantEnd.current)) toEnd();
    if (justSent) onSent();
    if (isOther) wantEnd.current = false;
  });
  return wantEnd;
}

/**
 * Where one opens, and what a quick scroll back from there would meet. Going there was scrolling down to the list, and
 * until it takes that for done it draws nothing above what can be seen.
 */
function rowsAbove(rows: readonly ChatRow[]): readonly number[] {
  const to = openingIndex(rows);
  const px = DRAWN_AHEAD_PX + (rows[to]?.unreadAbove ? 0 : window.innerHeight);
  const from = Math.max(0, to - Math.ceil(px / USUAL_ROW_PX));
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

/** Whether all that can be seen is drawn, and measured: until then the list hides it. */
function stands(box: HTMLElement | null): boolean {
  const rows = [...(box?.firstElementChild?.children ?? [])] as HTMLElement[];
  const [first, last] = [rows[0], rows.at(-1)];
  if (!box || !first || !last || rows.some((row) => row.style.visibility === 'hidden')) return false;
  const bottom = Math.min(box.scrollTop + box.clientHeight, first.parentElement?.offsetHeight ?? 0);
  return first.offsetTop <= box.scrollTop && last.offsetTop + last.offsetHeight >= bottom;
}

interface Opening {
  /** After rows were measured: whether it still goes to its place. */
  goesOn: () => boolean;
}

/** Goes to the place where one opens when the first rows are there; shows them once they stand still. */
function useOpening(
  box: React.RefObject<HTMLDivElement | null>,
  nothing: boolean,
  toOpening: () => void,
  onSettled: () => void,
): Opening {
  const going = useRef(false);
  const settle = () => {
    going.current = false;
    onSettled();
  };
  const opened = useRef(false);
  useLayoutEffect(() => {
    if (opened.current || nothing) return undefined;
    opened.current = true;
    going.current = true;
    toOpening();
    let frames = SETTLING_FRAMES;
    let frame = requestAnimationFrame(function wait() {
      frames -= 1;
      if (!going.current) return;
      if (frames > 0 && !stands(box.current)) frame = requestAnimationFrame(wait);
      else settle();
    });
    return () => {
      cancelAnimationFrame(frame);
      opened.current = false;
      going.current = false;
    };
    // Once, when the first rows are there.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [nothing]);
  return {
    goesOn: () => {
      if (!going.current) return false;
      toOpening();
      if (stands(box.current)) settle();
      return true;
    },
  };
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
      justify="space-between"
      rightSection={<ArrowDown {...ICON_SMALL} />}
      onClick={onClick}
    >
      {unread > 0 ? t('chat.new_below', { count: badgeText(unread) }) : t('chat.latest')}
    </Button>
  );
}

function OlderFailed({ onRetry }: { onRetry: () => void }) {
  const t = useT();
  return (
    <div className={styles['older']} role="alert">
      <span>{t('chat.older_failed')}</span>
      <Button size="xs" variant="subtle" onClick={onRetry}>
        {t('common.retry')}
      </Button>
    </div>
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
  const spoken = last && !last.mine && last.key !== first && last.message && last.message.kind !== 'system';
  const line = last?.file ? fileLine(t, last.file.kind, last.file.info.name) : last?.text;
  return (
    <p className="visually-hidden" aria-live="polite">
      {spoken ? `${last.bot ?? nameOf(t, known, last.authorId)}: ${line}` : ''}
    </p>
  );
}
