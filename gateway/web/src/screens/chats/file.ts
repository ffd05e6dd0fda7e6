// What is said and measured of files.

import type { ApiError } from '../../core/errors';
import { FILE_MAX_BYTES, type MessageFile } from '../../core/wire';
import { errorText, type Language, type T, type TextKey } from '../../i18n';

const UNITS = ['KB', 'MB', 'GB'];
/** A picture in a bubble is no larger than this, and no smaller than a finger. */
const PICTURE_MAX_PX = 320;
const PICTURE_MIN_PX = 48;
/** One whose size the server could not tell. */
const PICTURE_UNKNOWN = { width: 240, height: 180 };
/** So much of the end of a name is seen however long it is: what kind of file it is, and what tells copies apart. */
const TAIL_CHARS = 10;
const SHORT_NAME_CHARS = 16;
/** What browsers call a picture that is pasted. */
const PASTED_NAME = 'image.png';

const REASONS: Record<string, TextKey> = {
  file_empty: 'file.empty',
  file_too_large: 'file.too_large',
  file_kind_refused: 'file.kind_refused',
  storage_full: 'file.storage_full',
  unreadable: 'file.unreadable',
  outbox_full: 'chat.outbox_full',
};

/** As file managers count: 1 KB is 1,024 bytes. */
export function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  let value = bytes / 1_024;
  let unit = 0;
  // Never four digits.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${value < 99.95 ? String(Math.round(value * 10) / 10) : Math.round(value)} ${UNITS[unit]}`;
}

/** The box of a picture, known before it loads. */
export function pictureBox({ width, height }: Pick<MessageFile, 'width' | 'height'>): { width: number; height: number } {
  if (!width || !height) return PICTURE_UNKNOWN;
  const scale = Math.min(1, PICTURE_MAX_PX / width, PICTURE_MAX_PX / height);
  return { width: side(width * scale), height: side(height * scale) };
}

function side(px: number): number {
  return Math.max(PICTURE_MIN_PX, Math.round(px));
}

/** A long name is cut in its middle. */
export function splitName(name: string): [head: string, tail: string] {
  const chars = [...name];
  if (chars.length <= SHORT_NAME_CHARS) return [name, ''];
  return [chars.slice(0, -TAIL_CHARS).join(''), chars.slice(-TAIL_CHARS).join('')];
}

/** Why a file was not sent: our words where we know more. */
export function whyNotSent(t: T, code: Language, failure: ApiError): string {
  const key = REASONS[failure.code];
  return key ? t(key, { max: sizeText(FILE_MAX_BYTES) }) : errorText(t, code, failure);
}

export interface Dropped {
  files: File[];
  /** Something was a folder: browsers give it as a file that can not be read. */
  folder: boolean;
}

/** What was dropped or pasted. */
export function filesOf(transfer: DataTransfer): Dropped {
  const isFolder = (item: DataTransferItem) =>
    item.kind === 'file' && typeof item.webkitGetAsEntry === 'function' && item.webkitGetAsEntry()?.isDirectory === true;
  const folders = new Set([...transfer.items].filter(isFolder).map((item) => item.getAsFile()?.name));
  const files = [...transfer.files].filter((file) => !folders.has(file.name));
  return { files, folder: folders.size > 0 };
}

/** A pasted picture has no name of its own: the time tells it from the next. */
export function namePasted(t: T, files: readonly File[], now: Date): File[] {
  const pad = (value: number) => String(value).padStart(2, '0');
  const day = [now.getFullYear(), pad(now.getMonth() + 1), pad(now.getDate())].join('-');
  const time = `${day} ${[now.getHours(), now.getMinutes(), now.getSeconds()].map(pad).join('.')}`;
  return files.map((file) =>
    file.name === PASTED_NAME ? new File([file], `${t('file.pasted', { time })}.png`, { type: file.type }) : file,
  );
}
