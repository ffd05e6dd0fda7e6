// Screenshots with a palette: a screen has few colours, so 256 are enough for the eye and a third of the bytes. And
// pictures that people send each other. Written here because it is a page of code and a library would be a
// dependency of its own.
import { deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Kinds of colours: three numbers a point, or an index of a palette. */
const [RGB, INDEX] = [2, 3];
const PALETTE_MAX = 256;
/** So many are chosen by use alone. */
const BY_USE = 160;
/** Square of the distance from which two colours look different. */
const FAR = 20 ** 2;

/** An 8-bit RGB or RGBA picture without interlacing, as browsers write it, with at most 256 colours. */
export function withPalette(png: Buffer): Buffer {
  const { width, height, pixels } = decode(png);
  const { palette, indexOf } = choose(pixels);
  const lines = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      lines[y * (width + 1) + 1 + x] = indexOf.get(pixels[y * width + x] ?? 0) ?? 0;
    }
  }
  const colours = Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 0xff, colour & 0xff]));
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', head(width, height, INDEX)),
    chunk('PLTE', colours),
    chunk('IDAT', deflateSync(lines, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A picture of which `colourAt` says each point, as 0xrrggbb. */
export function painted(width: number, height: number, colourAt: (x: number, y: number) => number): Buffer {
  const stride = width * 3 + 1;
  const lines = Buffer.alloc(height * stride);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) lines.writeUIntBE(colourAt(x, y), y * stride + 1 + x * 3, 3);
  }
  const parts = [chunk('IHDR', head(width, height, RGB)), chunk('IDAT', deflateSync(lines)), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([SIGNATURE, ...parts]);
}

function head(width: number, height: number, kind: number): Buffer {
  const bytes = Buffer.alloc(13);
  bytes.writeUInt32BE(width, 0);
  bytes.writeUInt32BE(height, 4);
  bytes.set([8, kind, 0, 0, 0], 8);
  return bytes;
}

function decode(png: Buffer): { width: number; height: number; pixels: Uint32Array } {
  let [width, height, channels] = [0, 0, 0];
  const data: Buffer[] = [];
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const kind = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (kind === 'IHDR') [width, height, channels] = [body.readUInt32BE(0), body.readUInt32BE(4), body[9] === 6 ? 4 : 3];
    if (kind === 'IDAT') data.push(body);
    at += length + 12;
  }
  const raw = inflateSync(Buffer.concat(data));
  const stride = width * channels;
  const pixels = new Uint32Array(width * height);
  let above = Buffer.alloc(stride);
  for (let y = 0; y < height; y += 1) {
    const from = y * (stride + 1);
    const line = Buffer.from(raw.subarray(from + 1, from + 1 + stride));
    unfilter(raw[from] ?? 0, line, above, channels);
    for (let x = 0; x < width; x += 1) pixels[y * width + x] = line.readUIntBE(x * channels, 3);
    above = line;
  }
  return { width, height, pixels };
}

/** The five filters of PNG, undone in place. */
function unfilter(filter: number, line: Buffer, above: Buffer, step: number): void {
  for (let i = 0; i < line.length; i += 1) {
    const left = i < step ? 0 : (line[i - step] ?? 0);
    const up = above[i] ?? 0;
    const corner = i < step ? 0 : (above[i - step] ?? 0);
    const guess = [0, left, up, (left + up) >> 1, filter === 4 ? paeth(left, up, corner) : 0][filter] ?? 0;
    line[i] = (line[i] ?? 0) + guess;
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

/** The colours used most, then those that nothing chosen is like (a small green dot among greys), and for each other colour the nearest of them. */
function choose(pixels: Uint32Array): { palette: number[]; indexOf: Map<number, number> } {
  const counts = new Map<number, number>();
  for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const byUse = [...counts].toSorted(([a, x], [b, y]) => y - x || a - b).map(([colour]) => colour);
  const palette = byUse.slice(0, BY_USE);
  for (const colour of byUse.slice(BY_USE)) {
    if (palette.length < PALETTE_MAX && nearest(palette, colour).distance > FAR) palette.push(colour);
  }
  const indexOf = new Map(palette.map((colour, index) => [colour, index]));
  for (const colour of byUse) if (!indexOf.has(colour)) indexOf.set(colour, nearest(palette, colour).index);
  return { palette, indexOf };
}

function nearest(palette: readonly number[], colour: number): { index: number; distance: number } {
  let [best, least] = [0, Infinity];
  for (const [index, one] of palette.entries()) {
    const apart = (shift: number) => ((one >> shift) & 0xff) - ((colour >> shift) & 0xff);
    const distance = apart(16) ** 2 + apart(8) ** 2 + apart(0) ** 2;
    if (distance < least) [best, least] = [index, distance];
  }
  return { index: best, distance: least };
}

function chunk(kind: string, body: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(kind, 'latin1'), body]);
  const out = Buffer.alloc(named.length + 8);
  out.writeUInt32BE(body.length, 0);
  named.copy(out, 4);
  out.writeUInt32BE(crc(named), out.length - 4);
  return out;
}

function crc(bytes: Buffer): number {
  let sum = 0xff_ff_ff_ff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xed_b8_83_20 : sum >>> 1;
  }
  return (sum ^ 0xff_ff_ff_ff) >>> 0;
}
