// Tells `public/early.js` which scripts stand behind the door.

import type { Plugin } from 'vite';

import { behindTheDoor, chunksOf, reached } from './chunks.ts';

export function early(): Plugin {
  return {
    name: 'chaoke-early',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle = {} }) {
        const chunks = chunksOf(bundle);
        // In an order of their own, so that the same sources give the same page.
        const names = [...reached(chunks, behindTheDoor)].filter((name) => !chunks.get(name)?.isEntry).toSorted();
        if (names.length === 0) throw new Error('nothing stands behind the door');
        const content = names.map((name) => `/${name}`).join(' ');
        return [{ tag: 'meta', attrs: { name: 'chaoke-inside', content }, injectTo: 'head-prepend' }];
      },
    },
  };
}
