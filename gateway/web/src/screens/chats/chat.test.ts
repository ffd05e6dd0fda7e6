// The rules of the chat screen: lines, runs, links, Enter, read marks.

import { expect, test } from 'vitest';

import type { OutboxItem } from '../../core/outbox';
import type { Conversation, Message } from '../../core/wire';
import { translate } from '../../i18n';
import type { TextKey } from '../../i18n';
import { sends } from './enter';
import { findLinks } from './links';
import { readMarks } from './readMarks';
import { buildRows, openingIndex, type RowsInput } from './rows';

const t = (key: TextKey, places?: Record<string, string | number>) => translate('zh-CN', key, places);
const NOON = new Date(2026, 10, 25, 12, 0).getTime();
const MINUTE = 60_000;

function message(seq: number, minutes: number, author = 'li', part: Partial<Message> = {}): Message {
  return {
    conversation_id: 'c',
    seq,
    count: seq,
    kind: 'text',
    author_id: author,
    sent_at: NOON + minutes * MINUTE,
    text: `${seq}`,
    ...part,
  };
}

function pendingItem(id: string, minutes: number): OutboxItem {
  return {
    client_msg_id: id,
    user_id: 'me',
    conversation_id: 'c',
    text: id,
    created_at: NOON + minutes * MINUTE,
    state: 'waiting',
    attempts: 0,
  };
}

function rows(items: Message[], part: Partial<RowsInput> = {}) {
  return buildRows({ items, pending: [], me: 'me', lineAfter: undefined, moreBefore: false, ...part });
}

test('there is one row for each message, so that the list keeps its place when older ones come', () => {
  const all = Array.from({ length: 50 }, (_, index) => message(index + 1, index * 7));
  expect(rows(all).length).toBe(50);
  expect(rows(all.slice(20)).map((row) => row.key)).toEqual(rows(all).slice(20).map((row) => row.key));
});

test('a row that is shown keeps its form while older ones come and go: the oldest waits for the one before it', () => {
  const authors = ['li', 'li', 'wang', 'me'];
  const all = Array.from({ length: 60 }, (_, index) => message(index + 1, index * 4 + (index % 7) * 3, authors[index % 4]));
  const whole = rows(all);
  for (let from = 1; from < all.length - 1; from += 1) {
    expect(rows(all.slice(from), { moreBefore: true })).toEqual(whole.slice(from + 1));
  }
  expect(rows(all, { moreBefore: false })[0]?.key).toBe('1');
});

test('the oldest is shown all the same where it is the only one, or the one to open at', () => {
  expect(rows([message(5, 0)], { moreBefore: true }).map((row) => row.key)).toEqual(['5']);
  const unread = rows([message(5, 0), message(6, 1)], { moreBefore: true, lineAfter: 4 });
  expect(unread.map((row) => row.key)).toEqual(['5', '6']);
  expect(openingIndex(unread)).toBe(0);
});

test('one person within five minutes shares one head', () => {
  const heads = rows([message(1, 0), message(2, 4), message(3, 8), message(4, 13.5), message(5, 14, 'wang')]).map((row) => row.head);
  expect(heads).toEqual([true, false, false, true, true]);
});

test('a pause of ten minutes or a new day gets a time line', () => {
  const lines = rows([message(1, 0), message(2, 9), message(3, 19), message(4, 719), message(5, 721)]).map(
    (row) => row.timeAbove !== undefined,
  );
  expect(lines).toEqual([true, false, true, true, true]);
});

test('the unread line stands once, before the first new message of somebody else', () => {
  const list = rows([message(1, 0), message(2, 1, 'me'), message(3, 2), message(4, 3)], { lineAfter: 1 });
  expect(list.map((row) => row.unreadAbove)).toEqual([false, false, true, false]);
  expect(openingIndex(list)).toBe(2);
  expect(openingIndex(rows([message(1, 0), message(2, 1)]))).toBe(1);
});

test('a message on its way keeps its row when it arrives', () => {
  const waiting = rows([message(1, 0)], { pending: [pendingItem('id-1', 1)] });
  const both = rows([message(1, 0), message(2, 1, 'me', { client_msg_id: 'id-1' })], { pending: [pendingItem('id-1', 1)] });
  const arrived = rows([message(1, 0), message(2, 1, 'me', { client_msg_id: 'id-1' })]);
  expect(waiting.map((row) => row.key)).toEqual(['1', 'id-1']);
  expect(both.map((row) => row.key)).toEqual(['1', 'id-1']);
  expect(arrived.map((row) => row.key)).toEqual(['1', 'id-1']);
});

test('a run is one bot under one name, and never mine', () => {
  const bot = (seq: number, minutes: number, name: string, author = 'b1') => message(seq, minutes, author, { bot: { name } });
  const list = rows([bot(1, 0, '构建'), bot(2, 1, '构建'), bot(3, 2, '部署'), bot(4, 3, '部署', 'b2'), message(5, 4, 'b2'), bot(6, 5, '部署', 'me')]);
  expect(list.map((row) => row.head)).toEqual([true, false, true, true, true, true]);
  expect(list.map((row) => row.bot)).toEqual(['构建', '构建', '部署', '部署', undefined, '部署']);
  expect(list.some((row) => row.mine)).toBe(false);
});

