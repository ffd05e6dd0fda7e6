import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // The core needs no page; a test that does says so in its first line.
    environment: 'node',
    include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'figures/*.test.ts'],
    restoreMocks: true,
    testTimeout: 10_000,
  },
});
