/** Keeps the page's theme and language at what the settings say. */
import { changeLanguage } from '../i18n';
import { chosenLanguage, settings } from '../settings';

const dark = matchMedia('(prefers-color-scheme: dark)');

function paint(): void {
  const { theme } = settings.snapshot;
  const isDark = theme === 'system' ? dark.matches : theme === 'dark';
  const classes = document.documentElement.classList;
  classes.toggle('cpd-theme-dark', isDark);
  classes.toggle('cpd-theme-light', !isDark);
  document.querySelector('meta[name="theme-color"]')?.setAttribute('content', isDark ? '#101317' : '#ffffff');
}

export function applyTheme(): void {
  paint();
  dark.addEventListener('change', paint);
  settings.subscribe(paint);
}

export function applyLanguage(): void {
  let present = chosenLanguage();
  settings.subscribe(() => {
    const wanted = chosenLanguage();
    if (wanted === present) return;
    present = wanted;
    void changeLanguage(wanted);
  });
}
