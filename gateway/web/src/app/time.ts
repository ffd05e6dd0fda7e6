// Times as people say them. `now` comes in, so that tests choose the day.

import type { T } from '../i18n';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const WEEK_DAYS = 7;

/** `14:05`, in the machine's zone. */
export function clockText(at: number): string {
  const date = new Date(at);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** 今天, 昨天, 周三 within the last six days, 11月3日, 2024年11月3日. */
export function dayText(t: T, at: number, now: number): string {
  const days = daysBetween(at, now);
  const date = new Date(at);
  if (days <= 0) return t('time.today');
  if (days === 1) return t('time.yesterday');
  if (days < WEEK_DAYS) return t('time.weekdays').split(',')[date.getDay()] ?? '';
  const places = { year: date.getFullYear(), month: date.getMonth() + 1, day: date.getDate() };
  return date.getFullYear() === new Date(now).getFullYear() ? t('time.month_day', places) : t('time.year_month_day', places);
}

/** Above a message: the day and the time. */
export function momentText(t: T, at: number, now: number): string {
  return t('time.at', { day: dayText(t, at, now), time: clockText(at) });
}

/** In a list row: the time today, else the day. */
export function rowTimeText(t: T, at: number, now: number): string {
  return daysBetween(at, now) <= 0 ? clockText(at) : dayText(t, at, now);
}

/** 刚刚, 5 分钟前, then as in a list. */
export function agoText(t: T, at: number, now: number): string {
  const passed = now - at;
  if (passed < MINUTE_MS) return t('time.just_now');
  if (passed < HOUR_MS) return t('time.minutes_ago', { count: Math.floor(passed / MINUTE_MS) });
  return momentText(t, at, now);
}

/** Midnights between the two; negative when `at` is later. */
export function daysBetween(at: number, now: number): number {
  const from = new Date(at);
  const to = new Date(now);
  const start = Date.UTC(from.getFullYear(), from.getMonth(), from.getDate());
  const end = Date.UTC(to.getFullYear(), to.getMonth(), to.getDate());
  return Math.round((end - start) / (24 * HOUR_MS));
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
