// What an administrator keeps in order: what failed, what takes room. The server's answers are a story's: on a sound
// server nothing fails, and its files are few.
import type { Page } from '@playwright/test';

import type { Stage } from './stage';
import { BROKEN, seen, type State, type WidthName } from './state';
import { at } from './story';

const MB = 1024 ** 2;
const GB = 1024 ** 3;
const use = (files: number, bytes: number) => ({ files, bytes: Math.round(bytes) });

const letterId = (n: number) => `${1_072 + n}.0`;

/** What failed, its cause a while before it: the first is parked, and two wait behind it. */
const FAILED = [
  { kind: 'conversation.left', code: 'corrupt_row', at: at(1, '21:14'), after_ms: 4_000 },
  { kind: 'message.sent', code: 'waits_behind_another', at: at(1, '21:14'), after_ms: 61_000 },
  { kind: 'conversation.joined', code: 'waits_behind_another', at: at(0, '08:02'), after_ms: 5_400_000 },
  { what: 'job', kind: 'audit.forget', code: 'store_full', home: 'audit:main', at: at(0, '03:30'), after_ms: 4_000 },
  { what: 'effect', kind: 'person.complete', code: 'refused', home: 'login:qianxiaoyu.huadong.xiaoshou', at: at(0, '09:47'), after_ms: 61_000 },
  { what: 'effect', kind: 'contract.renewed', code: 'no_such_kind', home: '', at: at(0, '10:11'), after_ms: 5_400_000 },
];

/** When the cause of each letter was, for the lens. */
export const CAUSES: Record<string, number> = Object.fromEntries(FAILED.map(({ at: when, after_ms }, n) => [letterId(n), when - after_ms]));

function letters(stage: Stage): object[] {
  const parked = { what: 'parked', home: `user:${stage.person('wangfang')}` };
  return FAILED.map(({ after_ms, ...letter }, n) => ({ ...parked, ...letter, letter_id: letterId(n), caused_at: letter.at - after_ms }));
}

const STORAGE = {
  images: use(18_406, 3.1 * GB),
  files: use(2_953, 9.4 * GB),
  uploading: use(3, 88 * MB),
  disk: { store_bytes: 3.4 * GB, free_bytes: 22 * GB, least_bytes: 256 * MB },
  counting: false,
  quota_bytes: 2 * GB,
};

/** Who takes how much: pictures, other files, uploads under way. */
const TAKEN: readonly [login: string, images: number, files: number, uploading: number][] = [
  ['wangfang', 312 * MB, 1_728 * MB, 64 * MB],
  ['abdurishit.memetimin', 140 * MB, 1_730 * MB, 0],
  ['zhangwei', 96 * MB, 1_210 * MB, 0],
  ['alexander.von.hohenstein', 0, 840 * MB, 24 * MB],
  ['chenchen', 611 * MB, 12 * MB, 0],
  ['liuyang', 3.5 * MB, 0, 0],
];

function people(stage: Stage): object[] {
  return TAKEN.map(([login, images, files, uploading]) => ({
    user_id: stage.person(login),
    images: use(images / MB + 1, images),
    files: use(files / MB / 8, files),
    uploading: use(uploading === 0 ? 0 : 1, uploading),
    bytes: images + files + uploading,
  }));
}

async function failed(stage: Stage): Promise<Page> {
  const { wire } = stage.me;
  wire.answer('admin.dead_letter.list', () => ({ items: letters(stage) }));
  return stage.open('/admin/failed');
}

async function storage(stage: Stage, part: object = {}): Promise<Page> {
  const { wire } = stage.me;
  wire.answer('admin.storage.get', () => ({ ...STORAGE, ...part }));
  wire.answer('admin.storage.people', () => ({ items: people(stage), next: 'more' }));
  wire.answer('admin.storage.preview', () => use(7_312, 4.6 * GB));
  return stage.open('/admin/storage');
}

async function shorter(stage: Stage): Promise<Page> {
  const page = await storage(stage);
  await page.getByLabel('图片和文件保留').selectOption('180');
  await seen(page.getByText('7,312'));
  return page;
}

