import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

import { compress } from './build/compress.ts';
import { early } from './build/early.ts';
import { guard } from './build/guard.ts';
import { worker } from './build/worker.ts';

const SERVER = process.env['CHAOKE_SERVER'] ?? 'http://127.0.0.1:8080';

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
  },
  server: {
    proxy: {
      '/api': { target: SERVER, changeOrigin: false },
      '/ws': { target: SERVER.replace(/^http/, 'ws'), ws: true, changeOrigin: false },
    },
  },
});
