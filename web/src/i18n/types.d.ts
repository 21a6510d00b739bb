import 'i18next';
import type app from './en/app.json';
import type call from './en/call.json';
import type history from './en/history.json';
import type login from './en/login.json';
import type rooms from './en/rooms.json';
import type settings from './en/settings.json';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'app';
    resources: { app: typeof app; call: typeof call; history: typeof history; login: typeof login; rooms: typeof rooms; settings: typeof settings };
  }
}
