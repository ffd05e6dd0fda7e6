// Files on their way to the server. Each goes in parts, from where the server says it stands, so that a lost
// line costs little. When all of it is there it becomes a message of the outbox, and what holds for every
// message holds for it too. Until then it lives as long as the page: a browser gives a file to one page only.

import type { RawInit } from './api';
import type { Cell } from './cell';
import type { Timers } from './clock';
import { ApiError, asApiError, isRecord, isTransient, networkError, readError } from './errors';
import type { Target } from './outbox';
import { type ConversationId, FILE_MAX_BYTES, type FinishedFile } from './wire';

export interface Upload {
  readonly id: string;
  readonly target: Target;
  readonly file: File;
  /** `done`: all of it is there, and it waits for those that were chosen before it. */
  readonly state: 'waiting' | 'uploading' | 'failed' | 'done' | 'cancelled';
  /** From 0 to 1. */
  readonly progress: number;
  /** Nothing goes at the moment; it goes on by itself. */
  readonly stalled: boolean;
  readonly failure?: ApiError;
}

export type AllUploads = ReadonlyMap<ConversationId, readonly Upload[]>;

export interface UploadsDeps {
  /** What is shown; those that are done or cancelled are not. */
  all: Cell<AllUploads>;
  begin: (name: string, size: number) => Promise<{ upload_id: string; chunk_bytes: number }>;
  raw: (path: string, init: RawInit) => Promise<Response>;
  finish: (uploadId: string) => Promise<FinishedFile>;
  /** Sends the message. False when too many are waiting. */
  send: (target: Target, info: FinishedFile, file: File) => boolean;
  timers: Timers;
  newId: () => string;
}

/** More at once would not be faster, and each slower. */
const AT_ONCE = 2;
/** After this many answers of "not now" in a row the person decides. */
const MISSES_MAX = 6;
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;
/** A part takes about this long, so that one sees it go and little is lost with it. */
const PART_QUICK_MS = 1_000;
const PART_SLOW_MS = 4_000;
const PART_FIRST_BYTES = 256 * 1024;
const PART_LEAST_BYTES = 64 * 1024;
/** The server takes 500 parts of a file. */
const PARTS_MAX = 400;
/** A shorter pause is not worth a word. */
const STALLED_FROM_MS = 1_000;
/** A part that is not there by then will not be. */
const PART_DEADLINE_MS = 60_000;
/** The answer of a proxy that lets no such part through. */
const PART_TOO_LARGE = 413;
/** Codes of failures that no second try mends. */
const FOR_GOOD: ReadonlySet<string> = new Set(['file_empty', 'file_too_large', 'file_kind_refused', 'unreadable']);
/** Codes after which the person decides at once. */
const PERSON_DECIDES: ReadonlySet<string> = new Set([
  ...FOR_GOOD,
  'storage_full',
  'quota_reached',
  'too_many_uploads',
  'files_not_configured',
  'too_many_parts',
]);

interface Work {
  view: Upload;
  /** Those that were chosen together arrive in the order they were chosen in. */
  batch: number;
  uploadId: string | undefined;
  partMaxBytes: number;
  partBytes: number;
  offset: number;
  /** Whether the server is known to stand at `offset`. */
  sure: boolean;
  misses: number;
  pauses: number;
  info: FinishedFile | undefined;
  stop: AbortController;
  wake: () => void;
}

export class Uploads {
  readonly #deps: UploadsDeps;
  #works: Work[] = [];
  #batches = 0;

  constructor(deps: UploadsDeps) {
    this.#deps = deps;
  }

