import { afterEach, beforeEach, expect, test } from 'vitest';

import { ManualTimers, settle } from '../testing/time';
import type { RawInit } from './api';
import { Cell } from './cell';
import { type ApiError, networkError, readError } from './errors';
import type { Target } from './outbox';
import { type AllUploads, Uploads } from './uploads';
import { FILE_MAX_BYTES, type FinishedFile } from './wire';

const KB = 1024;
const MB = 1024 * KB;
const C1: Target = { conversation_id: 'c1' };

type Fault = 'no answer' | 'lost' | 'slow' | ApiError | Response;

let timers: ManualTimers;
let all: Cell<AllUploads>;
/** What the server has of each upload, in bytes; its size; its name. */
let stored: Map<string, { has: number; size: number; name: string }>;
let begun: number;
let asked: string[];
/** One for each question of that kind. `lost` writes and loses the answer; `slow` never answers. */
let faults: Record<'begin' | 'PUT' | 'HEAD' | 'finish', (Fault | undefined)[]>;
let sent: { target: Target; info: FinishedFile }[];
let room: boolean;
let ids: number;
let made: Uploads | undefined;

function refused(kind: string, code: string, extra: object = {}): ApiError {
  return readError({ class: kind, code, message: { zh: '不行', en: 'no' }, ...extra });
}

/** Reading a real one takes turns of the event loop. */
function file(name: string, size: number, readable = () => true): File {
  const slice = (from: number, to: number) => ({
    arrayBuffer: async () => {
      if (!readable()) throw new DOMException('it was changed', 'NotReadableError');
      return new ArrayBuffer(Math.max(0, Math.min(to, size) - from));
    },
  });
  return { name, size, type: '', slice } as unknown as File;
}

async function raw(path: string, init: RawInit): Promise<Response> {
  const id = path.replace('/files/', '');
  const upload = stored.get(id);
  const fault = faults[init.method as 'PUT' | 'HEAD'].shift();
  const length = init.body?.byteLength ?? 0;
  asked.push(init.method === 'PUT' ? `PUT ${init.headers?.['upload-offset']}+${length}` : init.method);
  await Promise.resolve();
  if (fault === 'slow') {
    await new Promise<void>((stop) => init.signal?.addEventListener('abort', () => stop()));
    throw networkError('fetch');
  }
  if (fault === 'no answer') throw networkError('fetch');
  if (fault instanceof Error) throw fault;
  if (fault instanceof Response) return fault;
  if (!upload) return new Response(null, { status: 404 });
  if (init.method === 'HEAD') return new Response(null, { headers: { 'upload-offset': String(upload.has) } });
  if (Number(init.headers?.['upload-offset']) !== upload.has) {
    return Response.json({ code: 'offset_wrong', offset: upload.has }, { status: 409 });
  }
  upload.has += length;
  if (fault === 'lost') throw networkError('fetch');
  return Response.json({ offset: upload.has });
}

async function may(kind: 'begin' | 'finish'): Promise<void> {
  const fault = faults[kind].shift();
  asked.push(kind);
  await Promise.resolve();
  if (fault instanceof Error) throw fault;
  if (fault !== undefined) throw networkError('closed');
}

function makeUploads(): Uploads {
  made = new Uploads({
    all,
    begin: async (name, size) => {
      await may('begin');
      begun += 1;
      stored.set(`f${begun}`, { has: 0, size, name });
      return { upload_id: `f${begun}`, chunk_bytes: 4 * MB };
    },
    raw,
    finish: async (uploadId) => {
      await may('finish');
      const upload = stored.get(uploadId);
      if (!upload) throw refused('not_found', 'not_found');
      if (upload.has < upload.size) throw refused('conflict', 'upload_unfinished');
      return { file_id: uploadId, name: upload.name, size: upload.size, mime: 'text/plain', kind: 'file' };
    },
    send: (target, info) => {
      if (room) sent.push({ target, info });
      return room;
    },
    timers,
    newId: () => {
      ids += 1;
      return `u${ids}`;
    },
  });
  return made;
}

