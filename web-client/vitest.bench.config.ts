// Measurements, which print and assert nothing of the clock.

import { defineConfig } from 'vitest/config';

export default defineConfig({
  // As in a built page, where Immer spares its checks of who uses it.
  define: { 'process.env.NODE_ENV': '"production"' },
  test: {
    include: ['bench/**/*.bench.ts'],
    testTimeout: 120_000,
    server: { deps: { inline: ['immer'] } },
  },
});
