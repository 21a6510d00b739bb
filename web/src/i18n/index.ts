/** Loads the page's texts: one file for each language and namespace, `i18n/<language>/<namespace>.json`. */
import i18next, { type i18n, type Resource } from 'i18next';
import { initReactI18next } from 'react-i18next';

export const languages = ['en', 'de'] as const;
export type Language = (typeof languages)[number];

const files: Record<Language, () => Promise<{ default: Record<string, unknown> }>> = {
  en: () => import('./en'),
  de: () => import('./de'),
};

async function load(language: Language): Promise<Resource[string]> {
  const { default: namespaces } = await files[language]();
  const named = Object.entries(namespaces).map(([path, texts]) => [path.slice('./'.length, -'.json'.length), texts]);
  return Object.fromEntries(named) as Resource[string];
}

/** The first language of the browser that there is a translation for, else English. */
export function preferredLanguage(wanted: readonly string[] = navigator.languages): Language {
  for (const tag of wanted) {
    const known = languages.find((language) => tag.toLowerCase().split('-')[0] === language);
    if (known) return known;
  }
  return 'en';
}

/** The language as the browser's user writes dates and times in it: `en-GB` for `en`, where that is what the browser says. */
export function localeOf(language: string, wanted: readonly string[] = navigator.languages): string {
  return wanted.find((tag) => tag.split('-')[0] === language) ?? language;
}

export async function changeLanguage(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, 'app')) {
    for (const [namespace, texts] of Object.entries(await load(language))) i18next.addResourceBundle(language, namespace, texts);
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

export async function startTranslation(language: Language): Promise<i18n> {
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    defaultNS: 'app',
    resources: { [language]: await load(language) },
    // React escapes by itself.
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  document.documentElement.lang = language;
  return i18next;
}

export { i18next };
