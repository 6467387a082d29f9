// The bundle: one page, one Worker, one wasm. Relative, so that any folder of any host will do.
import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0, // no data: URLs, which the page's policy forbids
    modulePreload: false, // its helper would be one more script
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
});
