// What is one's own: the password, the devices, how it looks.
import { Api } from './api';
import { goTo, openChatWith, say, sees } from './screens';
import { expect, PASSWORD, test } from './world';

const NEXT = 'an-other-2025';

test('ACCT-i08 one device is ended by its name, and a changed password ends all others, not the one in hand', async ({
  server,
  company,
  people,
}) => {
  const here = await people.signedIn(company.wang);
  const there = await people.signedIn(company.wang);
  const script = new Api(server);
  await script.signIn(company.wang.login, PASSWORD);
  const signInThere = async (password: string) => {
    await there.getByLabel('密码', { exact: true }).fill(password);
    await there.getByRole('button', { name: '登录', exact: true }).click();
  };

  await goTo(here, '我');
  await here.getByRole('link', { name: '登录设备' }).click();
  const devices = here.getByRole('main').getByRole('listitem');
  const unnamed = devices.filter({ hasText: '未命名设备' });
  await expect(devices.first()).toContainText('当前设备');
  // The script, and what chose the first password.
  await expect(unnamed).toHaveCount(2);
  await devices.filter({ hasNotText: '当前设备' }).filter({ hasText: 'Chrome · Linux' }).getByRole('button', { name: '退出该设备' }).click();
  await expect(there.getByText('登录已过期')).toBeVisible();
  await expect(devices).toHaveCount(3);
  await expect(unnamed).toHaveCount(2);
  await script.call('session.list', {});
  await signInThere(PASSWORD);
  await expect(there.getByText('登录已过期')).toHaveCount(0);

  await here.goto('/me/password');
  await here.getByLabel('当前密码').fill(PASSWORD);
  await here.getByLabel('新密码').fill(NEXT);
  await here.getByLabel('再输一次').fill(NEXT);
  await here.getByRole('button', { name: '保存' }).click();
  await expect(here.getByText('密码已修改，其他设备已退出')).toBeVisible();
  for (const field of ['当前密码', '新密码', '再输一次']) await expect(here.getByLabel(field)).toHaveValue('');

  await expect(there.getByText('登录已过期')).toBeVisible();
  await expect(script.call('session.list', {})).rejects.toThrow('401');
  await signInThere(PASSWORD);
  await expect(there.getByText('帐号或密码不正确')).toBeVisible();
  await signInThere(NEXT);
  await openChatWith(there, company.li.name);
  await here.reload();
  await openChatWith(here, company.li.name);
  await say(here, '还在这里');
  await sees(there, '还在这里');
});

test('light, dark or as the system has it is chosen once and stays', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  await wang.emulateMedia({ colorScheme: 'light' });
  await goTo(wang, '我');
  await wang.getByRole('link', { name: /外观和语言/ }).click();
  const ground = () => wang.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--bg').trim());
  const [light, dark] = [/^#f+$/, /^#161b21$/];
  for (const [choice, shown] of [['深色', dark], ['浅色', light], ['跟随系统', light]] as const) {
    await wang.getByText(choice, { exact: true }).click();
    await expect.poll(ground, { message: choice }).toMatch(shown);
    await wang.reload();
    await expect(wang.getByRole('radio', { name: choice })).toBeChecked();
    expect(await ground(), `${choice} after a reload`).toMatch(shown);
  }
  await wang.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(ground).toMatch(dark);
});
