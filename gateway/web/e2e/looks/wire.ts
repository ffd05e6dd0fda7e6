// A hand on a page's line to the server: an answer can be held back or replaced, to see what the page shows then.
import type { Page, Route, WebSocketRoute } from '@playwright/test';

type Frame = [number, string, unknown, string?];

/** An error of the wire, and the status it has over HTTP. */
export interface Refusal {
  status: number;
  class: string;
  code: string;
  message: { zh: string; en: string };
  request_id?: string;
}

export class Wire {
  private readonly held = new Set<string>();
  private readonly failing = new Map<string, Refusal>();
  private sockets: WebSocketRoute[] = [];

  static async on(page: Page): Promise<Wire> {
    const wire = new Wire();
    await page.routeWebSocket('**/ws', (socket) => wire.join(socket));
    await page.route('**/api/v1/*', (route) => wire.pass(route));
    return wire;
  }

  /** Calls of this method wait for ever. */
  hold(method: string): void {
    this.held.add(method);
  }

  /** Calls of this method are answered with an error. */
  fail(method: string, error: Refusal): void {
    this.failing.set(method, error);
  }

  /** The server closes the line, as it does with this code. */
  async cut(code: number): Promise<void> {
    await Promise.all(this.sockets.map((socket) => socket.close({ code })));
  }

  free(): void {
    this.held.clear();
    this.failing.clear();
  }

  private async pass(route: Route): Promise<void> {
    const method = route.request().url().split('/').at(-1) ?? '';
    if (this.held.has(method)) return;
    const error = this.failing.get(method);
    if (error) await route.fulfill({ status: error.status, json: error });
    else await route.fallback();
  }

  private join(socket: WebSocketRoute): void {
    const server = socket.connectToServer();
    this.sockets = [socket];
    socket.onMessage((message) => {
      const [id, method] = JSON.parse(String(message)) as Frame;
      if (this.held.has(method)) return;
      const error = this.failing.get(method);
      if (error) socket.send(JSON.stringify([id, false, error]));
      else server.send(message);
    });
  }
}
