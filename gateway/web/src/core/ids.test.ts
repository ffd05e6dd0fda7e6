import { expect, test } from 'vitest';

import { makeId, newId } from './ids';

test('an id is 26 characters of Crockford base 32 and carries its time in front', () => {
  const id = makeId(0x0199_9999_9999, new Uint8Array(10));
  expect(id).toMatch(/^[0-9a-hjkmnp-tv-z]{26}$/);
  expect(makeId(1_000, new Uint8Array(10).fill(255)) < makeId(2_000, new Uint8Array(10))).toBe(true);
});

test('version and variant are those of UUIDv7', () => {
  const id = makeId(0, new Uint8Array(10).fill(255));
  let value = 0n;
  for (const letter of id) value = value * 32n + BigInt('0123456789abcdefghjkmnpqrstvwxyz'.indexOf(letter));
  const hex = value.toString(16).padStart(32, '0');
  expect(hex[12]).toBe('7');
  expect('89ab').toContain(hex[16]);
});

test('two ids of one moment differ', () => {
  expect(newId()).not.toBe(newId());
});
