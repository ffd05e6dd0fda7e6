// What `make figures` finds, as JSON that stays in the repository, and on what it was found.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../../..');
const REPORT = join(ROOT, 'reports/client.json');

export interface Report {
  name: 'client';
  command: string;
  commit: string;
  machine: { cores: number; processor: string; memory_mb: number; kernel: string };
  browser: string;
  runs: Run[];
}

export interface Run {
  /** Processes that waited for a core in the minute before. */
  load_before: number;
  /** By name; the unit is the end of the name. */
  figures: Record<string, number>;
}

function git(...parts: string[]): string {
  return execFileSync('git', parts, { cwd: ROOT, encoding: 'utf8' }).trim();
}

export function begin(browser: string): Report {
  const changed = git('status', '--porcelain', '--', 'gateway', 'chat-core', 'storage') !== '';
  return {
    name: 'client',
    command: 'make figures',
    commit: git('rev-parse', '--short=12', 'HEAD') + (changed ? ' and changes' : ''),
    machine: {
      cores: cpus().length,
      processor: cpus()[0]?.model ?? '',
      memory_mb: Math.round(totalmem() / 1_048_576),
      kernel: release(),
    },
    browser,
    runs: [],
  };
}

export function beginRun(report: Report): Run {
  const run = { load_before: Math.round((loadavg()[0] ?? 0) * 100) / 100, figures: {} };
  report.runs.push(run);
  return run;
}

export function save(report: Report): void {
  writeFileSync(REPORT, `${JSON.stringify(report, undefined, 2)}\n`);
}

export function read(): Report {
  return JSON.parse(readFileSync(REPORT, 'utf8')) as Report;
}

/** The middle one; of two in the middle the first. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}
