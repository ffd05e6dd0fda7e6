// Oneself, and what happens to the connection.
import type { Page } from '@playwright/test';

import { sees } from '../screens';
import type { Stage } from './stage';
import { BROKEN, seen, type State } from './state';

async function goesOffline(page: Page): Promise<Page> {
  await page.context().setOffline(true);
  return seen(page.getByText('网络已断开'));
}

const online = (stage: Stage) => stage.me.page.context().setOffline(false);

export const ME_STATES: readonly State[] = [
  {
    name: 'me',
    main: true,
    show: async (stage) => seen((await stage.open('/me')).getByRole('button', { name: '退出登录' })),
  },
  {
    name: 'profile',
    on: 'phone',
    show: async (stage) => seen((await stage.open('/me/profile')).getByText('管理员')),
  },
  {
    name: 'sessions',
    main: true,
    show: async (stage) => seen((await stage.open('/me/sessions')).getByText('当前设备')),
  },
  {
    name: 'sessions-one',
    show: async (stage) => {
      await stage.voice('chenchen').patiently('session.revoke_others', {});
      const page = await stage.open('/me/sessions', await stage.seat('chenchen'));
      await page.getByRole('button', { name: '退出其他所有设备' }).click();
      return seen(page.getByText('只有这一台设备登录了你的帐号。'));
    },
  },
  {
    name: 'sessions-loading',
    show: async (stage) => {
      stage.me.wire.hold('session.list');
      return seen((await stage.open('/me/sessions')).getByRole('status', { name: '正在加载' }));
    },
  },
  {
    name: 'sessions-error',
    show: async (stage) => {
      stage.me.wire.fail('session.list', BROKEN);
      return seen((await stage.open('/me/sessions')).getByRole('button', { name: '重试' }));
    },
  },
  {
    name: 'password',
    show: async (stage) => seen((await stage.open('/me/password')).getByLabel('再输一次')),
  },
  {
    name: 'password-errors',
    show: async (stage) => {
      const page = await stage.open('/me/password');
      await page.getByLabel('当前密码').fill('not-mine-2024');
      await page.getByLabel('新密码').fill('another-one-2026');
      await page.getByLabel('再输一次').fill('another-one-2026');
      await page.getByRole('button', { name: '保存' }).click();
      return seen(page.getByText('当前密码不正确'));
    },
  },
  {
    name: 'preferences',
    main: true,
    show: async (stage) => seen((await stage.open('/me/preferences')).getByText('提示音')),
  },
  {
    name: 'sign-out',
    show: async (stage) => {
      const page = await stage.open('/me');
      await page.getByRole('button', { name: '退出登录' }).click();
      return seen(page.getByText('草稿和未发出的消息保留在这台设备上'));
    },
  },
  {
    name: 'english',
    show: async (stage) => {
      const page = await stage.open('/me/preferences');
      await page.getByText('English').click();
      await stage.open(`/chats/${stage.chat('wangfang')}/details`);
      return seen(page.getByText('Conversation details'));
    },
    undo: async (stage) => {
      const page = await stage.open('/me/preferences');
      await page.getByText('中文').click();
    },
  },
  {
    name: 'toast',
    show: async (stage) => {
      const page = await stage.open('/me/sessions');
      await page.getByRole('button', { name: '退出该设备' }).first().click();
      return seen(page.getByText('已退出', { exact: true }));
    },
  },
  {
    name: 'offline',
    main: true,
    show: async (stage) => {
      const page = await stage.open(`/chats/${stage.chat('wangfang')}`);
      await sees(page, '签下来请大家吃饭');
      await page.context().setOffline(true);
      return seen(page.getByText('网络已断开'));
    },
    undo: async (stage) => stage.me.page.context().setOffline(false),
  },
  {
    name: 'offline-list',
    show: async (stage) => {
      const page = await stage.open('/chats');
      await seen(page.getByTestId('online'));
      return goesOffline(page);
    },
    undo: online,
  },
  {
    name: 'offline-directory',
    show: async (stage) => {
      const page = await stage.open('/directory');
      await seen(page.getByText(/共 \d+ 人/));
      await seen(page.getByLabel(/条未读/));
      await goesOffline(page);
      // The server, which knows pinyin, is not asked; what is here is searched.
      await page.getByLabel('搜索姓名、拼音或帐号').fill('王');
      return seen(page.getByRole('link', { name: /王芳/ }));
    },
    undo: online,
  },
  {
    name: 'offline-sessions',
    show: async (stage) => {
      // What one has not opened yet comes by itself after a while, and is there without the server then.
      const part = stage.me.page.waitForResponse(/MeScreen/);
      const page = await stage.open('/me');
      await part;
      await goesOffline(page);
      await page.getByRole('link', { name: /登录设备/ }).click();
      return seen(page.getByText('没有连上服务器'));
    },
    undo: online,
  },
  {
    name: 'offline-form',
    show: async (stage) => {
      const page = await stage.open('/me/password');
      await seen(page.getByLabel('当前密码'));
      await goesOffline(page);
      await page.getByLabel('当前密码').fill('chao-ke-2024');
      await page.getByLabel('新密码').fill('another-one-2026');
      await page.getByLabel('再输一次').fill('another-one-2026');
      await page.getByRole('button', { name: '保存' }).click();
      return seen(page.getByText('没有连上服务器'));
    },
    undo: online,
  },
  {
    name: 'origin-refused',
    show: async (stage) => {
      const page = await stage.open('/chats');
      await seen(page.getByTestId('online'));
      await stage.me.wire.cut(4403);
      return seen(page.getByText('服务器不接受来自这个网址的连接'));
    },
  },
  {
    name: 'displaced',
    show: async (stage) => {
      const page = await stage.open(`/chats/${stage.chat('wangfang')}`);
      await sees(page, '签下来请大家吃饭');
      await stage.me.wire.cut(4409);
      return seen(page.getByText('你在太多设备上打开了超客'));
    },
  },
  {
    // The last: the server does not come back.
    name: 'reconnecting',
    show: async (stage, width) => {
      const page = await stage.open(`/chats/${stage.chat('wangfang')}`);
      await sees(page, '签下来请大家吃饭');
      await seen(page.getByRole('heading', { name: '王芳' }));
      if (width === 'desk') await seen(page.getByTestId('conversation').filter({ hasText: '孙磊' }));
      await stage.server.kill();
      return seen(page.getByText('正在重新连接…'));
    },
  },
];
