// At the door: what a person reads when the password is wrong, too weak, or tried too often.
import { Api } from './api';
import { chooseFirstPassword, signIn } from './screens';
import { expect, PASSWORD, test } from './world';

test('a wrong password is answered with a sentence and nothing is lost', async ({ company, people }) => {
  const page = await people.stranger();
  await page.goto('/');
  await signIn(page, company.wang.login, 'not-my-password-1');
  await expect(page.getByText('帐号或密码不正确')).toBeVisible();
  await expect(page.getByLabel('帐号')).toHaveValue(company.wang.login);

  // The same sentence for a login that does not exist: it must not tell who works here.
  await signIn(page, 'nobody', 'not-my-password-1');
  await expect(page.getByText('帐号或密码不正确')).toBeVisible();

  await signIn(page, company.wang.login, PASSWORD);
  await expect(page.getByRole('navigation', { name: '主导航' })).toBeVisible();
});

test('ACCT-i07 guessing is slowed down and the page says for how long', async ({ company, people }) => {
  const page = await people.stranger();
  await page.goto('/');
  const slowed = page.getByText(/尝试次数过多，请 \d+ 秒后再试/);
  for (let tries = 0; tries < 6 && !(await slowed.isVisible()); tries += 1) {
    const answered = page.waitForResponse('**/api/v1/session.sign_in');
    await signIn(page, company.li.login, `wrong-password-${tries}`);
    await answered;
    await expect(slowed.or(page.getByText('帐号或密码不正确'))).toBeVisible();
  }
  await expect(slowed).toBeVisible();
});

test('ACCT-i02 a first password that is too weak or mistyped stays on the page', async ({ company, server, people }) => {
  const added = await company.api.call<{ credential: string }>('space.add_member', { name: '赵敏', login: 'zhaomin' });
  const page = await people.stranger();
  await page.goto('/');
  await signIn(page, 'zhaomin', added.credential);

  await chooseFirstPassword(page, 'onlyletters');
  await expect(page.getByText('需要 8 到 64 位，至少一个字母和一个数字')).toBeVisible();
  await page.getByLabel('新密码').fill(PASSWORD);
  await page.getByLabel('再输一次').fill(`${PASSWORD}x`);
  await page.getByRole('button', { name: '保存并进入' }).click();
  await expect(page.getByText('两次输入不一样')).toBeVisible();

  await chooseFirstPassword(page, PASSWORD);
  await expect(page.getByRole('navigation', { name: '主导航' })).toBeVisible();
  // The one-time password is worth nothing any more.
  await expect(new Api(server).signIn('zhaomin', added.credential)).rejects.toThrow(/401/);
});
