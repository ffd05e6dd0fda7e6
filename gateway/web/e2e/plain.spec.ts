// Plain HTTP under another name than this machine's: what an office without a certificate has on its first day.
import { composer, goTo, openChatWith, say, sees, signIn } from './screens';
import { expect, test } from './world';

const HINT = /^此网址不是 HTTPS/;

test('PLAT-i18 on plain HTTP the page says once what is off, and everything else works', async ({ server, company, people }) => {
  const wang = await people.stranger();
  const address = server.url.replace('127.0.0.1', 'chaoke.test');
  await wang.goto(address);
  expect(await wang.evaluate(() => window.isSecureContext)).toBe(false);
  await signIn(wang, company.wang.login, company.wang.password);
  await expect(wang.getByText(HINT)).toBeVisible();
  await wang.getByRole('status').filter({ hasText: HINT }).getByRole('button', { name: '关闭' }).click();
  await expect(wang.getByText(HINT)).toHaveCount(0);

  const li = await people.signedIn(company.li);
  await openChatWith(wang, company.li.name);
  await openChatWith(li, company.wang.name);
  await say(wang, '没有证书也能用');
  await sees(li, '没有证书也能用');
  await composer(wang).fill('写到一半');
  await wang.reload();
  await expect(composer(wang)).toHaveValue('写到一半');
  await sees(wang, '没有证书也能用');
  await expect(wang.getByText(HINT)).toHaveCount(0);

  // Copying works the older way; notices say why they cannot be chosen.
  await wang.getByTestId('message').focus();
  await wang.keyboard.press('Enter');
  await wang.getByRole('menuitem', { name: '复制文字' }).click();
  await expect(wang.getByText('已复制')).toBeVisible();
  await goTo(wang, '我');
  await wang.getByRole('link', { name: /外观和语言/ }).click();
  await expect(wang.getByText('浏览器在此地址不支持桌面通知')).toBeVisible();
});

test('on this machine itself nothing is off and nothing is said', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  await expect(wang.getByText(HINT)).toHaveCount(0);
});
