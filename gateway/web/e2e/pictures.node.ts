// The folder of screenshots: each picture has its critique, each critique its pictures, and the folder stays small.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';

import { CRITIQUES } from './looks/critiques';
import { FOLDER, pictures, readme } from './looks/pictures';
import { statesOn } from './looks/states';

/** A clone must stay quick. */
const FOLDER_MAX_BYTES = 12 * 1024 * 1024;

test('each picture has its line and each line its pictures', () => {
  const files = readdirSync(FOLDER);
  expect(files.filter((file) => file.endsWith('.png')).toSorted()).toEqual(pictures().toSorted());
  for (const width of ['phone', 'desk'] as const) {
    const written = Object.keys(CRITIQUES).filter((name) => CRITIQUES[name]?.[width] !== undefined);
    expect(written.toSorted()).toEqual(statesOn(width).map(({ name }) => name).toSorted());
  }
  expect(readFileSync(join(FOLDER, 'README.md'), 'utf8'), 'write it anew: make shots').toBe(readme());
});

test('the pictures stay small', () => {
  const bytes = readdirSync(FOLDER).reduce((sum, file) => sum + statSync(join(FOLDER, file)).size, 0);
  expect(bytes).toBeLessThan(FOLDER_MAX_BYTES);
});
