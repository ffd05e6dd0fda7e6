// Times, names, addresses and forms.

import { expect, test } from 'vitest';

import { colourOf, shortName } from '../parts/Avatar';
import { deviceName } from '../core/browser';
import type { ConversationRow, Person } from '../core/wire';
import { type TextKey, translate } from '../i18n';
import { PERSON_COLOURS } from '../theme/theme';
import { badgeText } from './badge';
import { checkLogin, checkPassword, checkText } from './check';
import { peopleOf, previewText, systemText, titleOf } from './names';
import { grown } from './notices';
import { paths, placeOf } from './paths';
import { agoText, dayText, momentText, rowTimeText } from './time';

const t = (key: TextKey, places?: Record<string, string | number>) => translate('zh-CN', key, places);
const NOW = new Date(2026, 10, 25, 14, 5).getTime();
const at = (year: number, month: number, day: number, hour = 9, minute = 3) =>
  new Date(year, month - 1, day, hour, minute).getTime();

test.each([
  [at(2026, 11, 25), '今天'],
  [at(2026, 11, 24, 23, 59), '昨天'],
  [at(2026, 11, 23), '周一'],
  [at(2026, 11, 19), '周四'],
  [at(2026, 11, 18), '11月18日'],
  [at(2026, 1, 2), '1月2日'],
  [at(2025, 12, 31), '2025年12月31日'],
  [at(2026, 11, 26), '今天'],
])('a day is called as people call it', (when, text) => {
  expect(dayText(t, when, NOW)).toBe(text);
});

test('times in lines, rows and "ago"', () => {
  expect(momentText(t, at(2026, 11, 24), NOW)).toBe('昨天 09:03');
  expect(rowTimeText(t, at(2026, 11, 25), NOW)).toBe('09:03');
  expect(rowTimeText(t, at(2026, 11, 24), NOW)).toBe('昨天');
  expect(agoText(t, NOW - 30_000, NOW)).toBe('刚刚');
  expect(agoText(t, NOW - 300_000, NOW)).toBe('5 分钟前');
  expect(agoText(t, at(2026, 11, 25, 9), NOW)).toBe('今天 09:03');
});

function person(user_id: string, name: string): [string, Person] {
  return [user_id, { user_id, name, login: user_id, role: 'member', initial: '#', online: false }];
}

const KNOWN = new Map([person('me', '张伟'), person('w', '王芳'), person('l', '李娜')]);

function row(part: Partial<ConversationRow>): ConversationRow {
  return {
    conversation_id: 'c',
    kind: 'discussion',
    state: 'open',
    head_seq: 1,
    count: 1,
    read_seq: 0,
    read_count: 0,
    unread: 1,
    from_seq: 1,
    member_count: 3,
    member_ids: ['me', 'w', 'l'],
    ...part,
  };
}

test('a conversation is called by its name, its other person, or its first members', () => {
  expect(titleOf(t, KNOWN, row({ name: '项目组' }), 'me')).toBe('项目组');
  expect(titleOf(t, KNOWN, row({ kind: 'direct', peer_id: 'w' }), 'me')).toBe('王芳');
  expect(titleOf(t, KNOWN, row({}), 'me')).toBe('王芳、李娜');
});

test('system lines tell who did what to whom', () => {
  expect(systemText(t, KNOWN, 'me', 'w', { what: 'left' })).toBe('王芳 退出了讨论');
  expect(systemText(t, KNOWN, 'me', 'w', { what: 'joined', user_ids: ['l', 'me'] })).toBe('王芳 邀请 李娜、你 加入');
  expect(systemText(t, KNOWN, 'me', 'me', { what: 'renamed', name: '新名' })).toBe('你 将讨论改名为“新名”');
  expect(systemText(t, KNOWN, 'me', 'w', { what: 'something_new' as never })).toBe('王芳 更新了讨论');
});

test('a preview is one line and names the sender where there are several', () => {
  const last = { seq: 1, sent_at: 1, author_id: 'w', kind: 'text', text: '一\n\n二' } as const;
  expect(previewText(t, KNOWN, row({ last }), 'me')).toBe('王芳: 一 二');
  expect(previewText(t, KNOWN, row({ last, kind: 'direct', peer_id: 'w' }), 'me')).toBe('一 二');
  expect(previewText(t, KNOWN, row({ last }), 'w')).toBe('一 二');
  expect(previewText(t, new Map(), row({ last }), 'me'), 'the name is on its way').toBe('一 二');
});

test('a bot is called by the name in its message, and nobody is asked who it is', () => {
  const last = { seq: 1, sent_at: 1, author_id: 'b', kind: 'text', text: '#1\n失败', bot: { name: '构建' } } as const;
  expect(previewText(t, KNOWN, row({ last }), 'me')).toBe('构建: #1 失败');
  expect(previewText(t, new Map(), row({ last }), 'me'), 'at once').toBe('构建: #1 失败');
  expect(peopleOf(row({ last }))).toEqual(['me', 'w', 'l']);
  expect(systemText(t, KNOWN, 'me', 'w', { what: 'bot_added', name: '构建' })).toBe('王芳 添加了机器人“构建”');
  expect(systemText(t, KNOWN, 'me', 'me', { what: 'bot_removed', name: '构建' })).toBe('你 移除了机器人“构建”');
});

