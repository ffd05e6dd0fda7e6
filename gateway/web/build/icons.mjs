// Draws the icons that phones want as pictures out of `icon.svg`: `npm run icons`, after a change of it. What it
// draws is committed. A maskable icon has its drawing within the middle 80 %, on a ground that fills the square.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { chromium } from '@playwright/test';

const PUBLIC = join(import.meta.dirname, '../public');
const SVG = readFileSync(join(PUBLIC, 'icon.svg'), 'utf8');
/** The ground without its round corners: the phone cuts its own. */
const SQUARE = SVG.replace(' rx="14"', '');

/** [file, pixels, drawing, scale of the drawing] */
const ICONS = [
  ['icon-192.png', 192, SVG, 1],
  ['icon-512.png', 512, SVG, 1],
  ['icon-maskable-512.png', 512, SQUARE, 0.8],
  ['apple-touch-icon.png', 180, SQUARE, 1],
];

const browser = await chromium.launch({
  executablePath: process.env['CHAOKE_CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
const page = await browser.newPage();
for (const [file, pixels, drawing, scale] of ICONS) {
  const ground = /<rect[^>]* fill="(#[0-9a-f]+)"/.exec(drawing)?.[1];
  await page.setViewportSize({ width: pixels, height: pixels });
  await page.setContent(
    `<body style="margin:0;background:${scale < 1 ? ground : 'transparent'}">
       <div style="display:grid;place-items:center;width:${pixels}px;height:${pixels}px">
         <div style="width:${pixels * scale}px;height:${pixels * scale}px">${drawing}</div>
       </div>
     </body>`,
  );
  writeFileSync(join(PUBLIC, file), await page.screenshot({ omitBackground: true }));
}
await browser.close();
