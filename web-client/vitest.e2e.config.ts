// Browser tests: the binary in `WORLDBOSS_BIN` and Debian's Chromium, one scene after the other.

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['e2e/**/*.test.ts'],
    testTimeout: 90_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
