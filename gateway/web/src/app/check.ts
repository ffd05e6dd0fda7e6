// What can be said about a form before asking the server. The server's word decides.

import { charCount } from '../core/wire';
import type { TextKey } from '../i18n';

export const NAME_MAX = 30;
export const COMPANY_MAX = 60;
export const DISCUSSION_NAME_MAX = 50;
export const BOT_NAME_MAX = 30;
export const REASON_MAX = 200;
export const TITLE_MAX = 50;

export type Check = { key: TextKey; places?: Record<string, string | number> } | undefined;

export function checkText(value: string, max: number): Check {
  const text = value.trim();
  if (text === '') return { key: 'check.required' };
  return charCount(text) > max ? { key: 'check.too_long', places: { max } } : undefined;
}

export function checkLogin(value: string): Check {
  const login = value.normalize('NFKC').trim();
  if (login === '') return { key: 'check.required' };
  return /^[\p{L}\p{N}._@+-]{2,64}$/u.test(login) ? undefined : { key: 'check.login' };
}

export function checkPassword(value: string, login: string): Check {
  if (value === '') return { key: 'check.required' };
  const length = charCount(value);
  if (length < 8 || length > 64 || !/\p{L}/u.test(value) || !/\p{N}/u.test(value)) return { key: 'check.password' };
  if (login !== '' && value.toLowerCase() === login.trim().toLowerCase()) return { key: 'check.password_is_login' };
  return undefined;
}