test('a preview says what a picture or a file is', () => {
  const last = { seq: 1, sent_at: 1, author_id: 'w', kind: 'file', file_name: '报价.pdf' } as const;
  expect(previewText(t, KNOWN, row({ last }), 'me')).toBe('王芳: [文件] 报价.pdf');
  expect(previewText(t, KNOWN, row({ last: { ...last, kind: 'image' }, kind: 'direct', peer_id: 'w' }), 'me')).toBe('[图片]');
});

test('every address leads back to its place', () => {
  expect(placeOf(paths.chats)).toEqual({ area: 'chats', id: undefined, details: false, dialog: false });
  expect(placeOf(paths.chat('abc'))).toMatchObject({ area: 'chats', id: 'abc', details: false });
  expect(placeOf(paths.details('abc'))).toMatchObject({ area: 'chats', id: 'abc', details: true });
  expect(placeOf(paths.newDiscussion)).toMatchObject({ area: 'chats', id: undefined, dialog: true });
  expect(placeOf(paths.addPeople)).toMatchObject({ area: 'directory', personId: undefined, dialog: true });
  expect(placeOf(paths.credentials)).toMatchObject({ area: 'directory', personId: undefined, page: 'credentials' });
  expect(placeOf(paths.disabled)).toMatchObject({ area: 'directory', personId: undefined, page: 'disabled' });
  expect(placeOf(paths.person('u1'))).toMatchObject({ area: 'directory', personId: 'u1', dialog: false });
  expect(placeOf(paths.sessions)).toEqual({ area: 'me', section: 'sessions' });
  expect(placeOf(paths.admin)).toEqual({ area: 'admin', section: undefined, personId: undefined });
  expect(placeOf(paths.adminAudit)).toEqual({ area: 'admin', section: 'audit', personId: undefined });
  expect(placeOf(paths.adminFailed)).toEqual({ area: 'admin', section: 'failed', personId: undefined });
  expect(placeOf(paths.adminStorage)).toEqual({ area: 'admin', section: 'storage', personId: undefined });
  expect(placeOf(paths.adminPerson('u1'))).toEqual({ area: 'admin', section: 'people', personId: 'u1' });
  for (const path of ['/admin/nothing', '/admin/audit/u1', '/admin/people/u1/more']) expect(placeOf(path).area).toBe('unknown');
  for (const odd of ['/nowhere', '/me/nothing', '/chats/a/b', '/chats/a/details/c', '/directory/a/b']) {
    expect(placeOf(odd)).toEqual({ area: 'unknown' });
  }
});

test('forms know the rules of the server', () => {
  expect(checkText('  ', 30)?.key).toBe('check.required');
  expect(checkText('字'.repeat(31), 30)?.key).toBe('check.too_long');
  expect(checkText('😀'.repeat(30), 30)).toBeUndefined();
  for (const good of ['zhangwei', 'a.b-c_d@e+f', '王芳', 'ａｂ']) expect(checkLogin(good)).toBeUndefined();
  for (const bad of ['a', 'a b', 'a/b', 'x'.repeat(65)]) expect(checkLogin(bad)?.key).toBe('check.login');
  expect(checkPassword('chao-ke-2024', 'zhangwei')).toBeUndefined();
  for (const weak of ['short1', 'onlyletters', '1234567890', `${'x1'.repeat(33)}`]) {
    expect(checkPassword(weak, 'zhangwei')?.key).toBe('check.password');
  }
  expect(checkPassword('Zhangwei88', 'zhangwei88')?.key).toBe('check.password_is_login');
});

test('a picture is made of the end of a Chinese name and the initials of another', () => {
  expect(shortName('欧阳修远')).toBe('修远');
  expect(shortName('王芳', 'xs')).toBe('芳');
  expect(shortName('Anna Schmidt')).toBe('AS');
  expect(shortName('lina')).toBe('LI');
  for (const id of ['a', 'b', '0199zz', '']) {
    expect(colourOf(id)).toBeGreaterThanOrEqual(0);
    expect(colourOf(id)).toBeLessThan(PERSON_COLOURS);
  }
});

test('a badge never grows wide, a device has a name', () => {
  expect([1, 99, 100].map(badgeText)).toEqual(['1', '99', '99+']);
  expect(deviceName('Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0')).toBe('Edge · Windows');
  expect(deviceName('Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1')).toBe('Safari · iOS');
  expect(deviceName('')).toBe('Web');
});

test('a notice is for a conversation with more unread than before, and for no other', () => {
  const before = new Map([
    ['a', 1],
    ['b', 2],
  ]);
  const rows = [
    row({ conversation_id: 'a', unread: 2 }),
    row({ conversation_id: 'b', unread: 2 }),
    row({ conversation_id: 'new', unread: 1 }),
    row({ conversation_id: 'read', unread: 0 }),
  ];
  expect(grown(before, rows).map((one) => one.conversation_id)).toEqual(['a', 'new']);
});
