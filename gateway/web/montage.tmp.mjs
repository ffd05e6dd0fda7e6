// usage: node montage.mjs out.png cols scale files...
import { chromium } from '@playwright/test';
import { readFileSync } from 'node:fs';
const [out, cols, scale, ...files] = process.argv.slice(2);
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const p = await b.newPage({ viewport: { width: 100, height: 100 } });
await p.setContent(`<body style="margin:0;display:inline-grid;grid-template-columns:repeat(${cols},max-content);gap:6px;background:#f0f">${files.map(f => `<img style="zoom:${scale}" src="data:image/png;base64,${readFileSync(f).toString('base64')}">`).join('')}</body>`);
await p.waitForTimeout(300);
await p.locator('body').screenshot({ path: out });
await b.close();
