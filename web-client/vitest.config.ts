// Unit and property tests: pure files in plain Node, without a page.

import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Random tests take their time beside a build.
  test: { include: ['test/**/*.test.ts'], testTimeout: 30_000 },
});
