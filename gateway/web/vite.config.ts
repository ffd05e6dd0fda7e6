import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

import { compress } from './build/compress.ts';
import { early } from './build/early.ts';
import { guard } from './build/guard.ts';
import { worker } from './build/worker.ts';

const SERVER = process.env['CHAOKE_SERVER'] ?? 'http://127.0.0.1:8080';

/**
 * What the first page draws with, and later ones too. One file of it is one question to the server and one task of the
 * browser, not twelve.
 */
const COMMON = [
  /\/src\/(?:app\/(?:check|form|hooks|live|names)|parts\/(?:Door|Logo|PersonRow|Secret|States)|screens\/directory\/search)\.(?:tsx?|module)/,
  /\/@mantine\/core\/esm\/components\/(?:ActionIcon|InputBase|PasswordInput|TextInput|Input\/use-input-props)/,
  /\/lucide-react\/dist\/esm\/icons\/circle-exclamation-point/,
];

export default defineConfig({
  plugins: [react(), early(), guard(), worker(), compress()],
  build: {
    target: 'es2022',
    outDir: 'dist',
    // Images below this size would become data: URLs inside script; the policy allows them only as img-src.
    assetsInlineLimit: 0,
    // One sheet: each later one would have every style of the page worked out anew.
    cssCodeSplit: false,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [{ name: 'common', test: (id) => COMMON.some((one) => one.test(id)) }],
        },
      },
    },
  },
  server: {
    proxy: {
      '/api': { target: SERVER, changeOrigin: false },
      '/files': { target: SERVER, changeOrigin: false },
      '/ws': { target: SERVER.replace(/^http/, 'ws'), ws: true, changeOrigin: false },
    },
  },
});
