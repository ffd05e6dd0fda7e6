// Discussions: several colleagues chosen, everybody writes, somebody leaves.
import { composer, createDiscussion, event, goTo, openDetails, row, say, sees } from './screens';
import { expect, PASSWORD, test } from './world';

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

test('IM-02 a discussion gets a member, a name, an owner and an end, and everybody sees each of it', async ({ company, people }) => {
  const zhao = await company.api.addColleague('赵敏', 'zhaomin', PASSWORD);
  const boss = await people.signedIn(company.admin);
  const wang = await people.signedIn(company.wang);
  const third = await people.signedIn(zhao);
  await goTo(third, '会话');
  await goTo(wang, '会话');
  await createDiscussion(boss, '新客户', [company.wang.name, company.li.name]);
  await say(boss, '这里谈新客户');
  await row(wang, '新客户').click();
  await sees(wang, '这里谈新客户');

  await openDetails(boss);
  await boss.getByRole('button', { name: '添加成员' }).click();
  const picker = boss.getByRole('dialog', { name: '添加成员' });
  await expect(picker.getByRole('checkbox', { name: company.li.name })).toBeDisabled();
  await picker.getByRole('checkbox', { name: zhao.name }).check();
  await picker.getByRole('button', { name: '添加', exact: true }).click();
  await expect(picker).toHaveCount(0);
  await expect(boss.getByRole('listitem').filter({ hasText: zhao.name })).toBeVisible();
  await expect(event(wang, `${company.admin.name} 邀请 ${zhao.name} 加入`)).toBeVisible();
  await row(third, '新客户').click();
  await say(third, '我来了');
  await sees(wang, '我来了');

  await boss.getByRole('button', { name: '修改名称' }).click();
  await boss.getByLabel('讨论名称').fill('老客户');
  await boss.getByRole('button', { name: '保存' }).click();
  await expect(wang.getByRole('heading', { name: '老客户' })).toBeVisible();
  await expect(event(wang, `${company.admin.name} 将讨论改名为“老客户”`)).toBeVisible();
  await expect(third.getByRole('heading', { name: '老客户' })).toBeVisible();

  await boss.getByRole('button', { name: `${company.wang.name} 的操作` }).click();
  await boss.getByRole('menuitem', { name: '转为群主' }).click();
  await boss.getByRole('dialog', { name: `把群主转给 ${company.wang.name}？` }).getByRole('button', { name: '转为群主' }).click();
  await expect(boss.getByRole('listitem').filter({ hasText: company.wang.name })).toContainText('群主');
  await expect(boss.getByRole('button', { name: '修改名称' })).toHaveCount(0);
  await expect(event(wang, `${company.admin.name} 将群主转给 你`)).toBeVisible();

  await openDetails(wang);
  await wang.getByRole('button', { name: '解散讨论' }).click();
  await wang.getByRole('dialog', { name: '解散“老客户”？' }).getByRole('button', { name: '解散讨论' }).click();
  await expect(third.getByText('讨论已解散，只能查看历史')).toBeVisible();
  await expect(event(third, `${company.wang.name} 解散了讨论`)).toBeVisible();
  await expect(composer(third)).toHaveCount(0);
  await sees(third, '我来了');
  await expect(boss.getByRole('button', { name: '退出讨论' })).toHaveCount(0);
  await goTo(third, '会话');
  await expect(row(third, '老客户').getByText('已解散')).toBeVisible();
});
