// One row of the table of states: what is looked at, and how one comes there.
import type { Locator, Page } from '@playwright/test';

import { expect } from '../world';
import type { Stage } from './stage';
import type { Refusal } from './wire';

export type WidthName = 'phone' | 'desk';

export interface State {
  /** The first part of the pictures' names. */
  name: string;
  /** The screen in the middle of this state, on a page that waits for nothing more. */
  show: (stage: Stage, width: WidthName) => Promise<Page>;
  /** Puts back what would show in the states after it. */
  undo?: (stage: Stage) => Promise<void>;
  /** Where only one of the two layouts has this state. */
  on?: WidthName;
  /** The screens that are audited in the dark theme too; the others are drawn from the same tokens. */
  main?: true;
  /** Takes long to bring about: photographed and audited by `make shots` only. */
  dear?: true;
}

/** What the server says when it could not. */
export const BROKEN: Refusal = {
  status: 500,
  class: 'internal',
  code: 'internal',
  message: { zh: '服务器出了点问题', en: 'Something went wrong on the server' },
  request_id: '7k2m9q',
};

/** What it says where the cause has a name that an administrator can act on. */
export const FULL: Refusal = {
  status: 503,
  class: 'unavailable',
  code: 'store_full',
  message: { zh: '服务器的磁盘满了，暂时不能读写', en: 'The disk of the server is full' },
};

/** Waits until it is there, then gives back its page. */
export async function seen(what: Locator): Promise<Page> {
  await expect(what.first()).toBeVisible();
  return what.page();
}

/** Longer than any answer takes; what waits for something on purpose is looked at as it is then. */
const REST_MS = 6_000;

/**
 * Waits until names have come, histories stand where they will stay, and nothing is on its way in or out: what is
 * half there has no colour of its own.
 */
export async function rested(page: Page): Promise<Page> {
  const still = () => {
    const history = document.querySelector('[data-testid=history]');
    const stands = history === null || history.parentElement?.dataset['settled'] === 'true';
    const moving = document.getAnimations().some((one) => Number.isFinite(one.effect?.getComputedTiming().endTime) && one.playState === 'running');
    const fading = [...document.querySelectorAll('[style*="transition-property"]')].some((one) => getComputedStyle(one).opacity !== '1');
    return stands && !moving && !fading && document.querySelector('[data-letters=""]') === null;
  };
  await page.waitForFunction(still, undefined, { timeout: REST_MS }).catch(() => {});
  return page;
}