export const UPKEEP_STATES: readonly State[] = [
  {
    name: 'admin-failed',
    main: true,
    show: async (stage) => {
      const page = await failed(stage);
      await seen(page.getByText('涉及 王芳'));
      await page.getByText('后面有 2 项在等它').click();
      return page;
    },
  },
  {
    name: 'admin-failed-stopped',
    show: async (stage) => {
      const page = await failed(stage);
      stage.me.wire.fail('admin.dead_letter.retry', BROKEN);
      await page.getByRole('button', { name: '全部重试' }).click();
      return seen(page.getByRole('alert').filter({ hasText: '第 1 项' }));
    },
  },
  {
    name: 'admin-failed-none',
    show: async (stage) => seen((await stage.open('/admin/failed')).getByText('没有失败的任务')),
  },
  {
    name: 'admin-failed-loading',
    show: async (stage) => {
      stage.me.wire.hold('admin.dead_letter.list');
      return seen((await stage.open('/admin/failed')).getByRole('status', { name: '正在加载' }));
    },
  },
  {
    name: 'admin-failed-error',
    show: async (stage) => {
      stage.me.wire.fail('admin.dead_letter.list', BROKEN);
      return seen((await stage.open('/admin/failed')).getByRole('button', { name: '重试' }));
    },
  },
  {
    name: 'admin-storage',
    main: true,
    show: async (stage) => {
      const expired = { file_days: 365, expired: use(214, 96 * MB), counting: true };
      return seen((await storage(stage, expired)).getByText('214 个文件'));
    },
  },
  {
    name: 'admin-storage-people',
    main: true,
    show: async (stage) => {
      const page = await storage(stage);
      await page.getByTestId('storage-person').last().scrollIntoViewIfNeeded();
      return seen(page.getByText('已满'));
    },
  },
  {
    name: 'admin-storage-shorter',
    show: shorter,
  },
  {
    name: 'admin-storage-delete',
    show: async (stage) => {
      const page = await shorter(stage);
      await page.getByRole('button', { name: '保存' }).click();
      return seen(page.getByRole('dialog').getByText('不能恢复'));
    },
  },
  {
    name: 'admin-storage-none',
    show: async (stage) => {
      const { wire } = stage.me;
      wire.answer('admin.storage.get', () => ({ images: use(0, 0), files: use(0, 0), uploading: use(0, 0), counting: false }));
      wire.answer('admin.storage.people', () => ({ items: [] }));
      return seen((await stage.open('/admin/storage')).getByText('还没有人发送图片和文件'));
    },
  },
  {
    name: 'admin-storage-loading',
    show: async (stage) => {
      stage.me.wire.hold('admin.storage.get');
      return seen((await stage.open('/admin/storage')).getByRole('status', { name: '正在加载' }));
    },
  },
  {
    name: 'admin-storage-error',
    show: async (stage) => {
      stage.me.wire.fail('admin.storage.get', BROKEN);
      return seen((await stage.open('/admin/storage')).getByRole('button', { name: '重试' }));
    },
  },
];

/** What one sees on each picture, looked at by a person. */
export const UPKEEP_CRITIQUES: Record<string, Partial<Record<WidthName, string>>> = {
  'admin-failed': {
    phone: 'What, how it stands, when, and a button a finger high; what waits is folded in below its cause. The codes are for the log and small.',
    desk: 'One column of readable width, the buttons under each other. What the two kinds of giving up mean is said in every row.',
  },
  'admin-failed-stopped': {
    phone: 'Says where it stopped and why, beside the button that goes on; the list moves down by two lines for it.',
    desk: 'One red line under the button. Which row it was is told by its number only.',
  },
  'admin-failed-none': {
    phone: 'One sentence that all is well, and what would stand here.',
    desk: 'The same in the middle of the column.',
  },
  'admin-failed-loading': {
    phone: 'Grey rows where the list will stand.',
    desk: 'The same; the blocks at the left are no part of the rows that come.',
  },
  'admin-failed-error': {
    phone: 'What, why, and one way on.',
    desk: 'The same; the menu beside it goes on.',
  },
  'admin-storage': {
    phone: 'One number, one bar, and its parts in words; the first decision is on the same screen.',
    desk: 'The disk at one look, decisions below, people last because they are many. The two fields could stand side by side.',
  },
  'admin-storage-people': {
    phone: 'The bar says who, the second line of what; amber only where somebody will soon be refused. A long name is cut by its mark.',
    desk: 'Bars of one length make the people comparable; without a quota they stand beside the largest.',
  },
  'admin-storage-shorter': {
    phone: 'What would go is said in the place of the help, in amber, before one saves; nothing moves.',
    desk: 'The same. Whose files they are is not said.',
  },
  'admin-storage-delete': {
    phone: 'How many, how much, until when, and what stays; red, since nothing brings it back.',
    desk: 'The same in a small dialog, the safe choice has the focus.',
  },
  'admin-storage-none': {
    phone: 'Zeros and an empty bar; the decisions can be made before the first file.',
    desk: 'The same; without a disk of the server only uploads are counted.',
  },
  'admin-storage-loading': {
    phone: 'Grey rows; the bar and the number have no shape of their own yet.',
    desk: 'The same in the column.',
  },
  'admin-storage-error': {
    phone: 'What, why, and one way on.',
    desk: 'The same in the middle of the column.',
  },
};
