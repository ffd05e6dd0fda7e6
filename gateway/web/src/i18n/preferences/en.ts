// The same texts in English.

import type { PreferencesKey } from './zh-CN';

export const en: Record<PreferencesKey, string> = {
  'preferences.scheme': 'Look',
  'preferences.scheme_auto': 'As the system',
  'preferences.scheme_light': 'Light',
  'preferences.scheme_dark': 'Dark',
  'preferences.sound': 'Sound',
  'preferences.sound_hint': 'A soft sound for new messages while the window is not in front.',
  'preferences.language': 'Language',
  'preferences.notices': 'Desktop notifications',
  'preferences.notices_off': 'Off',
  'preferences.notices_name': 'Who it is from',
  'preferences.notices_text': 'With the text',
  'preferences.notices_hint': 'One for each conversation, while the window is not in front.',
  'preferences.notices_missing': 'The browser shows none at this address (HTTPS or this machine is needed).',
  'preferences.notices_refused': 'The browser does not allow notifications; allow them in its site settings and try again',
};
