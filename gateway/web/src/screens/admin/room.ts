// What files take of the disk, as one looks at it. Pure.

import type { Result } from '../../core/wire';

export type Storage = Result<'admin.storage.get'>;
export type Use = Storage['images'];
export type PersonUse = Result<'admin.storage.people'>['items'][number];

const GIB = 1024 ** 3;

/** Offered as the most that one person's files may take. */
export const QUOTAS: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_024].map((size) => size * GIB);
/** Offered as the days that files are kept. */
export const FILE_DAYS: readonly number[] = [30, 90, 180, 365, 730, 1_095, 1_825, 3_650];

/** What is offered, and what a script has decided instead. */
export function offered(usual: readonly number[], kept: number | undefined): number[] {
  return [...new Set([...usual, ...(kept === undefined ? [] : [kept])])].toSorted((a, b) => a - b);
}

export type Part = 'images' | 'files' | 'uploading' | 'store' | 'free';

/** The parts of the disk in the order of the drawing; the free room only where the server knows it. */
export function partsOf({ images, files, uploading, disk }: Storage): { part: Part; bytes: number; count?: number }[] {
  return [
    { part: 'images', bytes: images.bytes, count: images.files },
    { part: 'files', bytes: files.bytes, count: files.files },
    { part: 'uploading', bytes: uploading.bytes, count: uploading.files },
    ...(disk
      ? [
          { part: 'store' as const, bytes: disk.store_bytes },
          { part: 'free' as const, bytes: disk.free_bytes },
        ]
      : []),
  ];
}

/** From here on somebody will soon be refused. */
const NEARLY = 0.9;

export interface Share {
  /** How much of the bar is filled, in percent. */
  filled: number;
  /** Of the quota, in whole percent; nothing without one. */
  percent?: number;
  mark?: 'nearly' | 'full';
}

/** What one person takes of the quota, or beside who takes most. */
export function shareOf(bytes: number, quota: number | undefined, most: number): Share {
  if (quota === undefined) return { filled: most === 0 ? 0 : (bytes / most) * 100 };
  const share = bytes / quota;
  const filled = Math.min(1, share) * 100;
  // Down: "100 %" is said when there is no room left.
  const percent = Math.floor(share * 100);
  if (share < NEARLY) return { filled, percent };
  return { filled, percent, mark: share < 1 ? 'nearly' : 'full' };
}

/** Whether files that were kept so far may go. */
export function isShorter(days: number | undefined, kept: number | undefined): boolean {
  return days !== undefined && (kept === undefined || days < kept);
}
