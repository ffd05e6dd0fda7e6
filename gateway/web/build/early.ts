// Tells `public/early.js` which scripts stand behind the door.

import type { Plugin } from 'vite';

import { BEHIND_THE_DOOR } from './guard.ts';

export function early(): Plugin {
  return {
    name: 'chaoke-early',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_, { bundle = {} }) {
        const chunks = new Map(Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file]] : [])));
        const names = new Set<string>();
        const take = (name: string) => {
          const chunk = chunks.get(name);
          if (!chunk || chunk.isEntry || names.has(name)) return;
          names.add(name);
          chunk.imports.forEach(take);
        };
        for (const chunk of chunks.values()) if (chunk.facadeModuleId?.endsWith(BEHIND_THE_DOOR)) take(chunk.fileName);
        if (names.size === 0) throw new Error(`no chunk begins with ${BEHIND_THE_DOOR}`);
        const content = [...names].map((name) => `/${name}`).join(' ');
        return [{ tag: 'meta', attrs: { name: 'chaoke-inside', content }, injectTo: 'head-prepend' }];
      },
    },
  };
}
