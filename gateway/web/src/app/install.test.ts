// What a phone or a desktop needs to install the page like a program.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const WEB = join(import.meta.dirname, '../..');
const HEAD_OF_PNG = '89504e470d0a1a0a';

interface Icon {
  src: string;
  sizes: string;
  type: string;
  purpose: string;
}

/** Width and height stand in the first chunk. */
function sizeOf(path: string): string {
  const png = readFileSync(join(WEB, 'public', path));
  expect(png.toString('hex', 0, 8)).toBe(HEAD_OF_PNG);
  return `${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`;
}

test('the icons of the manifest are there, as large as it says, one of them for any shape', () => {
  const manifest = JSON.parse(readFileSync(join(WEB, 'public/manifest.webmanifest'), 'utf8')) as { icons: Icon[] };
  const pictures = manifest.icons.filter((icon) => icon.type === 'image/png');
  for (const icon of pictures) expect([icon.src, sizeOf(icon.src)]).toEqual([icon.src, icon.sizes]);
  const sizes = pictures.filter((icon) => icon.purpose === 'any').map((icon) => icon.sizes);
  expect(sizes).toEqual(expect.arrayContaining(['192x192', '512x512']));
  expect(pictures.some((icon) => icon.purpose === 'maskable')).toBe(true);
});

test('the page names the manifest and the icon of the phones that read none', () => {
  const page = readFileSync(join(WEB, 'index.html'), 'utf8');
  expect(page).toContain('<link rel="manifest" href="/manifest.webmanifest" />');
  const touch = /<link rel="apple-touch-icon" href="([^"]+)"/.exec(page)?.[1] ?? '';
  expect(sizeOf(touch)).toBe('180x180');
});
