/** Ringback's version, from Cargo.toml (see vite.config.ts). */
declare const __VERSION__: string;
