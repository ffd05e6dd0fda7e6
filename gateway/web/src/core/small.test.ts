// The small parts of the core, one story each.

import { beforeEach, expect, test } from 'vitest';

import { ManualTimers, settle } from '../testing/time';
import { Clock } from './clock';
import { Drafts, type KeyValue } from './drafts';
import { networkError, readError } from './errors';
import { People, type PeopleDeps } from './people';
import { Reading } from './reading';
import { charCount, type Person } from './wire';

let timers: ManualTimers;

function person(id: string, name = id): Person {
  return { user_id: id, name, login: id, role: 'member', initial: '#', online: false };
}

class Shelf implements KeyValue {
  readonly kept = new Map<string, string>();
  full = false;
  get length(): number {
    return this.kept.size;
  }
  getItem = (key: string) => this.kept.get(key) ?? null;
  key = (index: number) => [...this.kept.keys()][index] ?? null;
  removeItem = (key: string) => void this.kept.delete(key);
  setItem = (key: string, value: string) => {
    if (this.full) throw new Error('QuotaExceededError');
    this.kept.set(key, value);
  };
}

beforeEach(() => {
  timers = new ManualTimers();
});

test('a wrong clock is set right by the server, half a round trip counted', async () => {
  const clock = new Clock(timers);
  const askedAt = timers.now();
  await timers.pass(400);
  clock.learn(askedAt + 3_600_000 + 200, askedAt);
  expect(clock.now()).toBe(timers.now() + 3_600_000);
  expect(clock.isWrong()).toBe(true);
  clock.learn(timers.now(), timers.now());
  expect(clock.isWrong()).toBe(false);
});

test('a draft survives a reload and belongs to its person', async () => {
  const shelf = new Shelf();
  const drafts = new Drafts(shelf, timers);
  drafts.load('me');
  drafts.set('c1', '还没写完');
  await timers.pass(300);
  const reloaded = new Drafts(shelf, timers);
  reloaded.load('me');
  expect(reloaded.get('c1')).toBe('还没写完');
  const other = new Drafts(shelf, timers);
  other.load('you');
  expect(other.get('c1')).toBe('');
  reloaded.set('c1', '');
  reloaded.flush();
  expect(shelf.kept.size).toBe(0);
});

test('a draft that was sent is gone for the other tabs at once, and takes nothing away there later', async () => {
  const shelf = new Shelf();
  const drafts = new Drafts(shelf, timers);
  drafts.load('me');
  drafts.set('c1', '写好了');
  drafts.set('c1', '');
  shelf.setItem('chaoke.draft.me.c1', '另一个标签页在写');
  drafts.heard('chaoke.draft.me.c1', '另一个标签页在写');
  await timers.pass(300);
  expect(drafts.get('c1')).toBe('另一个标签页在写');
  expect(shelf.kept.size).toBe(1);
});

test('a closing page saves a draft at once, and full storage loses nothing of the page', () => {
  const shelf = new Shelf();
  const drafts = new Drafts(shelf, timers);
  drafts.load('me');
  drafts.set('c1', '一');
  drafts.flush();
  expect(shelf.kept.size).toBe(1);
  shelf.full = true;
  drafts.set('c1', '一二');
  drafts.flush();
  expect(drafts.get('c1')).toBe('一二');
  const nowhere = new Drafts(undefined, timers);
  nowhere.load('me');
  nowhere.set('c1', '三');
  nowhere.flush();
  expect(nowhere.get('c1')).toBe('三');
});

test('what another tab writes or sends shows here, unless one is typing the same', () => {
  const drafts = new Drafts(undefined, timers);
  drafts.load('me');
  drafts.heard('chaoke.draft.me.c1', '一');
  expect(drafts.get('c1')).toBe('一');
  drafts.heard('chaoke.draft.me.c1', null);
  expect(drafts.get('c1')).toBe('');
  drafts.heard('chaoke.draft.you.c1', '别人的');
  drafts.set('c1', '我在写');
  drafts.heard('chaoke.draft.me.c1', '旧的');
  expect(drafts.get('c1')).toBe('我在写');
});

test('read marks are gathered, only the newest of each conversation goes out', async () => {
  const sent: [string, number][] = [];
  const reading = new Reading({
    mark: (id, seq) => {
      sent.push([id, seq]);
      return Promise.resolve({ read_seq: seq, read_count: seq });
    },
    onMarked: () => {},
    timers,
  });
  for (const seq of [1, 2, 5, 3]) reading.mark('a', seq);
  reading.mark('b', 7);
  await timers.pass(300);
  expect(sent).toEqual([
    ['a', 5],
    ['b', 7],
  ]);
  reading.mark('a', 5);
  await timers.pass(1_000);
  expect(sent.length).toBe(2);
});

test('a read mark that did not arrive is sent again after a reconnect', async () => {
  let down = true;
  const marked: number[] = [];
  const reading = new Reading({
    mark: (_, seq) => (down ? Promise.reject(networkError('closed')) : Promise.resolve({ read_seq: seq, read_count: 1 })),
    onMarked: (_, seq) => marked.push(seq),
    timers,
  });
  reading.mark('a', 4);
  await timers.pass(300);
  down = false;
  reading.flush();
  await settle();
  expect(marked).toEqual([4]);
});

