/** Stands in for the encryption of matrix-js-sdk (see vite.config.ts), which asks for it only if `initRustCrypto` is called. */
export function initRustCrypto(): never {
  throw new Error('This build has no end-to-end encryption.');
}
