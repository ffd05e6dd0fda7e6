// Before one is in.
import { signIn } from '../screens';
import { PASSWORD } from '../world';
import { BROKEN, seen, type State } from './state';
import { COMPANY, ME, NOW } from './story';

const API = '**/api/**';
/** What the frame loads only when somebody goes there. */
const LATER = '**/assets/MeScreen*.js';

export const DOOR: readonly State[] = [
  {
    name: 'sign-in',
    main: true,
    show: async (stage) => {
      const { page } = await stage.visitor();
      await page.goto(stage.server.url);
      return seen(page.getByRole('button', { name: '登录', exact: true }));
    },
  },
  {
    name: 'sign-in-error',
    show: async (stage) => {
      const { page } = await stage.visitor();
      await page.goto(stage.server.url);
      await signIn(page, 'qianxiaoyu', 'not-the-password-1');
      return seen(page.getByText('帐号或密码不正确'));
    },
  },
  {
    name: 'sign-in-failed',
    show: async (stage) => {
      const { page, wire } = await stage.visitor();
      await page.goto(stage.server.url);
      wire.fail('session.sign_in', BROKEN);
      await signIn(page, 'qianxiaoyu', PASSWORD);
      return seen(page.getByText('编号 7k2m9q'));
    },
  },
  {
    name: 'sign-in-expired',
    show: async (stage) => {
      const { page } = await stage.seat('lina');
      const { items } = await stage
        .voice('lina')
        .patiently<{ items: { session_id: string; current: boolean }[] }>('session.list', {});
      for (const { session_id, current } of items) {
        if (!current) await stage.voice('lina').patiently('session.revoke', { session_id });
      }
      return seen(page.getByText('登录已过期'));
    },
  },
  {
    name: 'first-password',
    show: async (stage) => {
      const added = await stage.admin.patiently<{ credential: string }>('space.reset_credential', {
        user_id: stage.real('songjia'),
      });
      const { page } = await stage.visitor();
      await page.goto(stage.server.url);
      await signIn(page, 'songjia', added.credential);
      return seen(page.getByRole('button', { name: '保存并进入' }));
    },
  },
  {
    name: 'first-password-errors',
    show: async (stage) => {
      const added = await stage.admin.patiently<{ credential: string }>('space.reset_credential', {
        user_id: stage.real('songjia'),
      });
      const { page } = await stage.visitor();
      await page.goto(stage.server.url);
      await signIn(page, 'songjia', added.credential);
      await page.getByLabel('新密码').fill('onlyletters');
      await page.getByLabel('再输一次').fill('onlyletter');
      await page.getByRole('button', { name: '保存并进入' }).click();
      return seen(page.getByText('两次输入不一样'));
    },
  },
  {
    name: 'no-company',
    show: async (stage) => {
      const { page } = await stage.visitor();
      await page.goto((await stage.bare()).url);
      return seen(page.getByText('这台服务器还没有公司'));
    },
  },
  {
    name: 'setup',
    main: true,
    show: async (stage) => {
      const { page } = await stage.visitor();
      await page.goto(await (await stage.bare()).setupLink());
      return seen(page.getByRole('button', { name: '创建公司' }));
    },
  },
  {
    name: 'setup-errors',
    show: async (stage) => {
      const { page } = await stage.visitor();
      await page.goto(await (await stage.bare()).setupLink());
      await page.getByLabel('公司名称').fill(COMPANY);
      await page.getByLabel('帐号').fill('张伟');
      await page.getByLabel('密码', { exact: true }).fill('short');
      await page.getByRole('button', { name: '创建公司' }).click();
      return seen(page.getByText('请填写'));
    },
  },
  {
    name: 'setup-no-token',
    show: async (stage) => {
      const { page } = await stage.visitor();
      await page.goto(`${(await stage.bare()).url}/setup`);
      return seen(page.getByText('这个链接不完整'));
    },
  },
  {
    name: 'setup-done',
    show: async (stage) => {
      const { page } = await stage.visitor();
      await page.goto(`${stage.server.url}/setup#used`);
      return seen(page.getByText('公司已经创建'));
    },
  },
  {
    name: 'starting',
    show: async (stage) => {
      const { page } = stage.me;
      stage.me.wire.hold('session.refresh');
      await page.goto('about:blank');
      await page.goto(`${stage.server.url}/chats`);
      return seen(page.getByText('正在打开…'));
    },
  },
  {
    // A part of the client that the server does not have any more.
    name: 'fault',
    show: async (stage) => {
      await stage.me.page.route(LATER, (route) => route.abort());
      return seen((await stage.open('/me/sessions')).getByText('这个页面出了点问题'));
    },
    undo: (stage) => stage.me.page.unroute(LATER),
  },
  {
    name: 'server-away',
    show: async (stage) => {
      await stage.me.page.route(API, (route) => route.abort());
      return seen((await stage.open('/chats')).getByText('连接不上服务器'));
    },
    undo: (stage) => stage.me.page.unroute(API),
  },
  {
    name: 'clock-wrong',
    show: async (stage) => {
      const { page } = await stage.seat(ME.login, PASSWORD, NOW - 3 * 60 * 60_000);
      return seen(page.getByText('这台设备的时间不准'));
    },
  },
  {
    name: 'plain-http',
    show: async (stage) => {
      const { page } = await stage.visitor();
      await page.goto(stage.server.url.replace('127.0.0.1', 'chaoke.test'));
      await signIn(page, 'sunlei', PASSWORD);
      await seen(page.getByTestId('conversation').filter({ hasText: '张伟' }));
      return seen(page.getByText('此网址不是 HTTPS'));
    },
  },
  {
    name: 'storage-refused',
    show: async (stage) => {
      const { page } = await stage.visitor();
      await page.addInitScript(() => {
        IDBFactory.prototype.open = () => {
          throw new DOMException('denied', 'SecurityError');
        };
      });
      await page.goto(stage.server.url);
      await signIn(page, ME.login, PASSWORD);
      await seen(page.getByTestId('conversation'));
      return seen(page.getByText('浏览器不允许本机存储'));
    },
  },
];
