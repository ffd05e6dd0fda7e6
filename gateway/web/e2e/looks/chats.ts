// Conversations and what is said in them. The order counts: an open chat is read, and a read one has no line.
import { choose, composer, openDetails, said, say, sees } from '../screens';
import type { Page } from '@playwright/test';

import { expect } from '../world';
import type { Stage } from './stage';
import { BROKEN, FULL, seen, type State } from './state';
import { LONG_TEXT, ME, NOW, TRADE, tradeTitle, UNSENT } from './story';

const openChat = async (stage: Stage, key: string, text: string) => {
  const page = await stage.open(`/chats/${stage.chat(key)}`);
  await sees(page, text);
  return page;
};

const openTrade = async (stage: Stage) => {
  const seat = await stage.busy();
  const page = await stage.open(`/chats/${stage.chat(TRADE.title)}`, seat);
  await seen(page.getByTestId('message'));
  // What older pages come to is known: nothing asks for them by itself.
  return page;
};

/** As many as may wait, as an earlier page left them. */
async function fillOutbox(page: Page, user_id: string, conversation_id: string, peer_id: string): Promise<void> {
  const made = { user_id, conversation_id, peer_id, state: 'waiting', attempts: 0 };
  await page.evaluate(
    ([made, text, now]) =>
      new Promise<void>((done, failed) => {
        const opening = indexedDB.open('chaoke');
        opening.addEventListener('error', () => failed(opening.error));
        opening.addEventListener('success', () => {
          const writing = opening.result.transaction('outbox', 'readwrite');
          for (let n = 0; n < 500; n += 1) {
            const id = `full${String(n).padStart(22, '0')}`;
            writing.objectStore('outbox').put({ ...made, client_msg_id: id, text: `${text} ${n}`, created_at: now + n });
          }
          writing.addEventListener('complete', () => {
            opening.result.close();
            done();
          });
        });
      }),
    [made, UNSENT, NOW - 600_000] as const,
  );
}

const GONE = { ...BROKEN, status: 404, class: 'not_found', code: 'not_found' };
const NO_ROOM = { ...FULL, code: 'storage_full' };

/** Longer than the first part of it. */
const CONTRACT = { name: '苏州精工设备采购合同（含技术附件，双方盖章扫描件）.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(700_000, 1) };
const PROGRAM = { name: '打印机驱动.exe', mimeType: 'application/octet-stream', buffer: Buffer.from('MZ') };
const SHEET = { name: '三月排产计划.xlsx', mimeType: 'application/octet-stream', buffer: Buffer.alloc(48_213, 1) };

const openFiles = async (stage: Stage) => {
  const page = await stage.open(`/chats/${stage.chat('liuyang')}`);
  await seen(page.getByRole('button', { name: /下载文件 盖章合同\.pdf/ }));
  return page;
};

/** With its pictures. */
const openPictures = async (stage: Stage) => {
  const page = await openFiles(stage);
  const pictures = said(page).getByRole('img');
  await expect(pictures).toHaveCount(2);
  const loaded = (all: Element[]) => all.every((one) => (one as HTMLImageElement).naturalWidth > 0);
  await expect.poll(() => pictures.evaluateAll(loaded)).toBe(true);
  return page;
};

/** Runs in the page: a file is dragged over the conversation until it is left. */
function drag(): void {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File(['1'], '1.csv'));
  const over = () =>
    document
      .querySelector('[data-testid=history]')
      ?.dispatchEvent(new DragEvent('dragover', { dataTransfer, bubbles: true, cancelable: true }));
  setInterval(over, 200);
}

