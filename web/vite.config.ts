import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { licences } from './licences';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The version that the whole repository has. */
const version = /^version = "(.+)"/m.exec(readFileSync(here('../Cargo.toml'), 'utf8'))?.[1] ?? 'unknown';

/** Where a Ringback runs while one works on the page. */
const backend = process.env.RINGBACK_URL ?? 'http://localhost:3000';
const proxy = {
  '/call-config.json': backend,
  '/api': backend,
  '/health': backend,
  '/socket.io': { target: backend, ws: true },
  '/ws': { target: backend, ws: true },
};

/** The policy of the server which embeds the page; `vite preview` keeps it too, so that a breach is seen early. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' blob:",
  "media-src 'self' blob:",
  "manifest-src 'self'",
  'connect-src *',
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * The policy forbids <style> elements, and vaul (a drawer inside Compound's menus) makes one when it loads.
 * A constructed style sheet does the same and is allowed. `react-style-singleton` is replaced by an alias below.
 */
function withoutStyleElements(): Plugin {
  return {
    name: 'without-style-elements',
    transform(code, id) {
      if (!/\/vaul\/dist\/index\.mjs/.test(id)) return null;
      const made = code.replace(
        /function __insertCSS\(code\) \{[\s\S]*?\n\}/,
        'function __insertCSS(code) { const sheet = new CSSStyleSheet(); sheet.replaceSync(code); document.adoptedStyleSheets.push(sheet); }',
      );
      if (made === code) throw new Error('vaul has changed: see how it injects its styles now');
      return { code: made, map: null };
    },
  };
}

/** Messages are not read here, so the SDK's encryption (8 MB of WebAssembly, loaded on request only) stays out of the build. */
function withoutEncryption(): Plugin {
  const stub = here('./src/platform/noEncryption.ts');
  return {
    name: 'without-encryption',
    enforce: 'pre',
    resolveId(source, importer) {
      if (source === '@matrix-org/matrix-sdk-crypto-wasm') return stub;
      return source.endsWith('/rust-crypto/index.js') && importer?.includes('matrix-js-sdk') ? stub : null;
    },
  };
}

export default defineConfig({
  plugins: [react(), withoutStyleElements(), withoutEncryption(), licences()],
  define: { __VERSION__: JSON.stringify(version) },
  resolve: {
    alias: {
      'ringback-client': here('./client/src/index.ts'),
      'react-style-singleton': here('./src/platform/styleSingleton.ts'),
    },
  },
  server: { port: 5173, proxy },
  preview: { port: 4173, proxy, headers: { 'Content-Security-Policy': policy } },
  build: {
    sourcemap: false,
    // A data: URL would need its own place in the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The Matrix SDK is that large, and comes after the login.
    chunkSizeWarningLimit: 900,
  },
  test: {
    testTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: { name: 'client', include: ['client/**/*.test.ts'], environment: 'node' },
      },
      {
        extends: true,
        test: {
          name: 'app',
          include: ['src/**/*.test.{ts,tsx}'],
          environment: 'jsdom',
          setupFiles: ['./src/test/setup.ts'],
        },
      },
    ],
  },
});
