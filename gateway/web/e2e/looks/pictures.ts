// The page that says what a critic thinks of each picture.
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { CRITIQUES } from './critiques';
import type { WidthName } from './state';
import { SCHEMES, statesOn, WIDTHS } from './states';

export const FOLDER = resolve(dirname(fileURLToPath(import.meta.url)), '../../../../docs/screenshots');

export function pictures(): string[] {
  return widths().flatMap((width) =>
    statesOn(width).flatMap(({ name }) => SCHEMES.map((scheme) => `${name}-${width}-${scheme}.png`)),
  );
}

export function readme(): string {
  const lines = [
    '# Screenshots',
    '',
    'Written by `make shots` from the table in `gateway/web/e2e/looks`, the lines from `critiques.ts` beside it.',
    'Each line is about the light and the dark picture of one state at one width: what is right, what is not yet.',
  ];
  for (const width of widths()) {
    const { width: across, height } = WIDTHS[width];
    lines.push('', `## ${width === 'phone' ? 'Phone' : 'Desk'}, ${across} × ${height}`, '', '| State | Pictures | Critique |', '|---|---|---|');
    for (const { name } of statesOn(width)) {
      const links = SCHEMES.map((scheme) => `[${scheme}](${name}-${width}-${scheme}.png)`).join(' ');
      lines.push(`| ${name} | ${links} | ${CRITIQUES[name]?.[width] ?? ''} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function widths(): WidthName[] {
  return Object.keys(WIDTHS) as WidthName[];
}
