import 'i18next';
import type app from './en/app.json';
import type call from './en/call.json';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'app';
    resources: { app: typeof app; call: typeof call };
  }
}
