/** What the user chose on this device, kept in localStorage. */
import { type Language, languages, preferredLanguage } from './i18n';
import { Value } from './store';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export interface Settings {
  /** Device ids of the browser; null: its default. */
  microphoneId: string | null;
  cameraId: string | null;
  speakerId: string | null;
  /** Whether an incoming call makes a sound. */
  ringtone: boolean;
  /** Whether the user wants a system notification for an incoming call; the browser's permission comes on top. */
  notifications: boolean;
  theme: Theme;
  /** null: the browser's. */
  language: Language | null;
}

const KEY = 'ringback.settings';

const defaults: Settings = {
  microphoneId: null,
  cameraId: null,
  speakerId: null,
  ringtone: true,
  notifications: true,
  theme: 'system',
  language: null,
};

/** Takes only what has the right type: the stored text may be another version's, or somebody's edit. */
export function parseSettings(text: string | null): Settings {
  let stored: Record<string, unknown>;
  try {
    stored = Object(JSON.parse(text ?? '{}')) as Record<string, unknown>;
  } catch {
    return defaults;
  }
  const id = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);
  const flag = (value: unknown, otherwise: boolean) => (typeof value === 'boolean' ? value : otherwise);
  return {
    microphoneId: id(stored.microphoneId),
    cameraId: id(stored.cameraId),
    speakerId: id(stored.speakerId),
    ringtone: flag(stored.ringtone, defaults.ringtone),
    notifications: flag(stored.notifications, defaults.notifications),
    theme: themes.find((theme) => theme === stored.theme) ?? defaults.theme,
    language: languages.find((language) => language === stored.language) ?? defaults.language,
  };
}

function read(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be forbidden: the settings then last as long as the page
  }
}

class SettingsStore extends Value<Settings> {
  constructor() {
    super(parseSettings(read()));
    // Another tab changed them.
    addEventListener('storage', (event) => {
      if (event.key === KEY) this.set(parseSettings(event.newValue));
    });
  }

  change(some: Partial<Settings>): void {
    this.set({ ...this.snapshot, ...some });
    try {
      localStorage.setItem(KEY, JSON.stringify(this.snapshot));
    } catch {
      // as above
    }
  }
}

export const settings = new SettingsStore();

export function chosenLanguage(): Language {
  return settings.snapshot.language ?? preferredLanguage();
}
