// A socket whose other end is the test.

import type { SocketLike } from '../core/connection';

export class ScriptedSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly sent: unknown[][] = [];
  closed = false;
  /** Called for every frame of the client. */
  onFrame: (frame: unknown[]) => void = () => {};

  constructor(
    readonly url: string,
    readonly protocols: string[],
  ) {}

  send(text: string): void {
    const frame = JSON.parse(text) as unknown[];
    this.sent.push(frame);
    this.onFrame(frame);
  }

  close(): void {
    this.closed = true;
  }

  accept(): void {
    this.onopen?.();
  }

  say(frame: unknown): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  sayRaw(data: unknown): void {
    this.onmessage?.({ data });
  }

  hangUp(code: number): void {
    this.closed = true;
    this.onclose?.({ code });
  }

  /** The frames that call this method. */
  calls(method: string): unknown[][] {
    return this.sent.filter((frame) => frame[1] === method);
  }
}
