// An administrator changes a colleague's name, and makes others administrators; everybody sees it at once.

import { openChatWith, say, sees } from './screens';
import { expect, test } from './world';

test('a colleague who is renamed is so everywhere at once', async ({ company, people }) => {
  const zhang = await people.signedIn(company.admin);
  const li = await people.signedIn(company.li);
  await openChatWith(li, company.wang.name);
  await say(li, '你好');
  await sees(li, '你好');
  await zhang.goto(`/admin/people/${company.wang.user_id}`);
  await zhang.getByRole('button', { name: '修改资料' }).click();
  const dialog = zhang.getByRole('dialog', { name: `修改${company.wang.name}的资料` });
  const name = dialog.getByLabel('姓名');
  await expect(name).toBeFocused();
  // What can't be is said at the field, and stays to be mended.
  await name.fill('字'.repeat(31));
  await zhang.keyboard.press('Enter');
  await expect(dialog.getByText('最多 30 个字')).toBeVisible();
  await name.fill('王小芳');
  await dialog.getByLabel('职务').fill('销售总监');
  await zhang.keyboard.press('Enter');
  await expect(dialog).toHaveCount(0);
  await expect(zhang.getByText('已保存王小芳的资料')).toBeVisible();
  await expect(zhang.getByRole('main').getByRole('link', { name: /王小芳/ })).toBeVisible();
  // Without loading anything anew.
  await expect(li.getByRole('heading', { name: '王小芳' }).first()).toBeVisible();
  await li.goto(`/directory/${company.wang.user_id}`);
  await expect(li.getByText('销售总监').first()).toBeVisible();
});

test('USER-07 USER-i05 administrators make administrators, and one always stays', async ({ company, people }) => {
  const zhang = await people.signedIn(company.admin);
  const li = await people.signedIn(company.li);
  await li.goto('/me');
  await expect(li.getByRole('link', { name: '登录设备' })).toBeVisible();
  await expect(li.getByRole('link', { name: '后台管理' })).toHaveCount(0);

  // The only one can't step down: it is said why, and nothing is changed.
  await zhang.goto(`/admin/people/${company.admin.user_id}`);
  await zhang.getByRole('button', { name: '取消管理员' }).click();
  const own = zhang.getByRole('dialog');
  await expect(own).toContainText('这是您自己');
  await own.getByRole('button', { name: '取消管理员' }).click();
  await expect(own).toContainText('公司至少要有一位管理员');
  await own.getByRole('button', { name: '取消', exact: true }).click();

  await zhang.goto('/admin/people');
  await zhang.getByRole('main').getByRole('link', { name: new RegExp(company.li.name) }).click();
  await zhang.getByRole('button', { name: '设为管理员' }).click();
  await zhang.getByRole('dialog').getByRole('button', { name: '设为管理员' }).click();
  await expect(zhang.getByRole('dialog')).toHaveCount(0);
  await expect(zhang.getByRole('button', { name: '取消管理员' })).toBeVisible();
  // His page has the way in without being loaded anew.
  await li.getByRole('link', { name: '后台管理' }).click();
  await li.goto('/admin/people');
  await li.getByText('管理员', { exact: true }).click();
  const listed = li.getByRole('main').getByRole('listitem');
  await expect(listed).toHaveCount(2);
  await expect(listed.filter({ hasText: company.admin.name })).toBeVisible();

  await zhang.getByRole('button', { name: '取消管理员' }).click();
  await zhang.getByRole('dialog').getByRole('button', { name: '取消管理员' }).click();
  await expect(zhang.getByRole('dialog')).toHaveCount(0);
  await expect(zhang.getByRole('button', { name: '设为管理员' })).toBeVisible();
  await expect(li.getByText('只有管理员可以查看')).toBeVisible();
});
