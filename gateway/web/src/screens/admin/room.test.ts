import { expect, test } from 'vitest';

import { FILE_DAYS, isShorter, offered, partsOf, QUOTAS, shareOf } from './room';

const GIB = 1024 ** 3;
const NONE = { files: 0, bytes: 0 };

test('the parts of the disk: without a disk of the server only what was uploaded', () => {
  const storage = { images: { files: 2, bytes: 5 }, files: { files: 1, bytes: 7 }, uploading: NONE, counting: false };
  expect(partsOf(storage).map(({ part, bytes }) => `${part} ${bytes}`)).toEqual(['images 5', 'files 7', 'uploading 0']);
  const disk = { store_bytes: 11, free_bytes: 13, least_bytes: 1 };
  expect(partsOf({ ...storage, disk }).slice(3)).toEqual([
    { part: 'store', bytes: 11 },
    { part: 'free', bytes: 13 },
  ]);
});

test('who is near the quota is marked, who is over it is full and fills the bar only', () => {
  expect(shareOf(89, 100, 500)).toEqual({ filled: 89, percent: 89 });
  expect(shareOf(90, 100, 500)).toEqual({ filled: 90, percent: 90, mark: 'nearly' });
  expect(shareOf(999, 1_000, 999)).toMatchObject({ percent: 99, mark: 'nearly' });
  expect(shareOf(100, 100, 500)).toEqual({ filled: 100, percent: 100, mark: 'full' });
  expect(shareOf(130, 100, 500)).toEqual({ filled: 100, percent: 130, mark: 'full' });
});

test('without a quota one stands beside who takes most', () => {
  expect(shareOf(125, undefined, 500)).toEqual({ filled: 25 });
  expect(shareOf(0, undefined, 0)).toEqual({ filled: 0 });
});

test('what a script decided is offered too, in its place and once', () => {
  expect(offered(FILE_DAYS, 45).slice(0, 3)).toEqual([30, 45, 90]);
  expect(offered(QUOTAS, 5 * GIB)).toEqual(QUOTAS);
  expect(offered(QUOTAS, undefined)).toEqual(QUOTAS);
});

test('files go only where they are kept for less long than before', () => {
  expect(isShorter(30, undefined)).toBe(true);
  expect(isShorter(30, 90)).toBe(true);
  for (const [days, kept] of [[90, 90], [180, 90], [undefined, 90], [undefined, undefined]] as const) {
    expect(isShorter(days, kept)).toBe(false);
  }
});