export const CHATS: readonly State[] = [
  {
    name: 'conversations',
    main: true,
    show: async (stage) => {
      const page = await stage.open('/chats');
      await seen(page.getByTestId('online'));
      return seen(page.getByText('[草稿]'));
    },
  },
  {
    name: 'conversations-empty',
    show: async (stage) => {
      const { credential } = await stage.admin.patiently<{ credential: string }>('space.reset_credential', {
        user_id: stage.real('tangshi'),
      });
      const { page } = await stage.visitor();
      await page.goto(stage.server.url);
      await page.getByLabel('帐号').fill('tangshi');
      await page.getByLabel('密码', { exact: true }).fill(credential);
      await page.getByRole('button', { name: '登录', exact: true }).click();
      await page.getByLabel('新密码').fill('tang-shi-2026');
      await page.getByLabel('再输一次').fill('tang-shi-2026');
      await page.getByRole('button', { name: '保存并进入' }).click();
      return seen(page.getByText('还没有会话'));
    },
  },
  {
    name: 'conversations-one',
    show: async (stage) => {
      const { page } = await stage.newcomer('xuman', 'xu-man-2026');
      await stage.voice('ouyangjing').patiently('message.send', {
        ...(await stage.direct('ouyangjing', 'xuman')),
        text: '欢迎加入！工位在三楼靠窗，电脑已经装好',
        client_msg_id: 'welcome',
      });
      return seen(page.getByText('欢迎加入！'));
    },
  },
  {
    name: 'conversations-many',
    dear: true,
    show: async (stage) => {
      const page = await stage.open('/chats', await stage.busy());
      await seen(page.getByText(tradeTitle(0)));
      // In the midst of them.
      await page.getByRole('navigation', { name: '会话列表' }).locator('> *').last().evaluate((list) => list.scrollTo(0, 2_000));
      return seen(page.getByText(tradeTitle(30)));
    },
  },
  {
    name: 'conversations-loading',
    show: async (stage) => {
      stage.me.wire.hold('conversation.list');
      const page = await stage.open('/chats');
      return seen(page.getByRole('status', { name: '正在加载' }));
    },
  },
  {
    name: 'conversations-error',
    show: async (stage) => {
      stage.me.wire.fail('conversation.list', BROKEN);
      const page = await stage.open('/chats');
      return seen(page.getByRole('button', { name: '重试' }));
    },
  },
  {
    name: 'conversations-error-details',
    show: async (stage) => {
      stage.me.wire.fail('conversation.list', FULL);
      const page = await stage.open('/chats');
      return seen(page.getByText('unavailable · store_full'));
    },
  },
  {
    name: 'chat-unread',
    main: true,
    show: async (stage) => {
      const page = await stage.open(`/chats/${stage.chat('east')}`);
      return seen(page.getByTestId('unread-line'));
    },
  },
  {
    name: 'chat',
    main: true,
    show: async (stage) => {
      const page = await openChat(stage, 'wangfang', '签下来请大家吃饭');
      return seen(page.getByText('未读', { exact: true }));
    },
  },
  {
    name: 'chat-long',
    show: async (stage) => {
      const page = await openChat(stage, 'east', '报价单最新版');
      await stage.says(ME.login, 'east', LONG_TEXT);
      return seen(page.getByText('需要总经理书面确认').nth(1));
    },
  },
  {
    name: 'chat-scrolled',
    show: async (stage) => {
      const page = await openChat(stage, 'east', '报价单最新版');
      await page.getByTestId('history').evaluate((list) => list.scrollTo({ top: 0 }));
      return seen(page.getByRole('button', { name: '回到最新' }));
    },
  },
  {
    name: 'chat-older-loading',
    dear: true,
    show: async (stage) => {
      const seat = await stage.busy();
      const page = await openTrade(stage);
      seat.wire.hold('message.list');
      await page.getByTestId('history').evaluate((list) => list.scrollTo({ top: 0 }));
      return seen(page.getByText('正在加载更早的消息'));
    },
    undo: async (stage) => (await stage.busy()).wire.free(),
  },
  {
    name: 'chat-older-failed',
    dear: true,
    show: async (stage) => {
      const seat = await stage.busy();
      const page = await openTrade(stage);
      seat.wire.fail('message.list', BROKEN);
      await page.getByTestId('history').evaluate((list) => list.scrollTo({ top: 0 }));
      return seen(page.getByText('更早的消息没有加载出来'));
    },
    undo: async (stage) => (await stage.busy()).wire.free(),
  },
  {
    name: 'chat-outbox-full',
    dear: true,
    show: async (stage) => {
      const seat = await stage.seat('zhaomin');
      seat.wire.hold('message.send');
      const page = await stage.open(`/chats/${stage.chat('zhaomin')}`, seat);
      await sees(page, '收到，谢谢！');
      await fillOutbox(page, stage.person('zhaomin'), stage.chat('zhaomin'), stage.person(ME.login));
      await stage.open(`/chats/${stage.chat('zhaomin')}`, seat);
      await sees(page, `${UNSENT} 499`);
      await say(page, '还有一句');
      return seen(page.getByText('等待发送的消息太多'));
    },
  },
  {
    name: 'chat-typing',
    show: async (stage) => {
      const page = await openChat(stage, 'wangfang', '签下来请大家吃饭');
      const typing = page.getByText('对方正在输入…');
      await expect(async () => {
        await stage.voice('wangfang').patiently('conversation.typing', { conversation_id: stage.chat('wangfang') });
        await expect(typing).toBeVisible({ timeout: 1_000 });
      }).toPass();
      return page;
    },
  },
  {
    name: 'chat-composing',
    show: async (stage) => {
      const page = await openChat(stage, 'wangfang', '签下来请大家吃饭');
      await composer(page).fill(LONG_TEXT);
      return page;
    },
    undo: async (stage) => composer(stage.me.page).fill(''),
  },
  {
    name: 'chat-too-long',
    show: async (stage) => {
      const page = await openChat(stage, 'wangfang', '签下来请大家吃饭');
      await composer(page).fill('很长的一段话。'.repeat(716));
      return seen(page.getByText(/超出 \d+ 个字/));
    },
    undo: async (stage) => composer(stage.me.page).fill(''),
  },
  {
    name: 'chat-emoji',
    show: async (stage) => {
      const page = await openChat(stage, 'wangfang', '签下来请大家吃饭');
      await page.getByRole('button', { name: '表情' }).click();
      return seen(page.getByRole('dialog').getByRole('button'));
    },
  },
  {
    name: 'chat-failed',
    main: true,
    show: async (stage) => {
      const page = await openChat(stage, 'sunlei', '演示环境的账号给我一个');
      return seen(page.getByRole('button', { name: '重发' }));
    },
  },
  {
    name: 'chat-discard',
    show: async (stage) => {
      const page = await openChat(stage, 'sunlei', '演示环境的账号给我一个');
      await page.getByRole('button', { name: '删除' }).click();
      return seen(page.getByRole('dialog').getByRole('button', { name: '删除' }));
    },
  },
  {
    name: 'chat-dissolved',
    show: async (stage) => seen((await openChat(stage, 'closed', '辛苦大家')).getByText('讨论已解散，只能查看历史')),
  },
  {
    name: 'chat-first',
    show: async (stage) => {
      const page = await stage.open(`/directory/${stage.person('heyutong')}`);
      await page.getByRole('button', { name: '发消息' }).click();
      await seen(composer(page));
      return seen(page.getByText('这是你和 何雨桐 的第一次对话'));
    },
  },
  {
    name: 'chat-loading',
    show: async (stage) => {
      stage.me.wire.hold('message.list');
      const page = await stage.open(`/chats/${stage.chat('wangfang')}`);
      return seen(page.getByRole('status', { name: '正在加载' }));
    },
  },
  {
    name: 'chat-error',
    show: async (stage) => {
      stage.me.wire.fail('message.list', BROKEN);
      const page = await stage.open(`/chats/${stage.chat('wangfang')}`);
      return seen(page.getByRole('main').getByRole('button', { name: '重试' }));
    },
  },
  {
    name: 'chat-gone',
    show: async (stage) => {
      const page = await openChat(stage, 'unnamed', '年会场地定在浦东');
      await composer(page).fill('我们部门报名十二个人，另外想问一下有没有停车位');
      stage.me.wire.fail('conversation.get', GONE);
      // The draft is kept before the page is left.
      return seen((await stage.open(`/chats/${stage.chat('unnamed')}`)).getByText('你写了一半的内容：'));
    },
    undo: async (stage) => {
      stage.me.wire.free();
      const page = await openChat(stage, 'unnamed', '年会场地定在浦东');
      await composer(page).fill('');
    },
  },
  {
    name: 'chat-sending',
    show: async (stage) => {
      stage.me.wire.hold('message.send');
      const page = await openChat(stage, 'ouyangjing', '新同事明天九点到');
      await say(page, '好，让前台留一张门禁卡');
      return seen(page.getByRole('img', { name: '发送中' }));
    },
  },
  { name: 'chat-files', main: true, show: (stage) => openPictures(stage) },
  {
    name: 'chat-picture',
    show: async (stage) => {
      const page = await openPictures(stage);
      await said(page).getByRole('img', { name: '快递面单.png' }).click();
      return seen(page.getByRole('dialog').getByRole('img', { name: '快递面单.png' }));
    },
  },
  {
    name: 'chat-picture-failed',
    show: async (stage) => {
      stage.me.wire.fail('file.bytes', BROKEN);
      const page = await openFiles(stage);
      await expect(page.getByText('图片没有加载出来，点按重试')).toHaveCount(2);
      return page;
    },
  },
  {
    name: 'chat-file-gone',
    show: async (stage) => {
      stage.me.wire.fail('file.links', GONE);
      const page = await openFiles(stage);
      await expect(page.getByText('文件已不可用')).toHaveCount(2);
      return page;
    },
  },
  {
    name: 'chat-uploads',
    main: true,
    show: async (stage) => {
      const { wire } = stage.me;
      const page = await openPictures(stage);
      wire.hold('file.later_part');
      await choose(page, CONTRACT, PROGRAM);
      await seen(page.getByText('37% · 684 KB'));
      wire.fail('file.begin', NO_ROOM);
      await choose(page, SHEET);
      return seen(page.getByRole('button', { name: `重试 ${SHEET.name}` }));
    },
  },
  {
    name: 'chat-drop',
    on: 'desk',
    show: async (stage) => {
      const page = await openPictures(stage);
      await page.evaluate(drag);
      return seen(page.getByTestId('drop-target'));
    },
  },
  {
    name: 'not-found',
    show: async (stage) => seen((await stage.open('/nowhere')).getByText('找不到这个页面')),
  },
];

