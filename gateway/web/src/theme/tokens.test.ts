// One file spells colours and sizes; the colours of text can be read on what they stand on.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { PERSON_COLOURS, widthOf } from './theme';

const SOURCE = join(import.meta.dirname, '..');
const TOKENS = readFileSync(join(SOURCE, 'theme/tokens.css'), 'utf8');

function sheets(folder = SOURCE): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'theme' ? [] : sheets(path);
    return entry.name.endsWith('.css') || (entry.name.endsWith('.tsx') && !entry.name.includes('.test.')) ? [path] : [];
  });
}

function block(selector: string): Map<string, string> {
  const start = TOKENS.indexOf(`${selector} {`);
  const body = TOKENS.slice(start, TOKENS.indexOf('}', start));
  return new Map([...body.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map((match) => [match[1] ?? '', match[2] ?? '']));
}

/** Contrast as WCAG counts it. */
function contrast(a: string, b: string): number {
  const light = (hex: string) => {
    const parts = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
    const [r, g, blue] = parts.map((part) => (part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (blue ?? 0);
  };
  const [high, low] = [light(a), light(b)].toSorted((x, y) => y - x);
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
}

test('no component spells a colour or a size in pixels', () => {
  const spelled: string[] = [];
  for (const path of sheets()) {
    const code = readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
    if (/#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(|\b\d+px\b/.test(path.endsWith('.css') ? code : code.replaceAll(/`\$\{width\}px`|`\(min-width.*?`|`\$\{field\.scrollHeight\}px`/g, ''))) {
      spelled.push(path.slice(SOURCE.length));
    }
  }
  expect(spelled).toEqual([]);
});

test('every token that is named exists', () => {
  const known = new Set([...TOKENS.matchAll(/(--[\w-]+):/g)].map((match) => match[1]));
  const missing = new Set<string>();
  for (const path of [...sheets(), join(SOURCE, 'theme/global.css')]) {
    for (const match of readFileSync(path, 'utf8').matchAll(/var\((--[\w-]+)\s*[),]/g)) {
      const name = match[1] ?? '';
      if (!known.has(name) && !['--list-chosen', '--person-'].includes(name)) missing.add(`${path.slice(SOURCE.length)} ${name}`);
    }
  }
  expect([...missing]).toEqual([]);
});

test.each([
  ['light', new Map(block(':root'))],
  ['dark', new Map([...block(':root'), ...block(":root[data-mantine-color-scheme='dark']")])],
])('text can be read in the %s theme', (_, tokens) => {
  const pairs: [string, string][] = [
    ...['--bg', '--bg-page', '--bg-list', '--bg-hover', '--bg-float', '--bg-field'].flatMap((ground): [string, string][] => [
      ['--text', ground],
      ['--text-2', ground],
      ['--text-3', ground],
    ]),
    ['--text-3', '--bg-active'],
    ['--text', '--bg-active'],
    ['--accent-ink', '--bg-active'],
    ['--accent-ink', '--bg'],
    ['--accent-ink', '--bubble'],
    ['--accent-ink', '--bubble-own'],
    ['--text', '--bubble'],
    ['--text', '--bubble-own'],
    ['--on-accent', '--accent'],
    ['--on-accent', '--accent-hover'],
    ['--on-danger', '--danger'],
    ['--danger', '--bg'],
    ['--danger', '--bg-active'],
    ['--danger', '--bg-list'],
    ['--danger', '--danger-tint'],
    ['--warn', '--warn-tint'],
    ['--ok', '--bg'],
    ['--badge-text', '--badge-bg'],
    ['--accent-ink', '--accent-tint'],
  ];
  const low = pairs
    .map(([ink, ground]) => [ink, ground, contrast(tokens.get(ink) ?? '', tokens.get(ground) ?? '')] as const)
    .filter(([, , ratio]) => !(ratio >= 4.5));
  expect(low).toEqual([]);
});

test('a name can be read on each colour of people', () => {
  for (let i = 0; i < PERSON_COLOURS; i += 1) {
    const colour = TOKENS.match(new RegExp(`--person-${i}: (#[0-9a-f]{6})`))?.[1] ?? '';
    expect([i, contrast('#ffffff', colour) >= 4.5]).toEqual([i, true]);
  }
});

test('the widths are those of the design', () => {
  expect([1_200, 1_199, 768, 767, 320].map(widthOf)).toEqual(['desk', 'tablet', 'tablet', 'phone', 'phone']);
});
