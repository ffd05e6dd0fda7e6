// A hand on a page's line to the server: an answer can be held back or replaced, to see what the page shows then.
import type { Page, Request, Route, WebSocketRoute } from '@playwright/test';

type Frame = [number, string, unknown, string?];

/** An error of the wire, and the status it has over HTTP. */
export interface Refusal {
  status: number;
  class: string;
  code: string;
  message: { zh: string; en: string };
  request_id?: string;
}

/** What a call with these parameters is answered. */
export type Answering = (params: unknown) => object;

export class Wire {
  /** The methods that the page called over the socket, in order. */
  readonly called: string[] = [];
  private readonly held = new Set<string>();
  /** What goes on where a held call stopped. */
  private waiting: { method: string; goOn: () => void }[] = [];
  private readonly failing = new Map<string, Refusal>();
  private readonly answering = new Map<string, Answering>();
  private sockets: WebSocketRoute[] = [];

  static async on(page: Page): Promise<Wire> {
    const wire = new Wire();
    await page.routeWebSocket('**/ws', (socket) => wire.join(socket));
    await page.route('**/api/v1/*', (route) => wire.pass(route, route.request().url().split('/').at(-1) ?? ''));
    await page.route('**/files/*', (route) => wire.pass(route, bytesOf(route.request())));
    return wire;
  }

  /** Calls of this method wait, for ever or until they are let go. */
  hold(method: string): void {
    this.held.add(method);
  }

  /** How many calls of this method wait. */
  holds(method: string): number {
    return this.waiting.filter((one) => one.method === method).length;
  }

  letGo(method: string): void {
    this.held.delete(method);
    const goOn = this.waiting.filter((one) => one.method === method);
    this.waiting = this.waiting.filter((one) => one.method !== method);
    for (const one of goOn) one.goOn();
  }

  /** Calls of this method are answered with an error. */
  fail(method: string, error: Refusal): void {
    this.failing.set(method, error);
  }

  /** Calls of this method are answered with this instead of the server's answer. */
  answer(method: string, answering: Answering): void {
    this.answering.set(method, answering);
  }

  /** The server closes the line, as it does with this code. */
  async cut(code: number): Promise<void> {
    await Promise.all(this.sockets.map((socket) => socket.close({ code })));
  }

  free(): void {
    this.held.clear();
    this.waiting = [];
    this.failing.clear();
    this.answering.clear();
  }

  private async pass(route: Route, method: string): Promise<void> {
    if (this.held.has(method)) return;
    const error = this.failing.get(method);
    const answering = this.answering.get(method);
    if (error) await route.fulfill({ status: error.status, json: error });
    else if (answering) await route.fulfill({ json: answering(route.request().postDataJSON()) });
    else await route.fallback();
  }

  private join(socket: WebSocketRoute): void {
    const server = socket.connectToServer();
    this.sockets = [socket];
    socket.onMessage((message) => {
      const [id, method, params] = JSON.parse(String(message)) as Frame;
      this.called.push(method);
      if (this.held.has(method)) {
        this.waiting.push({ method, goOn: () => server.send(message) });
        return;
      }
      const error = this.failing.get(method);
      const answering = this.answering.get(method);
      if (error) socket.send(JSON.stringify([id, false, error]));
      else if (answering) socket.send(JSON.stringify([id, true, answering(params)]));
      else server.send(message);
    });
  }
}

/** The bytes of files are no calls; these are their names here. */
function bytesOf(request: Request): 'file.bytes' | 'file.first_part' | 'file.later_part' {
  if (request.method() !== 'PUT') return 'file.bytes';
  return request.headers()['upload-offset'] === '0' ? 'file.first_part' : 'file.later_part';
}
