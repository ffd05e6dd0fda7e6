// Texts by key in the chosen language. The choice is this browser's; Chinese is the default.

import { Cell } from '../core/cell';
import type { ApiError } from '../core/errors';
import type { BotsKey } from './bots/zh-CN';
import { en } from './en';
import type { OfficeKey } from './office/zh-CN';
import type { PreferencesKey } from './preferences/zh-CN';
import { type FirstKey, zhCN } from './zh-CN';

/** Texts of the first load, and those that come with the screens that show them. */
export type TextKey = FirstKey | OfficeKey | BotsKey | PreferencesKey;
export type Language = 'zh-CN' | 'en';
export type T = (key: TextKey, places?: Record<string, string | number>) => string;

/** Each language by its own name, as people look for it. */
export const LANGUAGES: { code: Language; name: string }[] = [
  { code: 'zh-CN', name: '简体中文' },
  { code: 'en', name: 'English' },
];

type Texts = Record<Language, Partial<Record<TextKey, string>>>;

const TEXTS: Texts = { 'zh-CN': { ...zhCN }, en: { ...en } };
const STORED = 'chaoke.language';

export const language = new Cell<Language>(stored());

/** Texts that come with their screens, before these are drawn. */
export function addTexts(texts: Texts): void {
  for (const { code } of LANGUAGES) Object.assign(TEXTS[code], texts[code]);
}

export function chooseLanguage(choice: Language): void {
  try {
    localStorage.setItem(STORED, choice);
  } catch {
    // Lives as long as the page.
  }
  showLanguage(choice);
  language.set(choice);
}

/** Another tab of this browser chose. */
export function heardLanguage(key: string | null): void {
  if (key !== STORED) return;
  showLanguage(stored());
  language.set(stored());
}

/** Not where it stands already: styles may depend on it. */
export function showLanguage(code: Language): void {
  if (document.documentElement.lang !== code) document.documentElement.lang = code;
}

export function translate(code: Language, key: TextKey, places?: Record<string, string | number>): string {
  const text = TEXTS[code][key] ?? key;
  return places ? text.replace(/\{(\w+)\}/g, (_, name: string) => String(places[name] ?? '')) : text;
}

/** What to tell a person about an error: our words for what the client knows best, else the server's. */
export function errorText(t: T, code: Language, error: ApiError): string {
  const seconds = Math.max(1, Math.ceil((error.retryAfterMs ?? 1_000) / 1_000));
  if (error.class === 'network') return t('error.network');
  if (error.code === 'bad_credentials') {
    return t(error.field === 'old_password' ? 'error.wrong_password' : 'error.bad_credentials');
  }
  // Mostly a proxy that hides the address: the person at the door can do nothing but tell who can.
  if (error.code === 'origin') return t('connection.origin');
  if (error.code === 'too_many_tries') return t('error.too_many_tries', { seconds });
  if (error.class === 'limited') return t('error.limited', { seconds });
  const said = code === 'en' ? error.texts.en : error.texts.zh;
  if (said !== '' && error.class !== 'internal') return said;
  return error.requestId === undefined ? t('error.internal') : t('error.internal_id', { id: error.requestId });
}

function stored(): Language {
  try {
    return localStorage.getItem(STORED) === 'en' ? 'en' : 'zh-CN';
  } catch {
    return 'zh-CN';
  }
}
