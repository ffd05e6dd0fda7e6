// What an administrator looks at and looks after.
import { readFileSync } from 'node:fs';

import { goTo, openChatWith, say, sees, signIn } from './screens';
import { expect, PASSWORD, test } from './world';

test('an administrator sees how the server is, and a colleague does not', async ({ company, people }) => {
  const zhang = await people.signedIn(company.admin);
  const wang = await people.signedIn(company.wang);
  await goTo(zhang, '通讯录');
  await openChatWith(zhang, company.wang.name);
  await say(zhang, '早上好');
  await openChatWith(wang, company.admin.name);
  await sees(wang, '早上好');

  await zhang.goto('/me');
  await zhang.getByRole('link', { name: '后台管理' }).click();
  await zhang.getByRole('link', { name: '概览' }).click();
  const main = zhang.getByRole('main');
  await expect(main.locator('dl > div').filter({ hasText: '在线人数' })).toContainText(/^在线人数2公司共 3 人/);
  await expect(main.locator('dl > div').filter({ hasText: '24 小时消息' })).toContainText('1');
  await expect(main.getByText('一切正常')).toBeVisible();
  await main.getByText('以表格查看').click();
  await expect(main.getByRole('row').nth(1)).toContainText('1');
  await main.getByText('48 小时', { exact: true }).click();
  await expect(main.getByRole('row')).toHaveCount(49);
  await expect(main.getByRole('img', { name: '每小时消息数' })).toBeVisible();

  await wang.goto('/me');
  await expect(wang.getByRole('link', { name: '登录设备' })).toBeVisible();
  await expect(wang.getByRole('link', { name: '后台管理' })).toHaveCount(0);
  await wang.goto('/admin/overview');
  await expect(wang.getByText('只有管理员可以查看')).toBeVisible();
});

test('BO-i03 the audit is looked up by person, act and day, and taken along for Excel', async ({ company, people }) => {
  await company.api.call('space.disable_member', { user_id: company.li.user_id, reason: '=已离职' });
  await company.api.call('space.enable_member', { user_id: company.li.user_id });
  const zhang = await people.signedIn(company.admin);
  await zhang.goto('/admin/audit');
  const audit = zhang.getByTestId('audit');
  await expect(audit).toContainText('停用帐号');
  await expect(audit).toContainText('初始化公司');

  await zhang.getByLabel('操作', { exact: true }).selectOption({ label: '停用帐号' });
  await expect(audit).not.toContainText('初始化公司');
  await expect(audit).toContainText('=已离职');
  const loading = zhang.waitForEvent('download');
  await zhang.getByRole('button', { name: '导出' }).click();
  const file = readFileSync(await (await loading).path(), 'utf8');
  expect(file.startsWith('\ufeff时间,操作人,')).toBe(true);
  expect(file).toContain("'=已离职");
  expect(file.trim().split('\r\n')).toHaveLength(2);

  // The address holds what is looked for.
  await zhang.reload();
  await expect(audit).toContainText('停用帐号');
  await expect(audit).not.toContainText('初始化公司');
  await zhang.getByLabel('操作', { exact: true }).selectOption('');
  await zhang.getByLabel('人员').fill('王芳');
  await zhang.getByRole('list', { name: '人员' }).getByRole('button', { name: /王芳/ }).click();
  await expect(audit).not.toContainText('停用帐号');
  await expect(audit).toContainText('添加同事');
  await zhang.getByLabel('结束日期').fill('2020-01-01');
  await expect(zhang.getByText('没有符合条件的记录')).toBeVisible();
});

test('a device of a colleague is signed out at once, and a new password is handed over', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  const zhang = await people.signedIn(company.admin);
  await zhang.goto('/admin/people');
  await zhang.getByRole('link', { name: /王芳/ }).click();
  const devices = zhang.getByRole('main').getByRole('listitem');
  const browser = devices.filter({ hasText: 'Chrome · Linux' });
  await browser.getByRole('button', { name: '退出该设备' }).click();
  await expect(wang.getByText('登录已过期')).toBeVisible({ timeout: 5_000 });
  await expect(browser).toHaveCount(0);

  await zhang.getByRole('button', { name: '重置密码' }).click();
  await zhang.getByRole('dialog').getByRole('button', { name: '重置密码' }).click();
  const credential = (await zhang.getByTestId('credential').first().innerText()).trim();
  await zhang.getByRole('button', { name: '完成' }).click();
  const again = await people.stranger();
  await again.goto(wang.url());
  await signIn(again, company.wang.login, PASSWORD);
  await expect(again.getByText('帐号或密码不正确')).toBeVisible();
  await signIn(again, company.wang.login, credential);
  await expect(again.getByRole('button', { name: '保存并进入' })).toBeVisible();
});
