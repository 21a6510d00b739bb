/// <reference types="vitest/config" />
import { defineConfig } from 'vite';

// `tsc` writes the modules of the package; this adds the one file that a page can use without a bundler.
export default defineConfig({
  build: {
    outDir: 'dist',
    emptyOutDir: false,
    target: 'es2022',
    lib: { entry: 'src/index.ts', formats: ['es'], fileName: () => 'ringback-client.min.js' },
    minify: true,
    license: { fileName: 'ringback-client.min.licences.md' },
  },
  test: { include: ['test/**/*.test.ts'] },
});
