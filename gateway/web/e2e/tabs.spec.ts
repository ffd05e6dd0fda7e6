// Two tabs of one browser: one person, one session, one voice.
import { goTo, message, openChatWith, row, said, say, sees, signIn, unread } from './screens';
import { expect, test } from './world';

test('two tabs show each message once, are read together and give one notice', async ({ company, people }) => {
  const one = await people.stranger();
  const context = one.context();
  await context.grantPermissions(['notifications']);
  await context.addInitScript(() => {
    const shown: (string | undefined)[] = [];
    const Real = Notification;
    class Noted extends Real {
      constructor(title: string, options?: NotificationOptions) {
        super(title, options);
        shown.push(options?.body);
      }
    }
    Object.assign(window, { Notification: Noted, shown });
  });
  await one.goto('/');
  await signIn(one, company.wang.login, company.wang.password);
  await goTo(one, '我');
  await one.getByRole('link', { name: /外观和语言/ }).click();
  await one.getByText('显示内容').click();
  const two = await people.anotherTab(context);
  await two.goto('/');
  const tabs = [one, two];

  const li = await people.signedIn(company.li);
  await openChatWith(li, company.wang.name);
  for (const tab of tabs) await openChatWith(tab, company.li.name);
  await say(one, '第一个标签页写的');
  await say(two, '第二个标签页写的');
  await say(li, '都收到了');
  for (const tab of tabs) {
    for (const text of ['第一个标签页写的', '第二个标签页写的', '都收到了']) await expect(message(tab, text)).toHaveCount(1);
    await expect(said(tab)).toHaveCount(3);
    await goTo(tab, '会话');
  }

  /** As the windows of a desktop would have it: which of the two is in front. */
  const lookAt = async (which: typeof one | undefined) => {
    for (const tab of tabs) {
      await tab.evaluate((looks) => {
        document.hasFocus = () => looks;
        window.dispatchEvent(new Event(looks ? 'focus' : 'blur'));
      }, tab === which);
    }
  };
  const notices = async () =>
    (await Promise.all(tabs.map((tab) => tab.evaluate(() => (window as unknown as { shown: string[] }).shown)))).flat();

  await lookAt(undefined);
  await say(li, '没有人看');
  await expect.poll(notices).toEqual(['没有人看']);
  for (const tab of tabs) await expect(unread(tab, company.li.name)).toHaveText('1');
  await lookAt(one);
  await say(li, '看着另一个标签页');
  for (const tab of tabs) await expect(unread(tab, company.li.name)).toHaveText('2');
  await lookAt(undefined);
  await say(li, '又没有人看');
  await expect.poll(async () => (await notices()).toSorted()).toEqual(['又没有人看', '没有人看']);

  // Read in one, it is read in the other.
  await lookAt(one);
  await row(one, company.li.name).click();
  await sees(one, '又没有人看');
  for (const tab of tabs) await expect(tab.getByLabel(/条未读/)).toHaveCount(0);
});

test('when the tab that spoke is closed the other one speaks', async ({ company, people }) => {
  const one = await people.signedIn(company.wang);
  const two = await people.anotherTab(one.context());
  await two.goto('/');
  await goTo(two, '会话');
  const speakers = () =>
    two.evaluate(async () => {
      const { held = [], pending = [] } = await navigator.locks.query();
      return [held, pending].map((locks) => locks.filter(({ name }) => name === 'chaoke-speaker').length);
    });
  await expect.poll(speakers).toEqual([1, 1]);
  await one.close();
  await expect.poll(speakers).toEqual([1, 0]);
});