function makePeople(over: Partial<PeopleDeps> = {}): { people: People; asked: string[][]; watched: string[][] } {
  const asked: string[][] = [];
  const watched: string[][] = [];
  const people = new People({
    get: (ids) => {
      asked.push(ids);
      return Promise.resolve(ids.map((id) => person(id)));
    },
    list: () => Promise.resolve({ items: [person('a'), person('b')] }),
    watch: (ids) => {
      watched.push(ids);
      return Promise.resolve(ids.map((user_id) => ({ user_id, online: true })));
    },
    timers,
    ...over,
  });
  return { people, asked, watched };
}

test('names wanted in one moment are one question, and none is asked twice', async () => {
  const { people, asked } = makePeople();
  for (const id of ['a', 'b', 'a']) people.want(id);
  await timers.pass(20);
  people.want('a');
  await timers.pass(20);
  expect(asked).toEqual([['a', 'b']]);
  expect(people.known.get().get('b')?.name).toBe('b');
});

test('who has another name is shown so in his place, and who is disabled is not, without a question', async () => {
  const { people, asked } = makePeople();
  await people.loadDirectory();
  people.heard({ ...person('a'), name: '新名' });
  people.heard({ ...person('c'), name: '别处' });
  expect(people.directory.get().people.map(({ name }) => name)).toEqual(['新名', 'b']);
  expect(people.known.get().get('c')?.name).toBe('别处');
  people.heard({ ...person('b'), disabled: true });
  expect(people.directory.get().people.map(({ user_id }) => user_id)).toEqual(['a']);
  expect(asked).toEqual([]);
});

test('more names than a question holds become several', async () => {
  const { people, asked } = makePeople();
  for (let i = 0; i < 450; i += 1) people.want(`u${i}`);
  await timers.pass(100);
  expect(asked.map((ids) => ids.length)).toEqual([200, 200, 50]);
});

test('a name that cannot be had is not asked for at every drawing', async () => {
  let tries = 0;
  const { people } = makePeople({
    get: () => {
      tries += 1;
      return Promise.reject(networkError('closed'));
    },
  });
  for (let i = 0; i < 5; i += 1) {
    people.want('a');
    await timers.pass(100);
  }
  expect(tries).toBe(1);
  await timers.pass(10_000);
  people.want('a');
  await timers.pass(100);
  expect(tries).toBe(2);
});

test('a name of nobody is told from one that did not come, and the second is asked for again', async () => {
  let down = true;
  const { people } = makePeople({
    get: (ids) =>
      down ? Promise.reject(networkError('closed')) : Promise.resolve(ids.filter((id) => id !== 'x').map((id) => person(id))),
  });
  people.want('a');
  people.want('x');
  await timers.pass(20);
  expect([...people.absent.get().values()]).toMatchObject([{ class: 'network' }, { class: 'network' }]);
  down = false;
  people.wantNow('x');
  people.reconnected();
  await timers.pass(20);
  expect([...people.absent.get()]).toEqual([['x', 'nobody']]);
  expect(people.known.get().get('a')?.name).toBe('a');
});

test('the watch is the union of what screens show, renewed before it ends and after a reconnect', async () => {
  const { people, watched } = makePeople();
  const stop = people.watch(['a', 'b']);
  people.watch(['b', 'c']);
  await settle();
  expect(watched.at(-1)?.toSorted()).toEqual(['a', 'b', 'c']);
  expect(people.presence.get().get('a')?.online).toBe(true);
  stop();
  await settle();
  expect(watched.at(-1)).toEqual(['b', 'c']);
  const before = watched.length;
  await timers.pass(240_000);
  expect(watched.length).toBe(before + 1);
  people.reconnected();
  await settle();
  expect(watched.length).toBe(before + 2);
});

test('the directory keeps what it shows while it refreshes, and says when it could not load', async () => {
  let down = false;
  const { people } = makePeople({
    list: () => (down ? Promise.reject(networkError('closed')) : Promise.resolve({ items: [person('a')] })),
  });
  await people.loadDirectory();
  down = true;
  await people.loadDirectory();
  expect(people.directory.get()).toMatchObject({ phase: 'ready', people: [{ user_id: 'a' }] });
  people.clear();
  await people.loadDirectory();
  expect(people.directory.get().phase).toBe('error');
});

test('errors are read as they are, and anything else is one of ours', () => {
  const said = readError({ class: 'limited', code: 'x', message: { zh: '慢', en: 'slow' }, retry_after_ms: 5, field: 'a', request_id: 'r' });
  expect(said).toMatchObject({ class: 'limited', retryAfterMs: 5, field: 'a', requestId: 'r', texts: { zh: '慢' } });
  for (const odd of [null, 'x', [], { class: 'strange', code: 'x' }, {}]) {
    expect(readError(odd)).toMatchObject({ class: 'internal', code: 'unreadable_answer' });
  }
});

test('characters are counted as the server counts them', () => {
  expect(charCount('字a😀')).toBe(3);
});
