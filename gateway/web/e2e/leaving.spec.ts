// One who left the company: out on all devices, not found any more, and welcome again.
import { goTo, openChatWith, say, sees, signIn } from './screens';
import { expect, PASSWORD, test } from './world';

test('USER-05 who is disabled is out at once, is not found any more, and may be let in again', async ({ company, people }) => {
  const boss = await people.signedIn(company.admin);
  const wang = await people.signedIn(company.wang);
  await openChatWith(wang, company.admin.name);
  await say(wang, '资料都在柜子里');
  await goTo(boss, '通讯录');
  await boss.getByRole('link', { name: new RegExp(company.wang.name) }).click();
  await boss.getByRole('button', { name: '停用帐号' }).click();
  const dialog = boss.getByRole('dialog');
  await dialog.getByRole('button', { name: '停用帐号' }).click();
  await expect(dialog.getByText('请填写')).toBeVisible();
  await dialog.getByLabel('停用原因').fill('已离职');
  await dialog.getByRole('button', { name: '停用帐号' }).click();
  await expect(dialog).toHaveCount(0);
  await expect(boss.getByText('已停用', { exact: true })).toBeVisible();

  await expect(wang.getByRole('button', { name: '登录', exact: true })).toBeVisible();
  await signIn(wang, company.wang.login, PASSWORD);
  await expect(wang.getByText('该帐号已被停用，请联系管理员')).toBeVisible();

  await goTo(boss, '通讯录');
  await expect(boss.getByRole('link', { name: new RegExp(company.li.name) })).toBeVisible();
  await expect(boss.getByRole('link', { name: new RegExp(company.wang.name) })).toHaveCount(0);
  await goTo(boss, '会话');
  await boss.getByTestId('conversation').filter({ hasText: company.wang.name }).click();
  await sees(boss, '资料都在柜子里');

  await goTo(boss, '通讯录');
  await boss.getByRole('link', { name: '已停用的帐号' }).click();
  await expect(boss.getByText(/已离职/)).toBeVisible();
  await boss.getByRole('button', { name: '启用帐号' }).click();
  await expect(boss.getByText('没有停用的帐号')).toBeVisible();
  await signIn(wang, company.wang.login, PASSWORD);
  // Where one was, with everything that was there.
  await sees(wang, '资料都在柜子里');
});