function shown(id = 'c1'): string[] {
  return (all.get().get(id) ?? []).map((upload) => {
    const why = upload.failure ? ` ${upload.failure.code}` : '';
    return `${upload.file.name} ${upload.state} ${Math.round(upload.progress * 100)}${upload.stalled ? ' stalled' : ''}${why}`;
  });
}

/** A file takes more turns than a call. */
async function calm(): Promise<void> {
  for (let i = 0; i < 8; i += 1) await settle();
}

function sentNames(): string[] {
  return sent.map(({ info }) => info.name);
}

beforeEach(() => {
  timers = new ManualTimers();
  all = new Cell<AllUploads>(new Map());
  stored = new Map();
  begun = 0;
  asked = [];
  faults = { begin: [], PUT: [], HEAD: [], finish: [] };
  sent = [];
  room = true;
  ids = 0;
});

// What one test leaves does not go on in the next.
afterEach(async () => {
  made?.clear();
  await calm();
});

test('a file goes in parts that grow while they are quick, and becomes a message', async () => {
  makeUploads().add({ conversation_id: 'c1', peer_id: 'li' }, [file('报价.pdf', 3 * MB)]);
  expect(shown()).toEqual(['报价.pdf uploading 0']);
  await calm();
  expect(asked).toEqual(['begin', `PUT 0+${256 * KB}`, `PUT ${256 * KB}+${512 * KB}`, `PUT ${768 * KB}+${MB}`, `PUT ${1792 * KB}+${1280 * KB}`, 'finish']);
  expect(sent).toEqual([{ target: { conversation_id: 'c1', peer_id: 'li' }, info: expect.objectContaining({ file_id: 'f1', name: '报价.pdf' }) }]);
  expect(shown()).toEqual([]);
});

test.each([
  ['空.txt', 0, 'file_empty'],
  ['大.zip', FILE_MAX_BYTES + 1, 'file_too_large'],
  ['Setup.EXE', 10, 'file_kind_refused'],
])('%s is refused before anything is sent', async (name, size, code) => {
  const uploads = makeUploads();
  uploads.add(C1, [file(name, size)]);
  await calm();
  expect(asked).toEqual([]);
  expect(shown()).toEqual([`${name} failed 0 ${code}`]);
  uploads.retry('u1');
  await calm();
  expect(shown()).toEqual([`${name} failed 0 ${code}`]);
  uploads.cancel('u1');
  expect(shown()).toEqual([]);
});

test('one that the server refuses is shown with its reason, and the others go all the same', async () => {
  faults.finish = [refused('invalid', 'file_kind_refused')];
  makeUploads().add(C1, [file('程序', KB), file('图.png', KB)]);
  await calm();
  expect(shown()).toEqual(['程序 failed 100 file_kind_refused']);
  expect(sentNames()).toEqual(['图.png']);
});

test('a lost line goes on from where the server stands', async () => {
  faults.PUT = [undefined, 'lost'];
  faults.HEAD = ['no answer'];
  makeUploads().add(C1, [file('a.zip', MB)]);
  await calm();
  expect(shown()).toEqual(['a.zip uploading 25 stalled']);
  await timers.pass(1_000);
  expect(shown()).toEqual(['a.zip uploading 25 stalled']);
  await timers.pass(2_000);
  expect(asked.slice(2)).toEqual([`PUT ${256 * KB}+${512 * KB}`, 'HEAD', 'HEAD', `PUT ${768 * KB}+${128 * KB}`, `PUT ${896 * KB}+${128 * KB}`, 'finish']);
  expect(sentNames()).toEqual(['a.zip']);
});

test('without a network it waits as long as it takes, and goes on at once when the connection is back', async () => {
  const uploads = makeUploads();
  faults.begin = Array.from({ length: 100 }, () => 'no answer' as const);
  uploads.add(C1, [file('a.zip', KB)]);
  await timers.pass(20 * 60_000);
  expect(shown()).toEqual(['a.zip uploading 0 stalled']);
  faults.begin = [];
  uploads.kick();
  await calm();
  expect(sentNames()).toEqual(['a.zip']);
});

