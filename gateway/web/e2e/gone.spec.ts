// What is not there (any more), and what is given back of it.
import { createDiscussion, goTo, message, openDetails, row, say, sees } from './screens';
import { expect, test } from './world';

test('a message for a discussion one was removed from is given back', async ({ company, people }) => {
  const boss = await people.signedIn(company.admin);
  const wang = await people.signedIn(company.wang);
  await goTo(wang, '会话');
  await createDiscussion(boss, '报价', [company.wang.name, company.li.name]);
  await say(boss, '请看报价');
  await row(wang, '报价').click();
  await sees(wang, '请看报价');

  await wang.context().setOffline(true);
  await expect(wang.getByText(/网络已断开|正在重新连接/)).toBeVisible({ timeout: 120_000 });
  await say(wang, '我认为可以再低一点');
  await sees(wang, '我认为可以再低一点');
  await goTo(wang, '会话');
  await openDetails(boss);
  await boss.getByRole('button', { name: `${company.wang.name} 的操作` }).click();
  await boss.getByRole('menuitem', { name: '移出讨论' }).click();
  await boss.getByRole('dialog', { name: /移出/ }).getByRole('button', { name: '移出讨论' }).click();
  await expect(boss.getByRole('button', { name: `${company.wang.name} 的操作` })).toHaveCount(0);

  await wang.context().setOffline(false);
  const homeless = wang.getByTestId('homeless');
  await expect(homeless).toContainText('[发送失败]我认为可以再低一点', { timeout: 60_000 });
  await expect(row(wang, '报价')).toHaveCount(0);
  await homeless.click();
  await expect(wang.getByText(/^你已不在/)).toBeVisible();
  await expect(wang.getByTestId('unsent')).toContainText('我认为可以再低一点');
  await expect(message(wang, '请看报价')).toHaveCount(0);
  await wang.getByRole('button', { name: '删除' }).click();
  await wang.getByRole('dialog').getByRole('button', { name: '删除' }).click();
  await expect(wang.getByTestId('unsent')).toHaveCount(0);
  await goTo(wang, '会话');
  await expect(homeless).toHaveCount(0);
});

test('the address of nobody says so, and one whose answer does not come can be asked for again', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  await wang.goto('/directory/0000000000000000000000000z');
  await expect(wang.getByText('没有这位同事')).toBeVisible();

  // Nothing but HTTP, so that the test can hold back what it wants.
  await wang.routeWebSocket(/\/ws$/, () => {});
  await wang.route('**/api/v1/directory.get', (route) => route.abort());
  await wang.route('**/api/v1/space.members', (route) => route.abort());
  await wang.goto(`/directory/${company.li.user_id}`);
  await expect(wang.getByText('资料没有加载出来')).toBeVisible();
  await wang.unroute('**/api/v1/directory.get');
  await wang.getByRole('alert').filter({ hasText: '资料没有加载出来' }).getByRole('button', { name: '重试' }).click();
  await expect(wang.getByRole('heading', { name: company.li.name })).toBeVisible();
});

test('behind the address of a chat its messages are asked for at once', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  const { conversation_id } = await company.api.call<{ conversation_id: string }>('conversation.create_discussion', {
    name: '报价',
    user_ids: [company.wang.user_id, company.li.user_id],
  });
  await company.api.call('message.send', { conversation_id, client_msg_id: 'm1', text: '已经在这里' });
  await wang.routeWebSocket(/\/ws$/, () => {});
  const asked = wang.waitForRequest('**/api/v1/message.list');
  await wang.route('**/api/v1/conversation.get', async (route) => {
    await asked;
    await route.continue();
  });
  await wang.goto(`/chats/${conversation_id}`);
  await sees(wang, '已经在这里');
});
