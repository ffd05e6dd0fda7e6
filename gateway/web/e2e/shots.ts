// `make shots`: the screens of the README, at both widths and in both themes, into docs/screenshots.
// Looked at by people; nothing compares them.
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';

import { Api } from './api';
import { createDiscussion, goTo, openChatWith, say, sees } from './screens';
import { PASSWORD, test } from './world';

/** What stands in the list beside the chat that is looked at. */
const OTHERS = [
  ['陈晨', 'chenchen', '周五的拜访路线我排好了，你看一下'],
  ['刘洋', 'liuyang', '发票已经寄出，单号晚点发你'],
  ['赵敏', 'zhaomin', '收到，谢谢！'],
  ['欧阳静', 'ouyangjing', '新同事明天九点到，我去接'],
] as const;

const FOLDER = resolve(dirname(fileURLToPath(import.meta.url)), '../../../docs/screenshots');
const WIDTHS = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 800 } };

for (const [width, viewport] of Object.entries(WIDTHS)) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test.describe(`${width} ${colorScheme}`, () => {
      test.use({ viewport, colorScheme, hasTouch: width === 'phone' });

      test('screens of a small company', async ({ server, company, people }) => {
        const shoot = async (page: Page, screen: string) => {
          // What the mouse happens to point at must not show its acts.
          await page.mouse.move(0, 0);
          await page.screenshot({ path: `${FOLDER}/${screen}-${width}-${colorScheme}.png`, animations: 'disabled' });
        };

        const stranger = await people.stranger();
        await stranger.goto(server.url);
        await stranger.getByRole('button', { name: '登录', exact: true }).waitFor();
        await shoot(stranger, 'sign-in');

        for (const [name, login, text] of OTHERS) {
          await company.api.addColleague(name, login, PASSWORD);
          const theirs = new Api(server);
          await theirs.signIn(login, PASSWORD);
          const peer_id = company.admin.user_id;
          const chat = await theirs.call<{ conversation_id: string }>('conversation.open_direct', { user_id: peer_id });
          const { conversation_id } = chat;
          await theirs.call('message.send', { conversation_id, peer_id, client_msg_id: login, text });
        }
        const boss = await people.signedIn(company.admin);
        const wang = await people.signedIn(company.wang);
        await createDiscussion(boss, '华东区新客户', [company.wang.name, company.li.name]);
        await say(boss, '今天下午三点，和恒通的会改到线上，大家准备一下报价。');
        await openChatWith(boss, company.wang.name);
        for (const [page, text] of [
          [boss, '恒通那边的合同谈得怎么样了？'],
          [wang, '谈好了，价格按我们上周定的。\n对方希望分两次付款，首付 60%。'],
        ] as const) {
          if (page === wang) await openChatWith(wang, company.admin.name);
          await say(page, text);
          await sees(boss, text.split('\n')[0]!);
        }
        await say(boss, '可以，法务今天能看完吗？');
        await sees(wang, '法务今天能看完吗');
        await say(wang, '已经发给李娜了，下班前给结果。');
        await sees(boss, '下班前给结果');
        await shoot(boss, 'chat');
        await goTo(boss, '会话');
        await shoot(boss, 'conversations');
        await goTo(boss, '通讯录');
        await shoot(boss, 'directory');
        await goTo(boss, '我');
        await shoot(boss, 'me');
      });
    });
  }
}
