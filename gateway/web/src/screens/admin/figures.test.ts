import { expect, test } from 'vitest';

import { type TextKey, translate } from '../../i18n';
import '../../i18n/office';
import { bytesText, countText, dayOf, numberText, spanText, zoneText } from './figures';

const t = (key: TextKey, places?: Record<string, string | number>) => translate('zh-CN', key, places);

test('sizes have three digits at most', () => {
  expect([0, 1023, 1536, 150 * 1024, 5.25 * 1024 ** 3].map(bytesText)).toEqual(['0 B', '1023 B', '1.5 KB', '150 KB', '5.3 GB']);
});

test('a round size has no zero behind its point, and a large number is grouped', () => {
  expect([100 * 1024 ** 2, 5 * 1024 ** 3, 1024 ** 4].map(bytesText)).toEqual(['100 MB', '5 GB', '1 TB']);
  expect(numberText(12_345)).toBe('12,345');
});

test('a span is told in its two largest units', () => {
  expect([0, 61, 3_600, 90_000].map((seconds) => spanText(t, seconds * 1_000))).toEqual([
    '1 分钟',
    '1 分钟',
    '1 小时 0 分钟',
    '1 天 1 小时',
  ]);
});

test('what the server counts no further says so', () => {
  expect([0, 999, 1_000].map(countText)).toEqual(['0', '999', '1000+']);
});

test('a zone and a day are those of this wall', () => {
  expect(zoneText(0)).toMatch(/^[+-]\d\d:\d\d$/);
  const day = dayOf('2026-03-12');
  expect(day && day.until - day.from).toBe(24 * 60 * 60 * 1_000);
  expect(dayOf('')).toBeUndefined();
});
