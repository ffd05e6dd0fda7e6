// The language is chosen once, holds for every screen, and stays in this browser.
import { expect, test } from './world';

test('the other language is chosen once and stays, back-office pages too', async ({ company, people }) => {
  const zhang = await people.signedIn(company.admin);
  await zhang.goto('/me/preferences');
  await zhang.getByText('English', { exact: true }).click();
  await expect(zhang.locator('html')).toHaveAttribute('lang', 'en');
  await expect(zhang.getByText('Notification sound').or(zhang.getByText('Language')).first()).toBeVisible();
  await zhang.goto('/admin/overview');
  await expect(zhang.getByText('People online')).toBeVisible();
  await zhang.goto('/admin/audit');
  await expect(zhang.getByTestId('audit')).toContainText('Company set up');
  await zhang.goto('/me/preferences');
  await expect(zhang.getByRole('radio', { name: 'English' })).toBeChecked();
  await zhang.getByText('简体中文', { exact: true }).click();
  await expect(zhang.locator('html')).toHaveAttribute('lang', 'zh-CN');
  await zhang.reload();
  await expect(zhang.getByRole('radio', { name: '简体中文' })).toBeChecked();
});
