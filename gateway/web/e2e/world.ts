// The world a browser test begins in: a running server, and when it asks for it a company of three.
// Each test has its own server and its own folder, so tests run side by side and never see each other.
import { type Browser, type BrowserContext, expect, type Page, test as base } from '@playwright/test';

import { type Account, Api } from './api';
import { signIn } from './screens';
import { Server } from './server';

export const PASSWORD = 'chao-ke-2024';

/** This machine, by number and by the name that the browser is told. */
const OWN = new Set(['127.0.0.1', 'chaoke.test']);

export interface Company {
  api: Api;
  admin: Account;
  wang: Account;
  li: Account;
}

/** Opens a browser of their own for each person, signed in and at their conversations. */
export class People {
  /** What no page may do: throw, break the content security policy, ask a foreign host for something. */
  readonly misdeeds: string[] = [];
  private readonly contexts: BrowserContext[] = [];

  constructor(
    private readonly browser: Browser,
    private readonly server: Server,
    private readonly look: object,
  ) {}

  /** A browser nobody has signed in with. */
  async stranger(): Promise<Page> {
    const context = await this.browser.newContext({ ...this.look, baseURL: this.server.url });
    this.contexts.push(context);
    return this.anotherTab(context);
  }

  /** One more page of a browser that is open already. */
  async anotherTab(context: BrowserContext): Promise<Page> {
    const page = await context.newPage();
    page.on('pageerror', (error) => this.misdeeds.push(`threw: ${error.message}`));
    page.on('console', (line) => {
      // A refused call or a lost connection is logged by the browser itself; stories about those are told here.
      const expected = /Failed to (load resource|fetch dynamically imported module)|WebSocket connection to/.test(line.text());
      if (line.type() === 'error' && !expected) this.misdeeds.push(`logged: ${line.text()}`);
    });
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (/^(http|ws)s?:$/.test(protocol) && !OWN.has(hostname)) this.misdeeds.push(`asked ${request.url()}`);
    });
    return page;
  }

  async signedIn(account: Account): Promise<Page> {
    const page = await this.stranger();
    await page.goto('/');
    await signIn(page, account.login, account.password);
    // A page that goes elsewhere before the answer came is not signed in.
    await expect(page.getByRole('navigation', { name: '主导航' })).toBeVisible();
    return page;
  }

  async leave(): Promise<void> {
    await Promise.all(this.contexts.map((context) => context.close()));
  }
}

export const test = base.extend<{ server: Server; company: Company; people: People }>({
  server: async ({}, use) => {
    const server = new Server();
    await server.start();
    await use(server);
    await server.stop();
  },
  company: async ({ server }, use) => {
    const api = new Api(server);
    const admin = await api.setUp('超客科技', '张伟', 'zhangwei', PASSWORD);
    const wang = await api.addColleague('王芳', 'wangfang', PASSWORD);
    const li = await api.addColleague('李娜', 'lina', PASSWORD);
    await use({ api, admin, wang, li });
  },
  people: async ({ browser, server, viewport, hasTouch, locale, timezoneId, colorScheme, serviceWorkers }, use) => {
    const look = { viewport, hasTouch, locale, timezoneId, colorScheme, serviceWorkers };
    const people = new People(browser, server, look);
    await use(people);
    await people.leave();
    expect(people.misdeeds).toEqual([]);
  },
});

export { expect };