  add(target: Target, files: readonly File[]): void {
    this.#batches += 1;
    for (const file of files) {
      const code = refusal(file);
      const view: Upload = { id: this.#deps.newId(), target, file, state: 'waiting', progress: 0, stalled: false };
      const work = fresh(code === undefined ? view : { ...view, state: 'failed', failure: fault(code) });
      work.batch = this.#batches;
      this.#works.push(work);
    }
    this.#show();
    this.#pump();
  }

  cancel(id: string): void {
    const work = this.#find(id);
    if (!work) return;
    work.stop.abort();
    work.wake();
    work.view = { ...work.view, state: 'cancelled' };
    this.#works = this.#works.filter((other) => other !== work);
    this.#show();
    this.#deliver(work.batch);
    this.#pump();
  }

  /** The person asks to try a failed one again. */
  retry(id: string): void {
    const work = this.#find(id);
    if (!work || work.view.state !== 'failed' || !mayRetry(work.view)) return;
    const { failure: _failure, ...view } = work.view;
    Object.assign(work, { misses: 0, pauses: 0, sure: false });
    work.view = { ...view, state: work.info ? 'done' : 'waiting' };
    this.#show();
    this.#deliver(work.batch);
    this.#pump();
  }

  /** The connection is there (again): what pauses goes on now. */
  kick(): void {
    for (const work of this.#works) work.wake();
  }

  /** Somebody else is here now. */
  clear(): void {
    for (const work of this.#works) {
      work.stop.abort();
      work.wake();
    }
    this.#works = [];
    this.#show();
  }

  #pump(): void {
    const running = this.#works.filter(({ view }) => view.state === 'uploading').length;
    const next = this.#works.filter(({ view }) => view.state === 'waiting').slice(0, Math.max(0, AT_ONCE - running));
    for (const work of next) {
      this.#change(work, { state: 'uploading' });
      void this.#run(work).then(() => this.#pump());
    }
  }

  async #run(work: Work): Promise<void> {
    while (!work.stop.signal.aborted) {
      try {
        work.info = await this.#bring(work);
        if (work.stop.signal.aborted) return;
        this.#change(work, { state: 'done', progress: 1, stalled: false });
        this.#deliver(work.batch);
        return;
      } catch (thrown) {
        if (work.stop.signal.aborted || !(await this.#goesOn(work, asApiError(thrown)))) return;
      }
    }
  }

  async #bring(work: Work): Promise<FinishedFile> {
    const { file } = work.view;
    if (work.uploadId === undefined) {
      const begun = await this.#deps.begin(file.name, file.size);
      work.uploadId = begun.upload_id;
      work.partMaxBytes = begun.chunk_bytes;
      work.partBytes = Math.min(Math.max(PART_FIRST_BYTES, leastPart(work)), begun.chunk_bytes);
      this.#stands(work, 0);
    } else if (!work.sure) {
      this.#stands(work, await this.#ask(work, { method: 'HEAD' }, (answer) => readOffset(answer.headers.get('upload-offset'))));
    }
    while (work.offset < file.size && !work.stop.signal.aborted) await this.#sendPart(work);
    return this.#deps.finish(work.uploadId);
  }

  async #sendPart(work: Work): Promise<void> {
    const from = work.offset;
    const bytes = await read(work.view.file, from, work.partBytes);
    const { timers } = this.#deps;
    const askedAt = timers.now();
    work.sure = false;
    const headers = { 'upload-offset': String(from), 'content-type': 'application/octet-stream' };
    this.#stands(work, await this.#ask(work, { method: 'PUT', headers, body: bytes }, offsetIn));
    // Told again and again to go on elsewhere, it would never end.
    if (work.offset <= from) throw fault('offset_wrong', 'internal');
    work.misses = 0;
    work.pauses = 0;
    const tookMs = timers.now() - askedAt;
    if (tookMs < PART_QUICK_MS) work.partBytes = Math.min(work.partBytes * 2, work.partMaxBytes);
    else if (tookMs > PART_SLOW_MS) work.partBytes = smaller(work);
  }

