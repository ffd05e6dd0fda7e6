import { beforeEach, expect, test } from 'vitest';

import { settle } from '../testing/time';
import { Conversations } from './conversations';
import { networkError, readError } from './errors';
import type { Conversation, ConversationRow, Message, Page } from './wire';

let pages: Page<ConversationRow>[];
let asked: (string | undefined)[];
let known: Map<string, Conversation>;
let down: boolean;
/** When set, pages wait until the test lets them go. */
let held: (() => void)[] | undefined;

function row(id: string, part: Partial<ConversationRow> = {}): ConversationRow {
  const base: ConversationRow = {
    conversation_id: id,
    kind: 'direct',
    peer_id: `peer-${id}`,
    state: 'open',
    head_seq: 5,
    count: 5,
    read_seq: 5,
    read_count: 5,
    unread: 0,
    from_seq: 1,
    member_count: 2,
    member_ids: ['me', `peer-${id}`],
  };
  const whole = { ...base, ...part };
  return { last: { seq: whole.head_seq, sent_at: 1_000, author_id: 'x', kind: 'text', text: '好' }, ...whole };
}

function message(id: string, seq: number, part: Partial<Message> = {}): Message {
  return { conversation_id: id, seq, count: seq, kind: 'text', author_id: 'x', sent_at: seq * 10_000, text: '新', ...part };
}

function make(): Conversations {
  return new Conversations({
    list: async ({ cursor }) => {
      asked.push(cursor);
      if (down) throw networkError('closed');
      // What the server saw when it was asked, however long the answer travels.
      const page = pages[cursor === undefined ? 0 : Number(cursor)] ?? { items: [] };
      const waiting = held;
      if (waiting) {
        await new Promise<void>((go) => {
          waiting.push(go);
        });
      }
      return page;
    },
    get: (id) => {
      const found = known.get(id);
      const gone = readError({ class: 'not_found', code: 'no_conversation', message: {} });
      return found ? Promise.resolve(found) : Promise.reject(gone);
    },
    me: () => 'me',
  });
}

function ids(list: Conversations): string[] {
  return list.view.get().rows.map((one) => one.conversation_id);
}

beforeEach(() => {
  pages = [{ items: [] }];
  asked = [];
  known = new Map();
  down = false;
  held = undefined;
});

test('rows stand by last activity and unread is counted over all', async () => {
  pages = [{ items: [row('a', { count: 9, unread: 4 }), row('b', { last: { ...row('b').last!, sent_at: 9_000 } })] }];
  const list = make();
  await list.load();
  expect(ids(list)).toEqual(['b', 'a']);
  expect(list.view.get()).toMatchObject({ phase: 'ready', unreadTotal: 4, more: false });
});

test('a message moves its row up and is unread until it is read', async () => {
  pages = [{ items: [row('a'), row('b')] }];
  const list = make();
  await list.load();
  expect(list.received(message('a', 6))).toBe(true);
  expect(ids(list)[0]).toBe('a');
  expect(list.row('a')).toMatchObject({ unread: 1, head_seq: 6, last: { text: '新' } });
  list.read('a', 6, 6);
  expect(list.view.get().unreadTotal).toBe(0);
});

test('what a bot says is unread, and its row is called by it', async () => {
  pages = [{ items: [row('a')] }];
  const list = make();
  await list.load();
  list.received(message('a', 6, { author_id: 'bot-1', bot: { name: '构建' } }));
  expect(list.row('a')).toMatchObject({ unread: 1, last: { author_id: 'bot-1', bot: { name: '构建' }, text: '新' } });
  list.received(message('a', 7));
  expect(list.row('a')?.last).not.toHaveProperty('bot');
});

test('the same message twice, or an old one, changes nothing', async () => {
  pages = [{ items: [row('a')] }];
  const list = make();
  await list.load();
  list.received(message('a', 6));
  list.received(message('a', 6));
  list.received(message('a', 3));
  expect(list.row('a')).toMatchObject({ unread: 1, head_seq: 6 });
});

test('a system line moves the row but is not unread', async () => {
  pages = [{ items: [row('a')] }];
  const list = make();
  await list.load();
  list.received(message('a', 6, { kind: 'system', count: 5, system: { what: 'left' } }));
  expect(list.row('a')).toMatchObject({ unread: 0, head_seq: 6 });
});

test('what I write on any device is read by me', async () => {
  pages = [{ items: [row('a', { count: 8, head_seq: 8, unread: 3 })] }];
  const list = make();
  await list.load();
  list.received(message('a', 9, { author_id: 'me' }));
  expect(list.row('a')).toMatchObject({ unread: 0, read_seq: 9 });
});

test('reading on another device clears the badge, an older mark does not bring it back', async () => {
  pages = [{ items: [row('a', { head_seq: 8, count: 8, unread: 3 })] }];
  const list = make();
  await list.load();
  list.applySelf({ seq: 1, at: 1, what: 'read', conversation_id: 'a', read_seq: 8, read_count: 8 });
  list.read('a', 6, 6);
  expect(list.row('a')).toMatchObject({ unread: 0, read_seq: 8 });
});

