// Lays a brotli and a gzip form beside each file that gets smaller by it. Made once, as small as they can be;
// the server only picks one.

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';

/** A smaller file travels in one packet anyway. */
const WORTH_BYTES = 1_024;
/** Pictures are compressed already. */
const TEXTS = /\.(?:js|css|html|svg|webmanifest)$/;

const FORMS: [ending: string, press: (file: Buffer) => Buffer][] = [
  ['.br', (file) => brotliCompressSync(file, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } })],
  ['.gz', (file) => gzipSync(file, { level: constants.Z_BEST_COMPRESSION })],
];

export function compress(): Plugin {
  return {
    name: 'chaoke-compress',
    apply: 'build',
    writeBundle: {
      // After every file has been written.
      order: 'post',
      sequential: true,
      handler({ dir = '' }) {
        for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
          const path = join(dir, name);
          if (!TEXTS.test(name) || statSync(path).size < WORTH_BYTES) continue;
          const file = readFileSync(path);
          for (const [ending, press] of FORMS) {
            const pressed = press(file);
            if (pressed.length < file.length) writeFileSync(path + ending, pressed);
          }
        }
      },
    },
  };
}
