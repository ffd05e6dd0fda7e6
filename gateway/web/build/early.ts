// Tells the page which scripts it will draw with, and `public/early.js` which ones stand behind the door.

import type { HtmlTagDescriptor, Plugin } from 'vite';

import { behindTheDoor, chunksOf, draws, reached } from './chunks.ts';

export function early(): Plugin {
  return {
    name: 'chaoke-early',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle = {} }) {
        const chunks = chunksOf(bundle);
        const first = reached(chunks, (chunk) => chunk.isEntry);
        const drawn = addresses(reached(chunks, draws), first);
        const inside = addresses(reached(chunks, behindTheDoor), new Set([...first, ...reached(chunks, draws)]));
        if (drawn.length === 0 || inside.length === 0) throw new Error('nothing draws, or nothing stands behind the door');
        const content = inside.join(' ');
        const preload = (href: string): HtmlTagDescriptor => ({
          tag: 'link',
          attrs: { rel: 'modulepreload', crossorigin: true, href },
          injectTo: 'head',
        });
        return [
          { tag: 'meta', attrs: { name: 'chaoke-inside', content }, injectTo: 'head-prepend' },
          ...drawn.map(preload),
        ];
      },
    },
  };
}

/** Those not known yet, in an order of their own, so that the same sources give the same page. */
function addresses(names: Set<string>, known: Set<string>): string[] {
  return [...names].filter((name) => !known.has(name)).toSorted().map((name) => `/${name}`);
}
