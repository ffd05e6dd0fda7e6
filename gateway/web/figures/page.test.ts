// The page says what the report says.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { page } from './page.ts';
import { median, read, type Report, ROOT } from './report.ts';

const PAGE = join(ROOT, 'docs/client-figures.md');

function report(...runs: Record<string, number>[]): Report {
  return {
    name: 'client',
    command: 'make figures',
    commit: 'abc',
    machine: { cores: 2, processor: 'x', memory_mb: 1, kernel: 'k' },
    browser: 'Chromium 1',
    runs: runs.map((figures) => ({ load_before: 1, figures })),
  };
}

test('the page is the one of the report; `make figures` writes both', () => {
  const text = page(read());
  if (process.env['UPDATE']) writeFileSync(PAGE, text);
  expect(readFileSync(PAGE, 'utf8')).toBe(text);
});

test('a target is judged by the median, and what was not measured is not called met', () => {
  const lines = page(report({ usable_slowed_ms: 900 }, { usable_slowed_ms: 2_000 }, { usable_slowed_ms: 950 })).split('\n');
  expect(lines.find((line) => line.includes('usable after'))).toMatch(/\| 950 \| 900 to 2000 \| met \|$/);
  expect(lines.find((line) => line.includes('layout shift:'))).toContain('not measured');
  const missed = page(report({ layout_shift: 0.01, scroll_frames_percent: 80 }));
  expect(missed.match(/\*\*missed\*\*/g)).toHaveLength(2);
});

test('the median of an even number is one that was measured', () => {
  expect(median([3, 1, 2, 10])).toBe(2);
});