test('a refresh that was asked before I read does not bring the badge back', async () => {
  pages = [{ items: [row('a', { head_seq: 8, count: 8, unread: 3 })] }];
  const list = make();
  await list.load();
  list.read('a', 8, 8);
  await list.load();
  expect(list.row('a')).toMatchObject({ unread: 0 });
});

test('coming back, pages are read only until one brings nothing new', async () => {
  pages = [
    { items: [row('a'), row('b')], next: '1' },
    { items: [row('c'), row('d')], next: '2' },
    { items: [row('e')] },
  ];
  const list = make();
  await list.load();
  expect(asked).toEqual([undefined, '1', '2']);
  asked = [];
  pages[0] = { items: [row('a', { head_seq: 6, count: 6 }), row('b')], next: '1' };
  await list.load();
  expect(asked).toEqual([undefined, '1']);
  expect(list.row('a')?.unread).toBe(1);
});

test('very many conversations come in pages as one scrolls', async () => {
  pages = Array.from({ length: 8 }, (_, page) => ({ items: [row(`p${page}`)], next: String(page + 1) }));
  const list = make();
  await list.load();
  expect(asked.length).toBe(5);
  expect(list.view.get().more).toBe(true);
  await list.loadMore();
  expect(ids(list).length).toBe(6);
});

test('an unknown conversation is asked for once, however many messages it brings', async () => {
  const list = make();
  await list.load();
  known.set('n', { ...row('n'), history: 'full', members: [] });
  expect(list.received(message('n', 6))).toBe(false);
  await Promise.all([list.fetch('n'), list.fetch('n')]);
  expect(ids(list)).toEqual(['n']);
});

test('one I am no longer in leaves the list', async () => {
  pages = [{ items: [row('a'), row('b')] }];
  const list = make();
  await list.load();
  list.applySelf({ seq: 1, at: 1, what: 'left', conversation_id: 'a' });
  expect(ids(list)).toEqual(['b']);
  await expect(list.fetch('b')).rejects.toMatchObject({ class: 'not_found' });
  expect(ids(list)).toEqual([]);
});

test('a direct chat without a message has details but no row', () => {
  const list = make();
  list.put({ ...row('n', { head_seq: 0, count: 0 }), history: 'full', members: [] });
  expect(ids(list)).toEqual([]);
  expect(list.details.get().has('n')).toBe(true);
});

test('others reading moves only forward', () => {
  const list = make();
  list.put({ ...row('a'), history: 'full', members: [{ user_id: 'x', joined_at: 1, role: 'member', read_seq: 3 }] });
  list.othersRead('a', 'x', 5);
  list.othersRead('a', 'x', 4);
  expect(list.details.get().get('a')?.members?.[0]?.read_seq).toBe(5);
});

test('a slow answer does not take back a live read mark', () => {
  const list = make();
  const members = [{ user_id: 'x', joined_at: 1, role: 'member' as const, read_seq: 3 }];
  list.put({ ...row('a'), history: 'full', members });
  list.othersRead('a', 'x', 5);
  list.put({ ...row('a'), history: 'full', members });
  expect(list.details.get().get('a')?.members?.[0]?.read_seq).toBe(5);
});

test('a failed first load says so; a failed refresh keeps what is there', async () => {
  down = true;
  const list = make();
  await list.load();
  expect(list.view.get().phase).toBe('error');
  down = false;
  pages = [{ items: [row('a')] }];
  await list.load();
  down = true;
  await list.load();
  expect(list.view.get()).toMatchObject({ phase: 'ready' });
  expect(ids(list)).toEqual(['a']);
});

test('asked for while a page is on its way, it asks once more: the page may be older than the question', async () => {
  pages = [{ items: [row('a')] }];
  held = [];
  const list = make();
  const first = list.load();
  await settle();
  pages = [{ items: [row('a'), row('b')] }];
  const others = [list.load(), list.load()];
  held.forEach((go) => go());
  held = undefined;
  await Promise.all([first, ...others]);
  expect(ids(list)).toEqual(['b', 'a']);
  expect(asked.length).toBe(2);
});

test('a refresh wanted while older ones are on their way comes after them', async () => {
  pages = Array.from({ length: 8 }, (_, page) => ({ items: [row(`p${page}`)], next: String(page + 1) }));
  const list = make();
  await list.load();
  asked = [];
  held = [];
  const more = list.loadMore();
  await settle();
  const again = list.load();
  expect(asked).toEqual(['5']);
  held.forEach((go) => go());
  held = undefined;
  await Promise.all([more, again]);
  expect(asked).toEqual(['5', undefined]);
  expect(ids(list)).toContain('p5');
});

test('an answer for the person before is not shown to the next one', async () => {
  pages = [{ items: [row('secret')] }];
  held = [];
  const list = make();
  const before = list.load();
  await settle();
  list.clear();
  const late = held;
  held = undefined;
  pages = [{ items: [row('mine')] }];
  await list.load();
  late.forEach((go) => go());
  await before;
  expect(ids(list)).toEqual(['mine']);
});
