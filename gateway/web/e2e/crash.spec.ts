// The promise that matters most: the server dies in mid-sentence, and afterwards nothing is lost and
// nothing stands there twice.
import { composer, message, openChatWith, said, say, sees } from './screens';
import { expect, test } from './world';

const BEFORE = ['第一句', '第二句', '第三句'];
const DURING = ['第四句，服务器已经不在', '第五句', '第六句'];
const AFTER = '第七句，服务器回来了';

test('PLAT-i04 the server is killed in mid-send and restarted: nothing lost, nothing doubled', async ({
  server,
  company,
  people,
}) => {
  const wang = await people.signedIn(company.wang);
  const li = await people.signedIn(company.li);
  await openChatWith(wang, company.li.name);
  await openChatWith(li, company.wang.name);
  for (const text of BEFORE) await say(wang, text);
  await sees(li, BEFORE[2]!);

  // One is on its way while the process dies; whether it arrived, nobody knows.
  await composer(wang).fill(DURING[0]!);
  await Promise.all([composer(wang).press('Enter'), server.kill()]);
  await say(wang, DURING[1]!);
  await say(wang, DURING[2]!);
  await sees(wang, DURING[2]!);

  await server.start();
  // The pages find the server again by themselves, after a pause that the server chose.
  await expect(message(li, DURING[2]!)).toBeVisible({ timeout: 40_000 });
  await say(wang, AFTER);
  await sees(li, AFTER);

  const all = [...BEFORE, ...DURING, AFTER];
  for (const page of [wang, li]) {
    await expect(said(page)).toHaveCount(all.length);
    for (const [at, text] of all.entries()) await expect(said(page).nth(at)).toContainText(text);
    await page.reload();
    await sees(page, AFTER);
    await expect(said(page)).toHaveCount(all.length);
  }
});

test('what was written without a connection is sent when the page is opened again', async ({
  server,
  company,
  people,
}) => {
  const wang = await people.signedIn(company.wang);
  const li = await people.signedIn(company.li);
  await openChatWith(li, company.wang.name);
  await openChatWith(wang, company.li.name);
  await say(wang, '先打个招呼');
  await sees(li, '先打个招呼');

  await server.kill();
  await say(wang, '写于断线之后');
  await sees(wang, '写于断线之后');
  await server.start();
  await wang.reload();
  await expect(message(li, '写于断线之后')).toHaveCount(1, { timeout: 40_000 });
  await expect(message(wang, '写于断线之后')).toHaveCount(1);
});
