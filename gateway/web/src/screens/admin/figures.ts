// Figures as people read them. Pure.

import { clockText, dayText } from '../../app/time';
import type { T } from '../../i18n';

const KIB = 1024;
const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `1.5 GB`, `5 GB`: three digits say enough. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= KIB && unit < UNITS.length - 1) {
    value /= KIB;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${Number(value.toFixed(digits))} ${UNITS[unit]}`;
}

const GROUPED = new Intl.NumberFormat('en-US');

/** `12,345`, as both languages write it. */
export function numberText(value: number): string {
  return GROUPED.format(value);
}

/** For how long, in its two largest units. */
export function spanText(t: T, ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  const hours = Math.floor((ms % DAY_MS) / HOUR_MS);
  const minutes = Math.floor((ms % HOUR_MS) / MINUTE_MS);
  if (days > 0) return t('admin.days_hours', { days, hours });
  if (hours > 0) return t('admin.hours_minutes', { hours, minutes });
  return t('admin.minutes', { minutes: Math.max(1, minutes) });
}

/** An hour of a chart. */
export function hourText(t: T, at: number, now: number): string {
  return t('time.at', { day: dayText(t, at, now), time: clockText(at) });
}

/** The server counts that far. */
export const COUNTED_MAX = 1_000;

export function countText(count: number): string {
  return count >= COUNTED_MAX ? `${COUNTED_MAX}+` : String(count);
}

/** How far the clock on this wall is from UTC on that day, as `+08:00`. */
export function zoneText(at: number): string {
  const east = -new Date(at).getTimezoneOffset();
  const two = (value: number) => String(value).padStart(2, '0');
  const away = Math.abs(east);
  return `${east < 0 ? '-' : '+'}${two(Math.floor(away / 60))}:${two(away % 60)}`;
}

/** Where a day of a date field begins, and where the next one does; nothing for an empty field. */
export function dayOf(field: string): { from: number; until: number } | undefined {
  const [year, month, day] = field.split('-').map(Number);
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const from = new Date(year, month - 1, day).getTime();
  const until = new Date(year, month - 1, day + 1).getTime();
  return Number.isNaN(from) ? undefined : { from, until };
}
