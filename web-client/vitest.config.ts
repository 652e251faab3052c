// Unit and property tests: pure files in plain Node, without a page.

import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['test/**/*.test.ts'] } });
