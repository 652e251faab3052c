// Builds the page: hashed assets, nothing inline, the same bytes on every machine.

import { defineConfig } from 'vite';

export default defineConfig({
  // The page works below any path.
  base: './',
  build: {
    target: 'es2022',
    // The Content-Security-Policy allows no data: script or style, and few files are enough.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 100,
  },
});
