// Writes the service worker: the hand-written `worker.js` with the list of what the page needs to start
// without a network.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const PUBLIC = ['early.js', 'icon.svg', 'icon-192.png', 'manifest.webmanifest'];

export function worker(): Plugin {
  return {
    name: 'chaoke-worker',
    apply: 'build',
    generateBundle: {
      // After everything else has been named.
      order: 'post',
      handler(_, bundle) {
        const files = Object.keys(bundle)
          .filter((name) => /^assets\/.*\.(js|css)$/.test(name))
          .toSorted()
          .map((name) => `/${name}`);
        const hash = createHash('sha256').update(files.join('\n'));
        for (const name of PUBLIC) hash.update(readFileSync(join(import.meta.dirname, '../public', name)));
        const version = hash.digest('hex').slice(0, 16);
        const source = readFileSync(join(import.meta.dirname, 'worker.js'), 'utf8')
          .replace('__VERSION__', version)
          .replace("'__FILES__'", JSON.stringify(['/', ...PUBLIC.map((name) => `/${name}`), ...files]));
        this.emitFile({ type: 'asset', fileName: 'worker.js', source });
      },
    },
  };
}
