// The first day as a new user lives it, on the screens only: the link the server printed, a company, a
// colleague, a first message and its answer.
import { addColleague, chooseFirstPassword, goTo, message, openChatWith, row, say, sees, setUp, signIn } from './screens';
import { expect, PASSWORD, test } from './world';

test('IM-01 ORG-i03 from the set-up link to the first message and its answer', async ({ server, people }) => {
  const boss = await people.stranger();
  await setUp(boss, await server.setupLink(), {
    company: '超客科技',
    name: '张伟',
    login: 'zhangwei',
    password: PASSWORD,
  });
  await goTo(boss, '通讯录');
  const credential = await addColleague(boss, '王芳', 'wangfang');
  expect(credential).toMatch(/^[a-z0-9]{26}$/i);

  const wang = await people.stranger();
  await wang.goto('/');
  await signIn(wang, 'wangfang', credential);
  await chooseFirstPassword(wang, PASSWORD);

  await openChatWith(boss, '王芳');
  await say(boss, '欢迎加入！');
  await sees(boss, '欢迎加入！');

  await goTo(wang, '会话');
  await row(wang, '张伟').click();
  await sees(wang, '欢迎加入！');
  await say(wang, '谢谢，很高兴认识大家');
  await sees(boss, '谢谢，很高兴认识大家');
  await expect(message(boss, '欢迎加入！')).toHaveCount(1);
  await expect(message(wang, '欢迎加入！')).toHaveCount(1);
});

test('the set-up link works once, and without it nobody sets up a company', async ({ server, people }) => {
  const link = await server.setupLink();
  const stranger = await people.stranger();
  await setUp(stranger, `${server.url}/setup#not-the-token`, {
    company: '别人的公司',
    name: '陌生人',
    login: 'stranger',
    password: PASSWORD,
  });
  await expect(stranger.getByRole('button', { name: '创建公司' })).toBeVisible();

  const boss = await people.stranger();
  await setUp(boss, link, { company: '超客科技', name: '张伟', login: 'zhangwei', password: PASSWORD });
  await expect(boss.getByRole('navigation', { name: '主导航' })).toBeVisible();

  const late = await people.stranger();
  await late.goto(link);
  await expect(late.getByText('公司已经创建')).toBeVisible();
});
