// Builds the page: hashed assets, nothing inline, the same bytes on every machine.

import { defineConfig, type Plugin } from 'vite';

/** What is no part of the game's first load. */
const APART = ['/src/view/room.ts', '/examples/list.ts'];

const PRELOAD = '\0vite/preload-helper.js';

/**
 * Gives these modules, and all that they import, copies of their own. Otherwise what they alone
 * need of a module would be loaded with what the game needs of it.
 */
const apart: Plugin = {
  name: 'apart',
  apply: 'build',
  enforce: 'pre',
  async resolveId(source, importer, options) {
    const [from, isApart] = (importer ?? '').split('?');
    const found = await this.resolve(source, from, { ...options, skipSelf: true });
    if (found === null || found.external || found.id.includes('?')) return found;
    const begins = APART.some((root) => found.id.endsWith(root));
    return begins || isApart === 'apart' ? { ...found, id: `${found.id}?apart` } : found;
  },
  load(id) {
    // Nothing here is loaded ahead, and what would do that is larger than the parts that it is for.
    return id === PRELOAD ? 'export const __vitePreload = (load) => load();' : null;
  },
};

export default defineConfig({
  plugins: [apart],
  // The page works below any path.
  base: './',
  // While one works on the page, the game itself runs beside it.
  server: {
    proxy: {
      '/ws': { target: 'ws://127.0.0.1:7777', ws: true },
      // This one serves pages of its own origin alone.
      '/groups': {
        target: 'ws://127.0.0.1:7777',
        ws: true,
        changeOrigin: true,
        rewriteWsOrigin: true,
      },
      '/api': { target: 'http://127.0.0.1:7777' },
    },
  },
  build: {
    target: 'es2022',
    // The game, and an example of a page that shares a list.
    rolldownOptions: { input: ['index.html', 'list.html'] },
    // The Content-Security-Policy allows no data: script or style, and few files are enough.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 100,
  },
});