test('signed out, it tries nothing before one is in again', async () => {
  const uploads = makeUploads();
  faults.PUT = [refused('unauthenticated', 'session_ended')];
  uploads.add(C1, [file('a.zip', KB)]);
  await timers.pass(20 * 60_000);
  expect(asked).toEqual(['begin', `PUT 0+${KB}`]);
  uploads.kick();
  await calm();
  expect(sentNames()).toEqual(['a.zip']);
});

test('a part without an answer is given up after a while', async () => {
  faults.PUT = ['slow'];
  makeUploads().add(C1, [file('a.zip', KB)]);
  await timers.pass(59_000);
  expect(shown()).toEqual(['a.zip uploading 0']);
  await timers.pass(3_000);
  expect(asked).toEqual(['begin', `PUT 0+${KB}`, 'HEAD', `PUT 0+${KB}`, 'finish']);
});

test('told another place it goes on there', async () => {
  faults.PUT = [undefined, Response.json({ code: 'offset_wrong', offset: 128 * KB }, { status: 409 })];
  makeUploads().add(C1, [file('a.zip', MB)]);
  await calm();
  expect(shown()).toEqual(['a.zip uploading 13 stalled']);
  const upload = stored.get('f1');
  if (upload) upload.has = 128 * KB;
  await timers.pass(1_000);
  expect(sentNames()).toEqual(['a.zip']);
});

test('an upload that the server has let go of begins anew', async () => {
  const uploads = makeUploads();
  faults.PUT = [undefined, 'no answer'];
  uploads.add(C1, [file('a.zip', MB)]);
  await calm();
  stored.clear();
  await timers.pass(10_000);
  expect(begun).toBe(2);
  expect(sent.map(({ info }) => info.file_id)).toEqual(['f2']);
});

test('where the server misses some at the end, it gets the rest', async () => {
  faults.PUT = [Response.json({ offset: KB })];
  makeUploads().add(C1, [file('a.zip', KB)]);
  await calm();
  await timers.pass(1_000);
  expect(asked).toEqual(['begin', `PUT 0+${KB}`, 'finish', 'HEAD', `PUT 0+${KB}`, 'finish']);
  expect(sentNames()).toEqual(['a.zip']);
});

test('a server that is busy for a moment is not called out of reach', async () => {
  faults.PUT = [refused('limited', 'rate_limited', { retry_after_ms: 50 })];
  makeUploads().add(C1, [file('a.zip', KB)]);
  await calm();
  expect(shown()).toEqual(['a.zip uploading 0']);
  await timers.pass(50);
  await calm();
  expect(sentNames()).toEqual(['a.zip']);
});

test('however slow the line, the largest file has no more parts than the server takes', async () => {
  const uploads = makeUploads();
  faults.PUT = Array.from({ length: 40 }, () => 'no answer' as const);
  uploads.add(C1, [file('a.zip', FILE_MAX_BYTES)]);
  for (let i = 0; i < 40; i += 1) {
    await calm();
    uploads.kick();
  }
  expect(asked.findLast((one) => one.startsWith('PUT'))).toBe(`PUT 0+${256 * KB}`);
});

test('a lost answer to the end is asked for again', async () => {
  faults.finish = ['no answer'];
  makeUploads().add(C1, [file('a.zip', KB)]);
  await calm();
  await timers.pass(1_000);
  expect(asked).toEqual(['begin', `PUT 0+${KB}`, 'finish', 'finish']);
  expect(sentNames()).toEqual(['a.zip']);
});

test('a server that cannot is asked a few times, then the person decides', async () => {
  const uploads = makeUploads();
  faults.PUT = Array.from({ length: 6 }, () => Response.json({ class: 'unavailable', code: 'busy', message: {} }, { status: 503 }));
  uploads.add(C1, [file('a.zip', KB)]);
  await timers.pass(300_000);
  expect(asked.filter((one) => one.startsWith('PUT')).length).toBe(6);
  expect(shown()).toEqual(['a.zip failed 0 busy']);
  uploads.retry('u1');
  await calm();
  expect(sentNames()).toEqual(['a.zip']);
});

