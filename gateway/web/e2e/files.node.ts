// The client's files on the wire: small, in a form the reader understands, kept as long as they are good.
import { type IncomingHttpHeaders, request } from 'node:http';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

import type { Server } from './server';
import { expect, test } from './world';

/** What the scripts and styles of the first page may weigh on the line. */
const FIRST_PAGE_MAX_BYTES = 200 * 1024;

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Nothing is asked for, unpacked or kept that the test does not say. */
function ask(server: Server, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request(new URL(path, server.url), { method, headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }));
    });
    asking.on('error', reject);
    asking.end();
  });
}

/** Every file that the page names. */
async function named(server: Server): Promise<string[]> {
  const page = (await ask(server, '/')).body.toString();
  return [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '');
}

test('a file comes in the form its reader likes, each form with a tag of its own', async ({ server }) => {
  const path = (await named(server)).find((name) => name.endsWith('.js')) ?? '';
  const plain = await ask(server, path);
  const gzip = await ask(server, path, { 'accept-encoding': 'gzip, deflate' });
  const brotli = await ask(server, path, { 'accept-encoding': 'gzip, deflate, br, zstd' });
  expect([plain, gzip, brotli].map((one) => one.headers['content-encoding'])).toEqual([undefined, 'gzip', 'br']);
  expect(gunzipSync(gzip.body).equals(plain.body)).toBe(true);
  expect(brotliDecompressSync(brotli.body).equals(plain.body)).toBe(true);
  expect(brotli.body.length).toBeLessThan(gzip.body.length);
  expect(gzip.body.length).toBeLessThan(plain.body.length / 2);
  expect(new Set([plain, gzip, brotli].map((one) => one.headers.etag)).size).toBe(3);
  for (const one of [plain, gzip, brotli]) {
    expect(one.headers.vary).toBe('accept-encoding');
    expect(one.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(one.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(Number(one.headers['content-length'])).toBe(one.body.length);
  }
});

test('the first page is small on the line', async ({ server }) => {
  const files = await named(server);
  expect(files.some((name) => name.endsWith('.js')) && files.some((name) => name.endsWith('.css'))).toBe(true);
  const answers = await Promise.all(files.map((path) => ask(server, path, { 'accept-encoding': 'gzip' })));
  expect(answers.reduce((sum, one) => sum + one.body.length, 0)).toBeLessThan(FIRST_PAGE_MAX_BYTES);
});

test('a page that is known is not sent again, and a screen is the page', async ({ server }) => {
  const page = await ask(server, '/chats/some/where', { 'accept-encoding': 'br' });
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(page.headers['cache-control']).toBe('no-cache');
  const again = await ask(server, '/', { 'accept-encoding': 'br', 'if-none-match': `W/${page.headers.etag}` });
  expect(again.status).toBe(304);
  expect(again.body.length).toBe(0);
  expect(again.headers.etag).toBe(page.headers.etag);
  expect((await ask(server, '/', { 'if-none-match': '"another"' })).status).toBe(200);
});

test('heads, parts and what is not there are answered as they should be', async ({ server }) => {
  const path = (await named(server))[0] ?? '';
  const whole = await ask(server, path, { 'accept-encoding': 'gzip' });
  const head = await ask(server, path, { 'accept-encoding': 'gzip' }, 'HEAD');
  expect(head.body.length).toBe(0);
  expect({ ...head.headers, date: '' }).toEqual({ ...whole.headers, date: '' });
  const part = await ask(server, path, { 'accept-encoding': 'gzip', range: 'bytes=0-9' });
  expect(part.status).toBe(200);
  expect(part.headers['accept-ranges']).toBe('none');
  expect(part.body.equals(whole.body)).toBe(true);
  // A compressed form is no file of its own, and a missing file is no page.
  expect((await ask(server, `${path}.br`)).status).toBe(404);
  expect((await ask(server, '/assets/missing.js')).status).toBe(404);
  expect((await ask(server, '/', {}, 'POST')).status).toBe(405);
});