const openDiscussion = async (stage: Stage, key = 'east') => {
  const page = await stage.open(`/chats/${stage.chat(key)}/details`);
  return seen(page.getByRole('heading', { name: '成员' }));
};

const openActs = async (stage: Stage, name: string) => {
  const page = await openDiscussion(stage);
  await page.getByRole('button', { name: `${name} 的操作` }).click();
  return page;
};

export const DETAILS: readonly State[] = [
  {
    name: 'details-direct',
    show: async (stage) => {
      const page = await openChat(stage, 'wangfang', '签下来请大家吃饭');
      await openDetails(page);
      return seen(page.getByRole('button', { name: '和 TA 一起发起讨论' }));
    },
  },
  { name: 'details-discussion', main: true, show: (stage) => openDiscussion(stage) },
  {
    name: 'details-member',
    show: async (stage) => {
      const page = await stage.open(`/chats/${stage.chat('east')}/details`, stage.other);
      return seen(page.getByRole('button', { name: '退出讨论' }));
    },
  },
  {
    name: 'details-loading',
    dear: true,
    show: async (stage) => {
      const seat = await stage.busy();
      seat.wire.hold('conversation.members');
      const page = await stage.open(`/chats/${stage.chat(TRADE.title)}/details`, seat);
      await seen(page.getByText('会话详情'));
      return seen(page.getByRole('status', { name: '正在加载' }));
    },
    undo: async (stage) => (await stage.busy()).wire.free(),
  },
  {
    name: 'details-error',
    dear: true,
    show: async (stage) => {
      const seat = await stage.busy();
      seat.wire.fail('conversation.members', BROKEN);
      const page = await stage.open(`/chats/${stage.chat(TRADE.title)}/details`, seat);
      return seen(page.getByText('成员没有加载出来'));
    },
    undo: async (stage) => (await stage.busy()).wire.free(),
  },
  {
    name: 'details-many',
    dear: true,
    show: async (stage) => {
      const page = await stage.open(`/chats/${stage.chat(TRADE.title)}/details`, await stage.busy());
      return seen(page.getByRole('heading', { name: '成员' }));
    },
  },
  {
    name: 'details-leaving',
    show: async (stage) => {
      const page = await openDiscussion(stage);
      // By the page itself: the list is drawn again as names and presence come.
      await page.getByRole('button', { name: '解散讨论' }).evaluate((button) => button.scrollIntoView());
      return page;
    },
  },
  {
    name: 'details-member-menu',
    show: async (stage) => seen((await openActs(stage, '王芳')).getByRole('menuitem', { name: '移出讨论' })),
  },
  {
    name: 'details-rename',
    show: async (stage) => {
      const page = await openDiscussion(stage);
      await page.getByRole('button', { name: '修改名称' }).click();
      await page.getByLabel('讨论名称').fill('');
      await page.getByRole('button', { name: '保存' }).click();
      return seen(page.getByText('请填写'));
    },
  },
  {
    name: 'details-transfer',
    show: async (stage) => {
      const page = await openActs(stage, '王芳');
      await page.getByRole('menuitem', { name: '转为群主' }).click();
      return seen(page.getByText('转让后你将成为普通成员。'));
    },
  },
  {
    name: 'details-remove',
    show: async (stage) => {
      const page = await openActs(stage, '阿卜杜热西提·买买提明');
      await page.getByRole('menuitem', { name: '移出讨论' }).click();
      return seen(page.getByText('对方将不再收到这个讨论的消息。'));
    },
  },
  {
    name: 'details-leave',
    show: async (stage) => {
      const page = await openDiscussion(stage);
      await page.getByRole('button', { name: '退出讨论' }).click();
      return seen(page.getByText('你是群主，退出后群主自动转给最早加入的成员。'));
    },
  },
  {
    name: 'details-dissolve',
    show: async (stage) => {
      const page = await openDiscussion(stage, 'hengtong');
      await page.getByRole('button', { name: '解散讨论' }).click();
      return seen(page.getByText('解散后谁都不能再发言，历史仍可查看，不能恢复。'));
    },
  },
  {
    name: 'details-dissolve-failed',
    show: async (stage) => {
      const page = await openDiscussion(stage, 'hengtong');
      await page.getByRole('button', { name: '解散讨论' }).click();
      stage.me.wire.fail('conversation.dissolve', BROKEN);
      const dialog = page.getByRole('dialog').filter({ hasText: '解散后谁都不能再发言' });
      await dialog.getByRole('button', { name: '解散讨论' }).click();
      return seen(dialog.getByText('编号 7k2m9q'));
    },
  },
  {
    name: 'details-add-members',
    show: async (stage) => {
      const page = await openDiscussion(stage);
      await page.getByRole('button', { name: '添加成员' }).click();
      await page.getByRole('dialog').getByLabel('搜索姓名、拼音或帐号').fill('zh');
      await page.getByRole('checkbox', { name: '周婷' }).check();
      return seen(page.getByText('已选 1 人'));
    },
  },
];