  /** One question about the bytes of an upload; `read` what it answers. */
  async #ask<T>(work: Work, init: RawInit, read: (answer: Response) => T | Promise<T>): Promise<T> {
    const limit = new AbortController();
    const abort = () => limit.abort();
    const late = this.#deps.timers.after(PART_DEADLINE_MS, abort);
    work.stop.signal.addEventListener('abort', abort);
    try {
      const answer = await this.#deps.raw(`/files/${work.uploadId}`, { ...init, signal: limit.signal });
      if (answer.ok || answer.status === 409) return await read(answer);
      throw await refused(answer);
    } finally {
      late();
      work.stop.signal.removeEventListener('abort', abort);
    }
  }

  #stands(work: Work, offset: number): void {
    work.offset = Math.min(offset, work.view.file.size);
    work.sure = true;
    if (!work.stop.signal.aborted) this.#change(work, { progress: work.offset / work.view.file.size, stalled: false });
  }

  /** After something went wrong: waits as long as it must. False when the person decides. */
  async #goesOn(work: Work, error: ApiError): Promise<boolean> {
    const unreachable = error.class === 'network' || error.class === 'unauthenticated';
    // The server has let go of it, or misses some of it.
    const lost = work.uploadId !== undefined && error.class === 'not_found';
    const behind = work.uploadId !== undefined && (error.class === 'invalid' || error.class === 'conflict');
    if (!unreachable) work.misses += 1;
    const mayHelp = unreachable || lost || behind || isTransient(error);
    if (work.misses >= MISSES_MAX || !mayHelp || PERSON_DECIDES.has(error.code)) {
      work.uploadId = undefined;
      this.#change(work, { state: 'failed', failure: error, stalled: false });
      this.#deliver(work.batch);
      return false;
    }
    if (lost) work.uploadId = undefined;
    if (behind) work.sure = false;
    if (error.class === 'network' || behind || error.code === 'part_too_large') work.partBytes = smaller(work);
    if (error.code === 'part_too_large') work.partMaxBytes = work.partBytes;
    const backOffMs = Math.min(RETRY_FIRST_MS * 2 ** work.pauses, RETRY_MAX_MS);
    work.pauses += 1;
    // Signed out there is nothing to try before one is in again.
    const waitMs = error.class === 'unauthenticated' ? undefined : (error.retryAfterMs ?? backOffMs);
    this.#change(work, { stalled: waitMs === undefined || waitMs >= STALLED_FROM_MS });
    await this.#pause(work, waitMs);
    return !work.stop.signal.aborted;
  }

  #pause(work: Work, ms: number | undefined): Promise<void> {
    return new Promise((done) => {
      const cancel = ms === undefined ? () => {} : this.#deps.timers.after(ms, () => work.wake());
      work.wake = () => {
        work.wake = () => {};
        cancel();
        done();
      };
    });
  }

  /** Makes messages of those that are whole, up to the first that is still on its way. */
  #deliver(batch: number): void {
    for (const work of this.#works.filter((one) => one.batch === batch)) {
      if (work.view.state === 'failed') continue;
      if (!work.info) return;
      if (this.#deps.send(work.view.target, work.info, work.view.file)) {
        this.#works = this.#works.filter((other) => other !== work);
        this.#show();
      } else {
        this.#change(work, { state: 'failed', failure: fault('outbox_full') });
      }
    }
  }

  #find(id: string): Work | undefined {
    return this.#works.find(({ view }) => view.id === id);
  }

  #change(work: Work, part: Partial<Upload>): void {
    work.view = { ...work.view, ...part };
    this.#show();
  }

  #show(): void {
    const map = new Map<ConversationId, Upload[]>();
    for (const { view } of this.#works) {
      const id = view.target.conversation_id;
      const list = map.get(id);
      if (list) list.push(view);
      else map.set(id, [view]);
    }
    this.#deps.all.set(map);
  }
}

/** Whether trying again could help. */
export function mayRetry({ failure }: Upload): boolean {
  return failure !== undefined && !FOR_GOOD.has(failure.code);
}

/** What the server would refuse in any case. */
function refusal(file: File): string | undefined {
  if (file.size === 0) return 'file_empty';
  if (file.size > FILE_MAX_BYTES) return 'file_too_large';
  return /\.exe\s*$/i.test(file.name) ? 'file_kind_refused' : undefined;
}

function fresh(view: Upload): Work {
  return {
    view,
    batch: 0,
    uploadId: undefined,
    partMaxBytes: PART_FIRST_BYTES,
    partBytes: PART_FIRST_BYTES,
    offset: 0,
    sure: false,
    misses: 0,
    pauses: 0,
    info: undefined,
    stop: new AbortController(),
    wake: () => {},
  };
}

function smaller(work: Work): number {
  return Math.max(Math.floor(work.partBytes / 2), Math.min(leastPart(work), work.partMaxBytes));
}

function leastPart({ view }: Work): number {
  return Math.max(PART_LEAST_BYTES, Math.ceil(view.file.size / PARTS_MAX));
}

function fault(code: string, kind: ApiError['class'] = 'invalid'): ApiError {
  return new ApiError({ class: kind, code, message: { zh: '', en: '' } });
}

/** The disk is read before the network is asked: afterwards one would look like the other. */
async function read(file: File, from: number, length: number): Promise<ArrayBuffer> {
  const bytes = await file.slice(from, from + length).arrayBuffer().catch(() => undefined);
  if (!bytes || bytes.byteLength === 0) throw fault('unreadable');
  return bytes;
}

/** Also of an answer that says where to go on instead. */
async function offsetIn(answer: Response): Promise<number> {
  const body = await bodyOf(answer);
  const offset = isRecord(body) ? body['offset'] : undefined;
  if (typeof offset !== 'number') throw readError(body);
  return offset;
}

function readOffset(header: string | null): number {
  const offset = Number(header);
  if (header === null || !Number.isSafeInteger(offset)) throw readError(undefined);
  return offset;
}

async function refused(answer: Response): Promise<ApiError> {
  if (answer.status === 404) return fault('not_found', 'not_found');
  if (answer.status === PART_TOO_LARGE) return fault('part_too_large', 'unavailable');
  // The answer to HEAD has no body.
  if (answer.status === 401) return fault('unauthenticated', 'unauthenticated');
  return readError(await bodyOf(answer));
}

async function bodyOf(answer: Response): Promise<unknown> {
  const text = await answer.text().catch(() => {
    throw networkError('fetch');
  });
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
