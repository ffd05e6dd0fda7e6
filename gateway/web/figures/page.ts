// `docs/client-figures.md`, written from `reports/client.json`: `node figures/page.ts` by `make figures`.

import { median, type Report } from './report.ts';

interface Target {
  what: string;
  figure: string;
  at: 'most' | 'least';
  limit: number;
}

/** What the client promises. */
const TARGETS: Target[] = [
  { what: 'script of the first load of the chat, gzipped, KB', figure: 'script_gzip_kb', at: 'most', limit: 200 },
  { what: 'a chat opened cold with the CPU slowed down four times: usable after, ms', figure: 'usable_slowed_ms', at: 'most', limit: 1_000 },
  { what: 'layout shift: opening, scrolling, new messages (CLS)', figure: 'layout_shift', at: 'most', limit: 0 },
  { what: 'scrolling through 10,000 messages: frames of what an empty page gets, %', figure: 'scroll_frames_percent', at: 'least', limit: 95 },
  { what: 'an hour of chatting: growth of the heap from its first tenth on, MB', figure: 'hour_heap_growth_mb', at: 'most', limit: 2 },
  { what: 'an hour of chatting: growth of the number of DOM nodes from its first tenth on', figure: 'hour_nodes_growth', at: 'most', limit: 100 },
  ...(['sign_in', 'chat'] as const).flatMap((screen): Target[] =>
    (['performance', 'accessibility', 'best_practices'] as const).map((category) => ({
      what: `Lighthouse, ${screen === 'chat' ? 'a chat' : 'signing in'}: ${category.replace('_', ' ')}`,
      figure: `lighthouse_${screen}_${category}`,
      at: 'least',
      limit: 95,
    })),
  ),
];

const HEAD = `# Figures of the client

Derived from \`reports/client.json\` by \`make figures\`, which measures them: the release build of the server, a real
Chromium, both on one machine. What a figure means stands here.

- **Script**: what the page of a chat loads before it is usable, gzipped as the server sends it. The build refuses more.
- **Usable**: from asking for the address of a chat, signed in and with an empty cache, until its messages stand, the field
  takes text, and the page has answered a frame after that; the CPU slowed down four times by the browser's debugger.
- **Layout shift**: the sum of what the browser counts, not only the worst window, while a chat is opened, scrolled
  back through several pages, and gets new messages, at the end and away from it.
- **Scrolling**: the frames drawn while a chat of 10,000 messages is scrolled a screen each quarter second, against those an
  empty page is given in the same run. This browser has no graphics card.
- **An hour of chatting**: 3,600 messages by ten people come into a chat that is open, as fast as the server lets them. After
  each tenth the person answers, reads another chat and comes back, and heap and nodes are taken after a forced collection.
- **Lighthouse**: as for a phone, with its own simulated slow line and CPU. Its benchmark index says how fast the machine was just
  then: it is shared, and compares with another day only by that.
`;

const COUNTED = 2;

function shown(value: number): string {
  return String(Math.round(value * 10 ** COUNTED) / 10 ** COUNTED);
}

export function page(report: Report): string {
  const names = [...new Set(report.runs.flatMap((run) => Object.keys(run.figures)))].toSorted();
  const of = (name: string) => report.runs.flatMap((run) => run.figures[name] ?? []);
  const spread = (name: string) => {
    const values = of(name);
    return [median(values), Math.min(...values), Math.max(...values)].map(shown);
  };
  const targets = TARGETS.map(({ what, figure, at, limit }) => {
    const values = of(figure);
    if (values.length === 0) return `| ${what} | at ${at} ${limit} | not measured | | |`;
    const middle = median(values);
    const met = at === 'most' ? middle <= limit : middle >= limit;
    const [one, least, most] = spread(figure);
    return `| ${what} | at ${at} ${limit} | ${one} | ${least} to ${most} | ${met ? 'met' : '**missed**'} |`;
  });
  const rows = names.map((name) => `| \`${name}\` | ${spread(name).join(' | ')} |`);
  const { cores, processor, memory_mb, kernel } = report.machine;
  return `${HEAD}
## Targets

| what | target | median | least to most | |
|---|---|---|---|---|
${targets.join('\n')}

## All figures

${report.commit}; ${report.browser}; ${cores} cores (${processor}), ${memory_mb} MB, kernel ${kernel}; load average before each run: ${report.runs.map((run) => run.load_before).join(', ')}.

| figure | median | least | most |
|---|---|---|---|
${rows.join('\n')}
`;
}
