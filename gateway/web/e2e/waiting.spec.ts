// What does not come at once: grey rows only after a while, an older page that can be asked for again, a message that
// is sent by hand once the cause is gone.
import { Wire } from './looks/wire';
import { goTo, message, row, said, say, sees, signIn } from './screens';
import { expect, test } from './world';

const PAGES = 'message.list';
const REFUSED = { status: 403, class: 'forbidden', code: 'closed', message: { zh: '暂时不能发言', en: 'Closed for now' } };
const DOWN = { status: 500, class: 'internal', code: 'internal', message: { zh: '服务器出了点问题', en: 'Broken' } };

test('what does not come is waited for quietly, named, and asked for again', async ({ company, people }) => {
  const { conversation_id } = await company.api.call<{ conversation_id: string }>('conversation.create_discussion', {
    name: '项目组',
    user_ids: [company.wang.user_id, company.li.user_id],
  });
  for (let n = 1; n <= 80; n += 1) {
    await company.api.patiently('message.send', { conversation_id, client_msg_id: `m${n}`, text: `第${n}句` });
  }
  await company.api.call('message.list', { conversation_id, limit: 1 });
  const wang = await people.stranger();
  const wire = await Wire.on(wang);
  await wang.clock.install();
  await wang.goto('/');
  await signIn(wang, company.wang.login, company.wang.password);
  await goTo(wang, '会话');
  await expect(row(wang, '项目组')).toBeVisible();

  // Grey rows: none for the first 150 ms, and then there.
  const grey = wang.getByRole('main').getByRole('status', { name: '正在加载' });
  wire.hold(PAGES);
  await wang.clock.pauseAt(Date.now() + 60_000);
  await row(wang, '项目组').click();
  await expect(wang.getByRole('heading', { name: '项目组' })).toBeVisible();
  await expect.poll(() => wire.holds(PAGES)).toBe(1);
  await wang.clock.runFor(149);
  await expect(grey).toHaveCount(0);
  await wang.clock.runFor(1);
  await expect(grey).toHaveCount(1);
  wire.letGo(PAGES);
  await wang.clock.resume();
  await expect(wang.getByText('以下是新消息')).toBeVisible();
  await expect(grey).toHaveCount(0);

  // From the newest on, an older page that does not come says so, and is there once it is asked for again.
  await wang.getByRole('button', { name: /条新消息|回到最新/ }).click();
  await sees(wang, '第80句');
  await expect.poll(() => wire.called).toContain('conversation.mark_read');
  await wang.reload();
  await sees(wang, '第80句');
  wire.fail(PAGES, DOWN);
  const history = wang.getByTestId('history');
  const failed = wang.getByRole('alert').filter({ hasText: '更早的消息没有加载出来' });
  await history.evaluate((list) => list.scrollTo(0, 0));
  await expect(failed).toBeVisible();
  const asked = wire.called.filter((method) => method === PAGES).length;
  await history.evaluate((list) => list.scrollTo(0, 100));
  await history.evaluate((list) => list.scrollTo(0, 0));
  wire.free();
  await failed.getByRole('button', { name: '重试' }).click();
  await expect(failed).toHaveCount(0);
  await expect.poll(async () => {
    await history.evaluate((list) => list.scrollTo(0, 0));
    return message(wang, '第1句').count();
  }).toBeGreaterThan(0);
  expect(wire.called.filter((method) => method === PAGES).length, 'a scroll does not ask again by itself').toBe(asked + 1);

  // A message that was refused is sent by hand, once.
  wire.fail('message.send', REFUSED);
  await say(wang, '再试一次');
  await expect(wang.getByText('暂时不能发言')).toBeVisible();
  const li = await people.signedIn(company.li);
  await row(li, '项目组').click();
  wire.free();
  await wang.getByRole('button', { name: '重发' }).click();
  await expect(message(wang, '再试一次')).toHaveAttribute('data-state', 'sent');
  await expect(wang.getByRole('img', { name: '发送失败' })).toHaveCount(0);
  await expect(wang.getByRole('button', { name: '重发' })).toHaveCount(0);
  await say(wang, '后一句');
  await sees(wang, '后一句');
  await li.getByRole('button', { name: /条新消息|回到最新/ }).click();
  await expect(said(li).last()).toHaveText('后一句');
  await expect(message(li, '再试一次')).toHaveCount(1);
});
