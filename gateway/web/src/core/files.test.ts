import { beforeEach, expect, test } from 'vitest';

import { ManualTimers, settle } from '../testing/time';
import { networkError, readError } from './errors';
import { FileLinks } from './files';

const HOUR = 3_600_000;

let timers: ManualTimers;
let asked: string[];
let faults: Error[];
let gone: Set<string>;
/** The server answers after this. */
let waits: Promise<void>;

function makeLinks(): FileLinks {
  return new FileLinks({
    ask: async (id, fileIds) => {
      asked.push(`${id}: ${fileIds.length > 3 ? fileIds.length : fileIds.join(' ')}`);
      await waits;
      const fault = faults.shift();
      if (fault) throw fault;
      const expires_at = timers.now() + HOUR;
      const links = fileIds.filter((one) => !gone.has(one)).map((one) => ({ file_id: one, url: `/files/${one}?e=${expires_at}` }));
      return { links, expires_at };
    },
    now: timers.now,
    timers,
  });
}

beforeEach(() => {
  timers = new ManualTimers();
  asked = [];
  faults = [];
  gone = new Set();
  waits = Promise.resolve();
});

test('what is wanted in one moment is one question for each conversation, and 50 at most', async () => {
  const links = makeLinks();
  for (let i = 0; i < 60; i += 1) links.want('c1', `f${i}`);
  links.want('c1', 'f0');
  links.want('c2', 'f0');
  await timers.pass(0);
  expect(asked).toEqual(['c1: 50', 'c1: 10', 'c2: f0']);
  expect(links.url('c1', 'f59')).toMatch(/^\/files\/f59\?/);
});

test('a path is remembered until shortly before its end', async () => {
  const links = makeLinks();
  links.want('c1', 'a');
  await timers.pass(HOUR - 6 * 60_000);
  const first = links.url('c1', 'a');
  expect(await links.fresh('c1', 'a')).toBe(first);
  await timers.pass(2 * 60_000);
  expect(links.url('c1', 'a')).toBeUndefined();
  const second = links.fresh('c1', 'a');
  await timers.pass(0);
  expect(await second).not.toBe(first);
  expect(asked).toEqual(['c1: a', 'c1: a']);
});

test('a file that one may not see is gone, and is not asked for all the time', async () => {
  const links = makeLinks();
  gone.add('a');
  links.want('c1', 'a');
  links.want('c1', 'b');
  await timers.pass(0);
  expect([links.gone('c1', 'a'), links.gone('c1', 'b')]).toEqual([true, false]);
  links.want('c1', 'a');
  await timers.pass(0);
  expect(asked).toEqual(['c1: a b']);
});

test('without a network a picture is asked for again until it comes', async () => {
  const links = makeLinks();
  faults = [networkError('closed'), networkError('closed')];
  links.want('c1', 'a');
  await timers.pass(1_000);
  expect(links.url('c1', 'a')).toBeUndefined();
  await timers.pass(10_000);
  expect(links.url('c1', 'a')).toBeDefined();
  expect(asked.length).toBe(3);
});

test('a conversation that is not ours has no files for us', async () => {
  const links = makeLinks();
  faults = [readError({ class: 'not_found', code: 'not_found', message: {} })];
  links.want('c1', 'a');
  await timers.pass(60_000);
  expect(links.gone('c1', 'a')).toBe(true);
  expect(asked).toEqual(['c1: a']);
});

test('what a click asks for says why it did not come', async () => {
  const links = makeLinks();
  faults = [networkError('closed')];
  const click = links.fresh('c1', 'a').catch((thrown: unknown) => thrown);
  await timers.pass(0);
  expect(await click).toMatchObject({ class: 'network' });
});

test('a picture that was sent from here is shown from here, the last ones', async () => {
  const links = makeLinks();
  for (let i = 0; i < 31; i += 1) links.keepLocal(`f${i}`, new Blob(['x']));
  expect(links.local('f0')).toBeUndefined();
  expect(links.local('f30')).toMatch(/^blob:/);
  links.clear();
  expect(links.local('f30')).toBeUndefined();
});

test('an answer for the person before is dropped', async () => {
  const links = makeLinks();
  links.want('c1', 'a');
  links.clear();
  await timers.pass(0);
  expect(asked).toEqual([]);
  links.want('c1', 'a');
  let answer: () => void = () => {};
  waits = new Promise((done) => {
    answer = done;
  });
  await timers.pass(0);
  links.clear();
  answer();
  await settle();
  expect(asked).toEqual(['c1: a']);
  expect(links.known.get().size).toBe(0);
});
