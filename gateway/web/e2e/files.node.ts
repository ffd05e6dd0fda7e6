// The client's files on the wire: small, in a form the reader understands, kept as long as they are good.
import { readdirSync, readFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

import { foreign } from '../build/foreign';
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

const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; " +
  "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

test('every answer says what a browser may do with it: pages, files, calls and what is not there', async ({ server }) => {
  const file = (await named(server))[0] ?? '';
  const answers = await Promise.all([
    ask(server, '/'),
    ask(server, '/chats/some/where'),
    ask(server, file),
    ask(server, '/worker.js'),
    ask(server, '/api/v1/session.list', {}, 'POST'),
    ask(server, '/api/v1/no.such_method', {}, 'POST'),
    ask(server, '/assets/missing.js'),
    ask(server, '/', {}, 'DELETE'),
  ]);
  expect(answers.map((one) => one.status >= 400)).toEqual([false, false, false, false, true, true, true, true]);
  expect(answers[6]?.status).toBe(404);
  for (const { headers } of answers) {
    expect(headers['content-security-policy']).toBe(POLICY);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['x-frame-options']).toBe('DENY');
  }
});

const DIST = join(import.meta.dirname, '../dist');

/** As text, also what is packed; a picture may carry an address too. */
function textOf(path: string): string {
  const bytes = readFileSync(path);
  if (path.endsWith('.br')) return brotliDecompressSync(bytes).toString();
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
}

test('no file of the client names a foreign host', async ({ server }) => {
  const files = readdirSync(DIST, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const paths = files.map((one) => join(one.parentPath, one.name));
  // The page, the worker, what is copied as it is, and what was built.
  for (const name of ['index.html', 'worker.js', 'early.js', 'manifest.webmanifest', 'icon.svg']) expect(paths).toContain(join(DIST, name));
  expect(paths.length).toBeGreaterThan(30);
  expect(paths.flatMap((path) => foreign(textOf(path)).map((address) => `${path.slice(DIST.length)}: ${address}`))).toEqual([]);
  // It is this folder that the server hands out.
  expect((await ask(server, '/worker.js')).body.toString()).toBe(readFileSync(join(DIST, 'worker.js'), 'utf8'));
});

test('an address of a foreign host is found in each form it can have', () => {
  for (const planted of [
    'fetch("https://cdn.example.com/x.js")',
    "import('http://example.com')",
    '<script src="//cdn.example.com/x.js"></script>',
    '<img src=//cdn.example.com/x.png>',
    'a{background:url(//fonts.example.com/x.woff2)}',
    '@import "//fonts.example.com/css";',
    "new WebSocket('wss://push.example.com/ws')",
    'new WebSocket(`ws://10.0.0.1:80`)',
    '"HTTPS://EXAMPLE.COM"',
  ]) {
    expect([planted, foreign(planted).length]).toEqual([planted, 1]);
  }
  for (const own of ['// a note. of somebody', '"/assets/x.js"', 'xmlns="http://www.w3.org/2000/svg"', '"//"', '`ws://${host}`']) {
    expect([own, foreign(own)]).toEqual([own, []]);
  }
});