test('a proxy that lets only small parts through gets small ones', async () => {
  faults.PUT = [undefined, undefined, new Response('<html>', { status: 413 })];
  makeUploads().add(C1, [file('a.zip', 2 * MB)]);
  await calm();
  await timers.pass(10_000);
  expect(asked.filter((one) => one.startsWith('PUT')).slice(2)).toEqual([
    `PUT ${768 * KB}+${MB}`,
    `PUT ${768 * KB}+${512 * KB}`,
    `PUT ${1280 * KB}+${512 * KB}`,
    `PUT ${1792 * KB}+${256 * KB}`,
  ]);
  expect(sentNames()).toEqual(['a.zip']);
});

test('a full server says so at once', async () => {
  faults.begin = [refused('unavailable', 'storage_full')];
  makeUploads().add(C1, [file('a.zip', KB)]);
  await calm();
  expect(shown()).toEqual(['a.zip failed 0 storage_full']);
});

test.each(['quota_reached', 'too_many_uploads'])('where one may have no more (%s) it says so at once, and trying again may help', async (code) => {
  const uploads = makeUploads();
  faults.begin = [refused('conflict', code)];
  uploads.add(C1, [file('a.zip', KB)]);
  await calm();
  expect(asked).toEqual(['begin']);
  expect(shown()).toEqual([`a.zip failed 0 ${code}`]);
  expect(all.get().get('c1')?.[0]?.failure?.texts.zh).toBe('不行');
  uploads.retry('u1');
  await calm();
  expect(sentNames()).toEqual(['a.zip']);
});

test('a file that was moved away meanwhile fails with that reason, not as a lost network', async () => {
  let there = true;
  faults.PUT = ['no answer'];
  makeUploads().add(C1, [file('a.zip', KB, () => there)]);
  await calm();
  there = false;
  await timers.pass(5_000);
  expect(shown()).toEqual(['a.zip failed 0 unreadable']);
});

test('two run at a time, the others wait', async () => {
  const uploads = makeUploads();
  faults.PUT = ['slow', 'slow'];
  uploads.add(C1, [file('1', KB), file('2', KB)]);
  uploads.add({ conversation_id: 'c2' }, [file('3', KB)]);
  await calm();
  expect([...shown(), ...shown('c2')]).toEqual(['1 uploading 0', '2 uploading 0', '3 waiting 0']);
  uploads.cancel('u1');
  await calm();
  expect([...shown(), ...shown('c2')]).toEqual(['2 uploading 0']);
  expect(sentNames()).toEqual(['3']);
});

test('those chosen together arrive in the order of choosing', async () => {
  const uploads = makeUploads();
  faults.PUT = ['slow'];
  uploads.add(C1, [file('1', KB), file('2', KB), file('3', KB)]);
  uploads.add(C1, [file('later', KB)]);
  await calm();
  expect(shown()).toEqual(['1 uploading 0', '2 done 100', '3 done 100']);
  expect(sentNames()).toEqual(['later']);
  await timers.pass(70_000);
  expect(sentNames()).toEqual(['later', '1', '2', '3']);
});

test('those after one that is cancelled need not wait for it', async () => {
  const uploads = makeUploads();
  faults.PUT = ['slow'];
  uploads.add(C1, [file('1', KB), file('2', KB)]);
  await calm();
  uploads.cancel('u1');
  expect(sentNames()).toEqual(['2']);
  expect(shown()).toEqual([]);
});

test('where too many messages wait it keeps what it has and can be tried again', async () => {
  const uploads = makeUploads();
  room = false;
  uploads.add(C1, [file('a.zip', KB)]);
  await calm();
  expect(shown()).toEqual(['a.zip failed 100 outbox_full']);
  room = true;
  uploads.retry('u1');
  await calm();
  expect(sentNames()).toEqual(['a.zip']);
  expect(begun).toBe(1);
});

test('with the person go the uploads', async () => {
  const uploads = makeUploads();
  faults.PUT = ['slow'];
  uploads.add(C1, [file('a.zip', KB)]);
  await calm();
  uploads.clear();
  await timers.pass(120_000);
  expect(shown()).toEqual([]);
  expect(sent).toEqual([]);
});
