// What a build may not do: grow beyond the budget of the first load, or name a foreign host.

import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

import { behindTheDoor, chunksOf, draws, reached } from './chunks.ts';
import { foreign } from './foreign.ts';

/** Script of the first load, gzipped: what a phone on a slow line can wait for. */
const FIRST_LOAD_MAX_BYTES = 200 * 1024;
export function guard(): Plugin {
  return {
    name: 'chaoke-guard',
    apply: 'build',
    generateBundle(_, bundle) {
      const chunks = chunksOf(bundle);
      const first = reached(chunks, (chunk) => chunk.isEntry || draws(chunk) || behindTheDoor(chunk));
      const bytes = [...first].reduce((sum, name) => sum + gzipSync(chunks.get(name)?.code ?? '').length, 0);
      this.info(`first load: ${(bytes / 1024).toFixed(1)} KiB of gzipped script in ${first.size} files`);
      if (bytes > FIRST_LOAD_MAX_BYTES) {
        this.error(`the first load is ${bytes} bytes of gzipped script; the budget is ${FIRST_LOAD_MAX_BYTES}`);
      }
      for (const file of Object.values(bundle)) {
        const text = file.type === 'chunk' ? file.code : String(file.source);
        for (const address of foreign(text)) this.error(`${file.fileName} names a foreign host: ${address}`);
      }
    },
  };
}
