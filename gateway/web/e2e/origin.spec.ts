// A proxy in front of the server that does not tell it which address people typed: the mistake that most set-ups of a
// proxy begin with. The server takes the page for one of another site, and the page must say so.
import { createServer, type IncomingMessage, request, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { goTo, row, signIn } from './screens';
import { expect, test } from './world';

/** Hands everything on; `hidden` says of which requests the typed address is lost. */
async function proxyTo(url: string, hidden: (path: string) => boolean): Promise<{ url: string; close: () => void }> {
  const target = new URL(url);
  const onward = ({ url: path = '/', method = 'GET', headers }: IncomingMessage) =>
    request({
      host: target.hostname,
      port: target.port,
      path,
      method,
      headers: { ...headers, ...(hidden(path) ? { host: target.host } : {}) },
    });
  const proxy: HttpServer = createServer((asked, answer) => {
    const asking = onward(asked);
    asking.on('response', (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
    });
    asking.on('error', () => answer.destroy());
    asked.pipe(asking);
  });
  proxy.on('upgrade', (asked, socket) => {
    const asking = onward(asked);
    asking.on('upgrade', (got, line, first) => {
      const heads = Object.entries(got.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${heads.join('')}\r\n`);
      // The server closes at once: that may have come together with the head.
      socket.write(first);
      line.pipe(socket).pipe(line);
      line.on('error', () => socket.destroy());
      socket.on('error', () => line.destroy());
    });
    asking.on('error', () => socket.destroy());
    asking.end();
  });
  await new Promise<void>((ready) => proxy.listen(0, '127.0.0.1', ready));
  const { port } = proxy.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}

test('behind a proxy that hides the address the door says why nobody comes in', async ({ server, company, people }) => {
  const proxy = await proxyTo(server.url, () => true);
  const wang = await people.stranger();
  await wang.goto(proxy.url);
  await signIn(wang, company.wang.login, company.wang.password);
  await expect(wang.getByRole('alert').filter({ hasText: '服务器不接受来自这个网址的连接' })).toBeVisible();
  await expect(wang.getByLabel('帐号')).toHaveValue(company.wang.login);
  proxy.close();
});

test('where only the line is refused a red line says so, and what needs no line works', async ({ server, company, people }) => {
  const proxy = await proxyTo(server.url, (path) => path.startsWith('/ws'));
  const { conversation_id } = await company.api.call<{ conversation_id: string }>('conversation.create_discussion', {
    name: '项目组',
    user_ids: [company.wang.user_id, company.li.user_id],
  });
  await company.api.call('message.send', { conversation_id, client_msg_id: 'm', text: '请看' });
  const wang = await people.stranger();
  await wang.goto(proxy.url);
  await signIn(wang, company.wang.login, company.wang.password);
  await expect(wang.getByText('服务器不接受来自这个网址的连接')).toBeVisible();
  await goTo(wang, '会话');
  await expect(row(wang, '项目组')).toBeVisible();
  proxy.close();
});
