// Builds the page: hashed assets, nothing inline, the same bytes on every machine.

import { defineConfig } from 'vite';

export default defineConfig({
  // The page works below any path.
  base: './',
  // While one works on the page, the game itself runs beside it.
  server: { proxy: { '/ws': { target: 'ws://127.0.0.1:7777', ws: true } } },
  build: {
    target: 'es2022',
    // The Content-Security-Policy allows no data: script or style, and few files are enough.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 100,
  },
});