test('the client id of somebody else never hides my message', () => {
  const list = rows([message(1, 0, 'li', { client_msg_id: 'id-1' })], { pending: [pendingItem('id-1', 1)] });
  expect(list.length).toBe(2);
});

test('a message on its way gets no time line for a clock that is behind', () => {
  const list = rows([message(1, 0)], { pending: [pendingItem('id-1', -300)] });
  expect(list[1]?.timeAbove).toBeUndefined();
});

test.each([
  ['看 https://example.com/a?b=c。', ['https://example.com/a?b=c']],
  ['（见http://example.com/x）', ['http://example.com/x']],
  ['www.example.com, 好', ['https://www.example.com/']],
  ['https://zh.example.org/wiki/A_(b) 好', ['https://zh.example.org/wiki/A_(b)']],
  ['javascript:alert(1) data:text/html,x file:///etc', []],
  ['http:// https://x', []],
  ['http://localhost:8080/a http://127.0.0.1/', ['http://localhost:8080/a', 'http://127.0.0.1/']],
  ['a@b.com 没有链接', []],
])('addresses in %s', (text, hrefs) => {
  const pieces = findLinks(text);
  expect(pieces.flatMap((piece) => piece.href ?? [])).toEqual(hrefs);
  expect(pieces.map((piece) => piece.text).join('')).toBe(text);
});

const ENTER = { key: 'Enter', keyCode: 13, isComposing: false, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false };

test('Enter sends, but not while an input method composes, in any order of events', () => {
  expect(sends(ENTER)).toBe(true);
  expect(sends({ ...ENTER, isComposing: true, keyCode: 229 })).toBe(false);
  expect(sends({ ...ENTER, isComposing: true })).toBe(false);
  // Safari: the composition has ended already, the key still belongs to the input method.
  expect(sends({ ...ENTER, keyCode: 229 })).toBe(false);
  expect(sends({ ...ENTER, shiftKey: true })).toBe(false);
  expect(sends({ ...ENTER, ctrlKey: true })).toBe(true);
  expect(sends({ ...ENTER, key: 'a', keyCode: 65 })).toBe(false);
});

function conversation(kind: 'direct' | 'discussion', read: Record<string, number>): Conversation {
  return {
    conversation_id: 'c',
    kind,
    state: 'open',
    head_seq: 9,
    count: 9,
    read_seq: 9,
    read_count: 9,
    unread: 0,
    from_seq: 1,
    member_count: 3,
    member_ids: [],
    history: 'full',
    members: [
      { user_id: 'me', joined_at: 1, role: 'owner', read_seq: 9 },
      ...Object.entries(read).map(([user_id, read_seq]) => ({ user_id, joined_at: 1, role: 'member' as const, read_seq })),
    ],
  };
}

test('in a direct chat the last read message says so and the unread ones after it', () => {
  const list = rows([1, 2, 3, 4].map((seq) => message(seq, seq, 'me', { client_msg_id: `k${seq}` })));
  const marks = readMarks(t, list, conversation('direct', { li: 2 }), 'me');
  expect([...marks].toSorted()).toEqual([
    ['k2', '已读'],
    ['k3', '未读'],
    ['k4', '未读'],
  ]);
});

test('pictures and files are read like texts, and keep their rows when they arrive', () => {
  const file = { file_id: 'f1', name: '图.png', size: 9, mime: 'image/png', kind: 'image', width: 8, height: 6 } as const;
  const waiting = rows([], { pending: [{ ...pendingItem('k1', 1), text: '', file }] });
  const arrived = rows([message(1, 1, 'me', { client_msg_id: 'k1', kind: 'image', file })].map(({ text: _text, ...rest }) => rest));
  for (const list of [waiting, arrived]) expect(list[0]).toMatchObject({ key: 'k1', text: '', file: { kind: 'image', info: file } });
  expect([...readMarks(t, arrived, conversation('direct', { li: 1 }), 'me')]).toEqual([['k1', '已读']]);
  expect([...readMarks(t, arrived, conversation('discussion', { li: 1, wang: 0 }), 'me')]).toEqual([['k1', '1 人已读']]);
});

test('in a discussion the last message counts its readers', () => {
  const list = rows([message(1, 0, 'me', { client_msg_id: 'a' }), message(2, 1, 'me', { client_msg_id: 'b' })]);
  const marks = (read: Record<string, number>) => [...readMarks(t, list, conversation('discussion', read), 'me')];
  expect(marks({ li: 1, wang: 0 })).toEqual([['b', '未读']]);
  expect(marks({ li: 2, wang: 0 })).toEqual([['b', '1 人已读']]);
  expect(marks({ li: 2, wang: 2 })).toEqual([['b', '全部已读']]);
});

test('under the last message of a dissolved discussion nothing waits to be read', () => {
  const list = rows([message(1, 0, 'me', { client_msg_id: 'a' })]);
  const marks = (read: Record<string, number>) => [...readMarks(t, list, { ...conversation('discussion', read), state: 'dissolved' }, 'me')];
  expect(marks({ li: 0, wang: 0 })).toEqual([]);
  expect(marks({ li: 1, wang: 0 })).toEqual([['a', '1 人已读']]);
});
