// Colleagues: to find, to see, to add, to choose.
import type { Page } from '@playwright/test';

import { PASSWORD } from '../world';
import type { Stage } from './stage';
import { BROKEN, seen, type State } from './state';
import { ME } from './story';

const openAdding = async (stage: Stage) => {
  const page = await stage.open('/directory/add');
  return seen(page.getByRole('dialog').getByLabel('姓名'));
};

/** Whose accounts are disabled for a while: one with a usual name, one with a long one. */
const LEFT = 'liuyang';
const LONG = 'alexander.von.hohenstein';

const openDisabling = async (stage: Stage) => {
  const page = await stage.open(`/directory/${stage.person(LEFT)}`);
  await page.getByRole('button', { name: '停用帐号' }).click();
  return seen(page.getByRole('dialog').getByLabel('停用原因'));
};

async function disable(stage: Stage, login: string): Promise<void> {
  const reason = login === LEFT ? '已离职' : '项目结束，合作期满后由对方公司接手，需要时再启用';
  await stage.admin.patiently('space.disable_member', { user_id: stage.real(login), reason });
}

async function enable(stage: Stage, login: string): Promise<void> {
  await stage.admin.patiently('space.enable_member', { user_id: stage.real(login) });
}

export const PEOPLE_STATES: readonly State[] = [
  {
    name: 'directory',
    main: true,
    show: async (stage) => seen((await stage.open('/directory')).getByText(/共 \d+ 人/)),
  },
  {
    name: 'directory-search',
    show: async (stage) => {
      const page = await stage.open('/directory');
      await page.getByLabel('搜索姓名、拼音或帐号').fill('zh');
      return seen(page.getByRole('link', { name: /赵敏/ }));
    },
  },
  {
    name: 'directory-no-match',
    show: async (stage) => {
      const page = await stage.open('/directory');
      await page.getByLabel('搜索姓名、拼音或帐号').fill('诸葛亮');
      return seen(page.getByText('没有找到“诸葛亮”'));
    },
  },
  {
    name: 'directory-loading',
    show: async (stage) => {
      stage.me.wire.hold('space.members');
      return seen((await stage.open('/directory')).getByRole('status', { name: '正在加载' }));
    },
  },
  {
    name: 'directory-error',
    show: async (stage) => {
      stage.me.wire.fail('space.members', BROKEN);
      return seen((await stage.open('/directory')).getByRole('button', { name: '重试' }));
    },
  },
  {
    name: 'directory-alone',
    show: async (stage) => {
      const server = await stage.bare();
      const { page } = await stage.visitor();
      await page.goto(await server.setupLink());
      await page.getByLabel('公司名称').fill('小店');
      await page.getByLabel('姓名').fill(ME.name);
      await page.getByLabel('帐号').fill(ME.login);
      await page.getByLabel('密码', { exact: true }).fill(PASSWORD);
      await page.getByRole('button', { name: '创建公司' }).click();
      await seen(page.getByText('还没有会话'));
      await page.goto(`${server.url}/directory`);
      return seen(page.getByText('通讯录里还没有其他同事'));
    },
  },
  {
    name: 'person',
    main: true,
    show: async (stage) =>
      seen((await stage.open(`/directory/${stage.person('wangfang')}`)).getByRole('button', { name: '发消息' })),
  },
  {
    name: 'person-long',
    show: async (stage) =>
      seen(
        (await stage.open(`/directory/${stage.person('alexander.von.hohenstein')}`)).getByRole('button', {
          name: '发消息',
        }),
      ),
  },
  {
    name: 'person-self',
    show: async (stage) => seen((await stage.open(`/directory/${stage.person(ME.login)}`)).getByText('这是你自己')),
  },
  {
    name: 'person-loading',
    show: async (stage) => {
      for (const method of ['directory.get', 'space.members']) stage.me.wire.hold(method);
      const page = await stage.open(`/directory/${stage.person('wangfang')}`);
      return seen(page.getByRole('main').getByRole('status', { name: '正在加载' }));
    },
  },
  {
    name: 'person-error',
    show: async (stage) => {
      stage.me.wire.hold('space.members');
      stage.me.wire.fail('directory.get', BROKEN);
      return seen((await stage.open(`/directory/${stage.person('wangfang')}`)).getByText('资料没有加载出来'));
    },
  },
  {
    name: 'person-nobody',
    show: async (stage) => seen((await stage.open(`/directory/${'0'.repeat(26)}`)).getByText('没有这位同事')),
  },
  {
    name: 'person-reset',
    show: async (stage) => {
      const page = await stage.open(`/directory/${stage.person('liuyang')}`);
      await page.getByRole('button', { name: '重置密码' }).click();
      return seen(page.getByText('会得到一个新的一次性密码，原密码立即失效。'));
    },
  },
  {
    name: 'person-disabling',
    show: async (stage) => seen((await openDisabling(stage)).getByRole('dialog').getByLabel('停用原因')),
  },
  {
    name: 'person-disabling-errors',
    show: async (stage) => {
      const page = await openDisabling(stage);
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('button', { name: '停用帐号' }).click();
      return seen(dialog.getByText('请填写'));
    },
  },
  {
    name: 'person-disabled',
    show: async (stage) => {
      await disable(stage, LEFT);
      return seen((await stage.open(`/directory/${stage.person(LEFT)}`)).getByRole('button', { name: '启用帐号' }));
    },
    undo: (stage) => enable(stage, LEFT),
  },
  {
    name: 'disabled-accounts',
    main: true,
    show: async (stage) => {
      await disable(stage, LEFT);
      await disable(stage, LONG);
      return seen((await stage.open('/directory/disabled')).getByRole('button', { name: '启用帐号' }));
    },
    undo: async (stage) => {
      await enable(stage, LEFT);
      await enable(stage, LONG);
    },
  },
  {
    name: 'disabled-accounts-none',
    show: async (stage) => seen((await stage.open('/directory/disabled')).getByText('没有停用的帐号')),
  },
  {
    name: 'disabled-accounts-loading',
    show: async (stage) => {
      stage.me.wire.hold('space.disabled_members');
      const page = await stage.open('/directory/disabled');
      return seen(page.getByRole('main').getByRole('status', { name: '正在加载' }));
    },
  },
  {
    name: 'disabled-accounts-error',
    show: async (stage) => {
      stage.me.wire.fail('space.disabled_members', BROKEN);
      return seen((await stage.open('/directory/disabled')).getByRole('button', { name: '重试' }));
    },
  },
  { name: 'add-one', main: true, show: openAdding },
  {
    name: 'add-one-errors',
    show: async (stage) => {
      const page = await openAdding(stage);
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('帐号').fill('王 芳');
      await dialog.getByRole('button', { name: '添加', exact: true }).click();
      return seen(dialog.getByText('请填写'));
    },
  },
  {
    name: 'add-one-taken',
    show: async (stage) => {
      const page = await openAdding(stage);
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('姓名').fill('王芳');
      await dialog.getByLabel('帐号').fill('wangfang');
      await dialog.getByRole('button', { name: '添加', exact: true }).click();
      return seen(dialog.getByText('已被使用').or(dialog.getByText('已存在')));
    },
  },
  {
    name: 'add-one-failed',
    show: async (stage) => {
      const page = await openAdding(stage);
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('姓名').fill('许晴川');
      await dialog.getByLabel('帐号').fill('xuqingchuan');
      stage.me.wire.fail('space.add_member', BROKEN);
      await dialog.getByRole('button', { name: '添加', exact: true }).click();
      return seen(dialog.getByText('编号 7k2m9q'));
    },
  },
  {
    name: 'add-many-failed',
    show: async (stage) => {
      const page = await openAdding(stage);
      await page.getByText('批量添加').click();
      await page.getByLabel('粘贴名单').fill(NEW_PEOPLE);
      stage.me.wire.fail('space.add_members', BROKEN);
      await page.getByRole('button', { name: '全部添加' }).click();
      return seen(page.getByText('编号 7k2m9q'));
    },
  },
  {
    name: 'add-many',
    show: async (stage) => {
      const page = await openAdding(stage);
      await page.getByText('批量添加').click();
      await page.getByLabel('粘贴名单').fill(NEW_PEOPLE);
      return seen(page.getByText('5 行', { exact: true }));
    },
  },
  {
    name: 'credentials-many',
    main: true,
    show: async (stage) => {
      const page = await openAdding(stage);
      await page.getByText('批量添加').click();
      await page.getByLabel('粘贴名单').fill(NEW_PEOPLE);
      await page.getByRole('button', { name: '全部添加' }).click();
      return hideSecrets(await seen(page.getByText('已添加 3 人')));
    },
  },
  {
    name: 'credentials-one',
    show: async (stage) => {
      const page = await openAdding(stage);
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('姓名').fill('许晴');
      await dialog.getByLabel('帐号').fill('xuqing');
      await dialog.getByRole('button', { name: '添加', exact: true }).click();
      return hideSecrets(await seen(page.getByText('许晴 已添加')));
    },
  },
  {
    name: 'add-no-right',
    show: async (stage) =>
      seen((await stage.open('/directory/add', stage.other)).getByText('只有管理员可以添加同事')),
  },
  {
    name: 'new-discussion',
    show: async (stage) => seen((await stage.open('/chats/new')).getByRole('dialog').getByRole('checkbox')),
  },
  {
    name: 'new-discussion-chosen',
    show: async (stage) => {
      const page = await stage.open('/chats/new');
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('讨论名称（可不填）').fill('苏州精工投标小组');
      for (const [query, name] of [
        ['wang', '王芳'],
        ['alex', 'Alexander von Hohenstein'],
        ['阿卜', '阿卜杜热西提·买买提明'],
        ['s', '孙磊'],
      ] as const) {
        await dialog.getByLabel('搜索姓名、拼音或帐号').fill(query);
        await dialog.getByRole('checkbox', { name }).check();
      }
      return seen(dialog.getByText('已选 4 人'));
    },
  },
  {
    name: 'switcher',
    show: async (stage) => {
      const page = await stage.open('/chats');
      await page.getByRole('button', { name: '搜索' }).click();
      return seen(page.getByRole('option'));
    },
  },
  {
    name: 'switcher-loading',
    show: async (stage) => {
      stage.me.wire.hold('conversation.list');
      const page = await stage.open('/chats');
      await page.getByRole('button', { name: '搜索' }).click();
      return seen(page.getByRole('dialog').getByRole('status', { name: '正在加载' }));
    },
  },
  {
    name: 'switcher-search',
    main: true,
    show: async (stage) => {
      const page = await stage.open('/chats');
      await page.getByRole('button', { name: '搜索' }).click();
      await page.getByRole('combobox').fill('ch');
      // From the server, after those that the page knew.
      return seen(page.getByRole('option', { name: /程建军/ }));
    },
  },
  {
    name: 'switcher-none',
    show: async (stage) => {
      const page = await stage.open('/chats');
      await page.getByRole('button', { name: '搜索' }).click();
      await page.getByRole('combobox').fill('诸葛亮');
      return seen(page.getByText('没有找到'));
    },
  },
];

const NEW_PEOPLE = [
  '许晴川\txuqingchuan',
  '沈默\tshenmo',
  '慕容秋白\tmurong.qiubai',
  '王芳\twangfang',
  '没有帐号',
].join('\n');

/** One-time passwords and the port are other ones each time; what stands there has the same length. */
async function hideSecrets(page: Page): Promise<Page> {
  await page.getByTestId('credential').evaluateAll((all) => {
    for (const [index, one] of all.entries()) {
      one.textContent = `${'k7m2q9x4w8'.slice(index)}tb3v6n1rz5hd0c8e`.padEnd(26, 'j');
    }
  });
  await page.getByText('127.0.0.1').evaluateAll((all) => {
    for (const one of all) one.textContent = (one.textContent ?? '').replace(/127\.0\.0\.1:\d+/, '192.168.1.20:8080');
  });
  return page;
}
