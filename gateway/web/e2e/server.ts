// The real server as a process of its own, with a data folder that is gone afterwards.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as oneMoment } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const START_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 20;

export function binary(): string {
  const target = process.env['CARGO_TARGET_DIR'] ?? join(REPOSITORY, 'target');
  const path = process.env['CHAOKE_BIN'] ?? join(target, 'ci/chaoke');
  if (!existsSync(path)) {
    throw new Error(`${path} is not there. Build it: cargo build --profile ci --workspace --bins`);
  }
  return path;
}

export class Server {
  readonly data = mkdtempSync(join(tmpdir(), 'chaoke-e2e-'));
  private child: ChildProcess | undefined;
  private port = 0;
  private output = '';

  /** Port 0 the first time, the same port again after that, so that open pages find it. */
  async start(): Promise<void> {
    const child = spawn(binary(), ['serve', '--data', this.data, '--listen', `127.0.0.1:${this.port}`], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    const from = this.output.length;
    await new Promise<void>((ready, failed) => {
      const late = setTimeout(() => failed(new Error(`the server did not start:\n${this.output}`)), START_WITHIN_MS);
      const hear = (text: Buffer) => {
        this.output += text.toString();
        const found = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(this.output.slice(from));
        if (!found) return;
        this.port = Number(found[1]);
        clearTimeout(late);
        ready();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('error', failed);
      child.once('exit', (code) => {
        clearTimeout(late);
        failed(new Error(`the server ended with ${code}:\n${this.output}`));
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The one-time link `http://…/setup#TOKEN`, read where a new user reads it: among what is printed. */
  async setupLink(): Promise<string> {
    const until = Date.now() + START_WITHIN_MS;
    for (;;) {
      const found = /http:\/\/\S+\/setup#\S+(?=\n)/.exec(this.output);
      if (found) return found[0];
      if (Date.now() > until) throw new Error(`the server printed no set-up link:\n${this.output}`);
      await oneMoment(LOOK_EVERY_MS);
    }
  }

  /** As a power cut ends it: no goodbye, nothing flushed. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
    rmSync(this.data, { recursive: true, force: true });
  }

  private async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((ended) => {
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
      child.once('exit', () => {
        clearTimeout(late);
        ended();
      });
      child.kill(signal);
    });
  }
}
