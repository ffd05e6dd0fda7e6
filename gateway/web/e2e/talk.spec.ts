// Two people talk: live, in order, verbatim, with what is unread and what has been read.
import { goTo, message, openChatWith, row, said, say, sees, unread } from './screens';
import { expect, test } from './world';

test('IM-i01 IM-i02 two people talk and both see the same conversation in the same order', async ({
  company,
  people,
}) => {
  const wang = await people.signedIn(company.wang);
  const li = await people.signedIn(company.li);
  await openChatWith(wang, company.li.name);
  await openChatWith(li, company.wang.name);

  for (const [page, text] of [
    [wang, '明天去拜访客户吗？'],
    [li, '去，九点出发'],
    [wang, '好的'],
    [li, '带上合同'],
  ] as const) {
    await say(page, text);
    await sees(wang, text);
    await sees(li, text);
  }
  const inOrder = ['明天去拜访客户吗？', '去，九点出发', '好的', '带上合同'];
  for (const page of [wang, li]) {
    const messages = said(page);
    await expect(messages).toHaveCount(inOrder.length);
    for (const [at, text] of inOrder.entries()) await expect(messages.nth(at)).toContainText(text);
  }
});

test('IM-i05 IM-i06 unread messages are counted and reading them shows on the other side', async ({
  company,
  people,
}) => {
  const wang = await people.signedIn(company.wang);
  const li = await people.signedIn(company.li);
  await goTo(li, '会话');
  await openChatWith(wang, company.li.name);
  await say(wang, '一');
  await say(wang, '二');
  await sees(wang, '二');
  await expect(wang.getByText('未读', { exact: true }).last()).toBeVisible();

  await expect(unread(li, company.wang.name)).toHaveText('2');
  await row(li, company.wang.name).click();
  await sees(li, '二');
  await expect(wang.getByText('已读', { exact: true }).last()).toBeVisible();
});

test('IM-i04 two windows of one person stay in step', async ({ company, people }) => {
  const desk = await people.signedIn(company.wang);
  const phone = await people.signedIn(company.wang);
  await openChatWith(desk, company.li.name);
  await openChatWith(phone, company.li.name);
  await say(desk, '在电脑上写的');
  await sees(phone, '在电脑上写的');
  await say(phone, '在手机上写的');
  await sees(desk, '在手机上写的');
  await expect(said(desk)).toHaveCount(2);
  await expect(said(phone)).toHaveCount(2);

  // What is read in one window is no longer unread in the other.
  const li = await people.signedIn(company.li);
  await goTo(desk, '会话');
  await goTo(phone, '会话');
  await openChatWith(li, company.wang.name);
  await say(li, '看到了吗？');
  await expect(unread(desk, company.li.name)).toHaveText('1');
  await row(phone, company.li.name).click();
  await sees(phone, '看到了吗？');
  await expect(unread(desk, company.li.name)).toHaveCount(0);
});

test('a message is shown as it was written, never run', async ({ company, people }) => {
  const wang = await people.signedIn(company.wang);
  const li = await people.signedIn(company.li);
  await openChatWith(wang, company.li.name);
  await openChatWith(li, company.wang.name);
  const nasty = '<img src=x onerror="document.title=\'ran\'"> <b>粗体</b> &amp;';
  await say(wang, nasty);
  await sees(li, nasty);
  await expect(message(li, nasty).locator('b, img[src="x"]')).toHaveCount(0);
  expect(await li.title()).not.toBe('ran');
});
