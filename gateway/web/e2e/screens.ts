// How a person finds their way through the screens, by what they see: labels, roles, texts. A change of
// the client that moves a button is mended here, once.
import { expect, type Locator, type Page } from '@playwright/test';

export async function setUp(
  page: Page,
  link: string,
  form: { company: string; name: string; login: string; password: string },
): Promise<void> {
  await page.goto(link);
  await page.getByLabel('公司名称').fill(form.company);
  await page.getByLabel('姓名').fill(form.name);
  await page.getByLabel('帐号').fill(form.login);
  await page.getByLabel('密码', { exact: true }).fill(form.password);
  await page.getByRole('button', { name: '创建公司' }).click();
}

export async function signIn(page: Page, login: string, password: string): Promise<void> {
  await page.getByLabel('帐号').fill(login);
  await page.getByLabel('密码', { exact: true }).fill(password);
  await page.getByRole('button', { name: '登录', exact: true }).click();
}

export async function chooseFirstPassword(page: Page, password: string): Promise<void> {
  await page.getByLabel('新密码').fill(password);
  await page.getByLabel('再输一次').fill(password);
  await page.getByRole('button', { name: '保存并进入' }).click();
}

/** Adds a person on the screen and gives back the one-time password that is shown once. */
export async function addColleague(page: Page, name: string, login: string): Promise<string> {
  await page.getByRole('button', { name: '添加同事' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('姓名').fill(name);
  await dialog.getByLabel('帐号').fill(login);
  await dialog.getByRole('button', { name: '添加', exact: true }).click();
  const credential = (await page.getByTestId('credential').first().innerText()).trim();
  await page.getByRole('button', { name: '完成' }).click();
  return credential;
}

/** What one finds in a folder. */
export interface Chosen {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

export async function choose(page: Page, ...files: Chosen[]): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: '图片和文件' }).click();
  await (await chooser).setFiles(files);
}

export function composer(page: Page): Locator {
  return page.getByRole('textbox', { name: '输入消息' });
}

export async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press('Enter');
}

/** What people said, in the order of the screen; lines such as "… left" are not among it. */
export function said(page: Page): Locator {
  return page.getByTestId('message');
}

export function message(page: Page, text: string): Locator {
  return said(page).filter({ hasText: text });
}

export async function sees(page: Page, text: string): Promise<void> {
  await expect(message(page, text)).toBeVisible();
}

export type Area = '会话' | '通讯录' | '我';

/** Goes to an area by what is on the screen; on the phone that may be one step back first. */
export async function goTo(page: Page, area: Area): Promise<void> {
  const navigation = page.getByRole('navigation', { name: '主导航' });
  const back = page.getByRole('button', { name: '返回', exact: true });
  await expect(navigation.or(back).first()).toBeVisible();
  if (!(await navigation.isVisible())) await back.first().click();
  await navigation.getByRole('link', { name: area === '我' ? /^我/ : /沟通/ }).click();
  if (area !== '我') await page.getByRole('navigation', { name: '沟通' }).getByRole('link', { name: area }).click();
}

/** A row of the list of conversations. */
export function row(page: Page, name: string): Locator {
  return page.getByTestId('conversation').filter({ hasText: name });
}

/** The badge of a row: how many messages are unread. */
export function unread(page: Page, name: string): Locator {
  return row(page, name).getByLabel(/条未读/);
}

/** A line such as "… left" in an open chat. */
export function event(page: Page, text: string): Locator {
  return page.getByTestId('system').filter({ hasText: text });
}

export async function openChatWith(page: Page, name: string): Promise<void> {
  await goTo(page, '通讯录');
  await page.getByRole('link', { name: new RegExp(name) }).first().click();
  await page.getByRole('button', { name: '发消息' }).click();
  await expect(composer(page)).toBeVisible();
}

export async function createDiscussion(page: Page, name: string, members: string[]): Promise<void> {
  await goTo(page, '会话');
  await page.getByRole('button', { name: '发起讨论' }).click();
  const dialog = page.getByRole('dialog');
  for (const member of members) await dialog.getByRole('checkbox', { name: member }).check();
  await dialog.getByLabel(/讨论名称/).fill(name);
  await dialog.getByRole('button', { name: '创建讨论' }).click();
  await expect(composer(page)).toBeVisible();
}

export async function openDetails(page: Page): Promise<void> {
  await page.getByRole('button', { name: '详情' }).click();
}
