// Two tabs of one browser: one person, one session, one voice. On plain HTTP the browser has no locks for them: there
// the same holds.
import { composer, goTo, message, openChatWith, row, said, say, sees, signIn, unread } from './screens';
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

for (const [what, host] of [
  ['locks', '127.0.0.1'],
  ['no locks, on plain HTTP', 'chaoke.test'],
] as const) {
  test(`two tabs with ${what} are in step without the network, and what is written is sent once`, async ({ server, company, people }) => {
    const address = server.url.replace('127.0.0.1', host);
    const one = await people.stranger();
    await one.goto(address);
    await signIn(one, company.wang.login, company.wang.password);
    await openChatWith(one, company.li.name);
    await say(one, '出发前');
    const two = await people.anotherTab(one.context());
    await two.goto(one.url());
    await sees(two, '出发前');
    expect(await two.evaluate(() => 'locks' in navigator)).toBe(host === '127.0.0.1');
    const tabs = [one, two];

    await one.context().setOffline(true);
    for (const tab of tabs) await expect(tab.getByText('网络已断开')).toBeVisible();
    await say(one, '没网时在第一个标签页写的');
    await expect(message(two, '没网时在第一个标签页写的')).toHaveAttribute('data-state', 'waiting');
    await say(two, '没网时在第二个标签页写的');
    await expect(message(one, '没网时在第二个标签页写的')).toHaveAttribute('data-state', 'waiting');
    await composer(one).fill('写到一半');
    await expect(composer(two)).toHaveValue('写到一半');

    await one.context().setOffline(false);
    const all = ['出发前', '没网时在第一个标签页写的', '没网时在第二个标签页写的'];
    const li = await people.signedIn(company.li);
    await openChatWith(li, company.wang.name);
    await expect(message(li, '没网时在第二个标签页写的')).toBeVisible();
    for (const page of [one, two, li]) {
      await expect(said(page)).toHaveCount(all.length);
      for (const text of all) await expect(message(page, text)).toHaveAttribute('data-state', 'sent');
    }
    // The history of the server, not what is still kept here.
    await two.reload();
    await expect(said(two)).toHaveText(all.map((text) => new RegExp(text)));
    await expect(composer(two)).toHaveValue('写到一半');

    // Both renew the session at the same time; neither is put out by the other.
    await Promise.all(tabs.map((tab) => tab.reload()));
    await say(li, '还在吗');
    for (const tab of tabs) await sees(tab, '还在吗');

    // What is chosen in one holds in both.
    await goTo(one, '我');
    await one.getByRole('link', { name: /外观和语言/ }).click();
    await one.getByText('English').click();
    await expect(two.getByRole('textbox', { name: 'Message' })).toBeVisible();
  });
}

test('without locks one of two tabs sounds, and none while a person looks at one', async ({ server, company, people }) => {
  const one = await people.stranger();
  const context = one.context();
  await context.addInitScript(() => {
    let sounds = 0;
    class Silent extends AudioContext {
      override resume(): Promise<void> {
        sounds += 1;
        return Promise.reject(new Error('counted'));
      }
    }
    Object.assign(window, { AudioContext: Silent, sounds: () => sounds });
  });
  await context.clock.setFixedTime(Date.now());
  await one.goto(server.url.replace('127.0.0.1', 'chaoke.test'));
  await signIn(one, company.wang.login, company.wang.password);
  await expect(one.getByRole('navigation', { name: '主导航' })).toBeVisible();
  const two = await people.anotherTab(context);
  await two.goto(one.url());
  const tabs = [one, two];
  const lookAt = (which: typeof one | undefined) =>
    Promise.all(tabs.map((tab) => tab.evaluate((looks) => (document.hasFocus = () => looks), tab === which)));
  const sounds = async () => {
    const each = await Promise.all(tabs.map((tab) => tab.evaluate(() => (window as unknown as { sounds: () => number }).sounds())));
    return each.reduce((sum, one) => sum + one, 0);
  };
  const li = await people.signedIn(company.li);
  await openChatWith(li, company.wang.name);
  await lookAt(two);
  await say(li, '有人在看');
  for (const tab of tabs) await expect(unread(tab, company.li.name)).toHaveText('1');
  await lookAt(undefined);
  await say(li, '没有人看');
  for (const tab of tabs) await expect(unread(tab, company.li.name)).toHaveText('2');
  await expect.poll(sounds).toBe(1);
  // The clock stands: no tab sounds twice, so that a second sound would be the other tab's.
  await say(li, '后一句');
  for (const tab of tabs) await expect(unread(tab, company.li.name)).toHaveText('3');
  expect(await sounds()).toBe(1);
});
