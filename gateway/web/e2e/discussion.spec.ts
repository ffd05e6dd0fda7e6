// Discussions: several colleagues chosen, everybody writes, somebody leaves.
import { createDiscussion, event, goTo, openDetails, row, say, sees } from './screens';
import { expect, test } from './world';

test('IM-02 choosing two colleagues makes a discussion that all three talk in', async ({ company, people }) => {
  const boss = await people.signedIn(company.admin);
  const wang = await people.signedIn(company.wang);
  const li = await people.signedIn(company.li);
  await goTo(wang, '会话');
  await goTo(li, '会话');

  await createDiscussion(boss, '新客户', [company.wang.name, company.li.name]);
  await say(boss, '这里谈新客户');
  await row(wang, '新客户').click();
  await row(li, '新客户').click();
  await sees(wang, '这里谈新客户');
  await say(wang, '收到');
  await sees(boss, '收到');
  await sees(li, '收到');
});

test('IM-i12 a member leaves and reads no more, the others see it', async ({ company, people }) => {
  const boss = await people.signedIn(company.admin);
  const wang = await people.signedIn(company.wang);
  await goTo(wang, '会话');
  await createDiscussion(boss, '项目组', [company.wang.name, company.li.name]);
  await say(boss, '大家好');
  await row(wang, '项目组').click();
  await sees(wang, '大家好');

  await openDetails(wang);
  await wang.getByRole('button', { name: '退出讨论' }).click();
  await wang.getByRole('dialog').getByRole('button', { name: '退出讨论' }).click();
  await expect(event(boss, `${company.wang.name} 退出了讨论`)).toBeVisible();
  await goTo(wang, '会话');
  await expect(row(wang, '项目组')).toHaveCount(0);
});
