/** What all tests share; `cargo xtask test` starts it, and says where it is by the environment. */
export const world = {
  homeserver: variable('RINGBACK_E2E_SYNAPSE'),
  registrationSecret: variable('RINGBACK_E2E_SECRET'),
  binary: variable('RINGBACK_E2E_BIN'),
  directory: variable('RINGBACK_E2E_DIRECTORY'),
  chromium: variable('RINGBACK_E2E_CHROMIUM'),
  turnUris: variable('RINGBACK_E2E_TURN_URIS'),
  turnSecret: variable('RINGBACK_E2E_TURN_SECRET'),
};

function variable(name: string): string {
  const value = process.env[name];
  if (value) return value;
  throw new Error(`${name} is not set: these tests need a real Synapse, coturn and Chromium; run \`cargo xtask test\``);
}
