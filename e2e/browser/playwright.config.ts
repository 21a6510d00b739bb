import { defineConfig } from '@playwright/test';
import { world } from './support/world.ts';

export default defineConfig({
  testDir: 'tests',
  outputDir: `${world.directory}/browser`,
  reporter: [['list']],
  // Each test has users, a room and a server of its own; two browsers are what two cores carry.
  workers: 2,
  fullyParallel: true,
  forbidOnly: true,
  retries: 0,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  use: {
    actionTimeout: 20_000,
    launchOptions: {
      executablePath: world.chromium,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // Few pictures: each is packed and unpacked without a graphics card.
        '--use-fake-device-for-media-stream=fps=10',
        '--use-fake-ui-for-media-stream',
        '--autoplay-policy=no-user-gesture-required',
      ],
    },
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    colorScheme: 'light',
  },
  projects: [
    { name: 'calls', testMatch: '**/*.spec.ts', testIgnore: '**/screens.spec.ts' },
    // Three pictures that move, in two windows more: beside that, nothing else is in time on two cores.
    { name: 'screens', testMatch: '**/screens.spec.ts', dependencies: ['calls'] },
    { name: 'screenshots', testMatch: '**/*.shots.ts', workers: 1, use: { posed: true } as object },
  ],
});
