// Texts are whole: every key in both languages with the same places, every key used, no text spelled in code.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { readError } from '../core/errors';
import './bots';
import { en as botsEn } from './bots/en';
import { zhCN as botsZh } from './bots/zh-CN';
import { en as firstEn } from './en';
import { errorText, type TextKey, translate } from './index';
import './office';
import { en as officeEn } from './office/en';
import { zhCN as officeZh } from './office/zh-CN';
import './preferences';
import { en as preferencesEn } from './preferences/en';
import { zhCN as preferencesZh } from './preferences/zh-CN';
import { zhCN as firstZh } from './zh-CN';

const SOURCE = join(import.meta.dirname, '..');
const HAN = /\p{Script=Han}/u;

const zhCN = { ...firstZh, ...officeZh, ...botsZh, ...preferencesZh };
const en = { ...firstEn, ...officeEn, ...botsEn, ...preferencesEn };

function files(folder = SOURCE): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'testing' ? [] : files(path);
    return /\.tsx?$/.test(entry.name) && !/\.test\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

const outside = files().filter((path) => !path.includes(`${SOURCE}/i18n/`));

/** Comments may quote what a person sees. */
function withoutComments(code: string): string {
  return code.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '');
}

function places(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').toSorted();
}

test('both languages have the same keys and the same places', () => {
  expect(Object.keys(en).toSorted()).toEqual(Object.keys(zhCN).toSorted());
  for (const [key, text] of Object.entries(zhCN)) {
    expect([key, places(en[key as TextKey])]).toEqual([key, places(text)]);
  }
});

test('nothing is left untranslated', () => {
  for (const [key, text] of Object.entries(zhCN)) {
    expect([key, text.trim() !== '']).toEqual([key, true]);
    expect([key, HAN.test(en[key as TextKey])]).toEqual([key, false]);
  }
});

test('every text is used somewhere', () => {
  const code = files()
    .filter((path) => !/i18n\/(?:(?:office|bots|preferences)\/)?(?:zh-CN|en)\.ts$/.test(path))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const unused = Object.keys(zhCN).filter((key) => !code.includes(`'${key}'`) && !code.includes(`"${key}"`));
  expect(unused).toEqual([]);
});

test.each([
  ['the back office', officeZh, '/screens/admin/'],
  ['the dialogs of bots', botsZh, '/screens/chats/BotDialogs.tsx'],
  ['the page of preferences', preferencesZh, '/screens/me/Preferences.tsx'],
])('the texts that come with %s are used there only', (_, texts, place) => {
  const elsewhere = outside.filter((path) => !path.includes(place));
  const used = elsewhere.flatMap((path) => {
    const code = readFileSync(path, 'utf8');
    return Object.keys(texts).filter((key) => code.includes(`'${key}'`)).map((key) => [path, key]);
  });
  expect(used).toEqual([]);
  expect(Object.keys(firstZh).filter((key) => key in texts)).toEqual([]);
});

test('no Chinese text is spelled outside this folder', () => {
  const spelled = outside.filter((path) => HAN.test(withoutComments(readFileSync(path, 'utf8'))));
  expect(spelled).toEqual([]);
});

test('no English sentence is spelled in a component', () => {
  const attribute = /\b(?:aria-label|title|placeholder|label|alt|description)="[A-Za-z]{2}/;
  const content = />\s*[A-Z][a-z]+(?: [a-z]+)*\s*<\//;
  const spelled = outside
    .filter((path) => path.endsWith('.tsx'))
    .filter((path) => {
      const code = withoutComments(readFileSync(path, 'utf8'));
      return attribute.test(code) || content.test(code);
    });
  expect(spelled).toEqual([]);
});

test('places are filled, and what is missing is left out', () => {
  expect(translate('zh-CN', 'chat.read_by', { count: 3 })).toBe('3 人已读');
  expect(translate('en', 'chat.read_by', {})).toBe('Read by ');
});

test('an error speaks the language of the person, and our words win where we know more', () => {
  const t = (key: TextKey, at?: Record<string, string | number>) => translate('zh-CN', key, at);
  const error = (body: object) => readError({ code: 'x', message: { zh: '名字太长', en: 'too long' }, ...body });
  expect(errorText(t, 'zh-CN', error({ class: 'invalid' }))).toBe('名字太长');
  expect(errorText(t, 'en', error({ class: 'invalid' }))).toBe('too long');
  expect(errorText(t, 'zh-CN', error({ class: 'unauthenticated', code: 'bad_credentials' }))).toBe('帐号或密码不正确');
  expect(errorText(t, 'zh-CN', error({ class: 'limited', code: 'too_many_tries', retry_after_ms: 59_001 }))).toBe(
    '尝试次数过多，请 60 秒后再试',
  );
  expect(errorText(t, 'zh-CN', error({ class: 'internal', request_id: 'r7' }))).toContain('r7');
});
