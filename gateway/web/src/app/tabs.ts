// Several pages of one browser speak with one voice: one of them sounds and shows notices, and none does while
// a person looks at any of them. Kept by locks of the browser, which end with the page that holds them. Where it
// has none (plain HTTP) each page knows only itself.

import { newId } from '../core/ids';
import { isLooking } from './live';

const SPEAKER = 'chaoke-speaker';
const LOOKING = 'chaoke-looking-';
/** Each page has its own: what a page knows of itself it need not ask for. */
const OWN_LOOKING = LOOKING + newId();

let speaks = typeof navigator === 'undefined' || !navigator.locks;
let looks: Promise<() => void> | undefined;

/** From now on this page stands in line for speaking, and the others know whether it is looked at. */
export function joinTabs(): void {
  if (!navigator.locks) return;
  void navigator.locks.request(SPEAKER, () => {
    speaks = true;
    // Held as long as the page lives.
    return new Promise(() => {});
  });
  for (const event of ['focus', 'blur']) window.addEventListener(event, () => void noteLooking());
  document.addEventListener('visibilitychange', () => void noteLooking());
  void noteLooking();
}

/** Whether a message that just came may be heard and shown by this page. */
export async function maySpeak(): Promise<boolean> {
  if (isLooking()) return false;
  if (!navigator.locks) return true;
  const { held } = await navigator.locks.query();
  return speaks && !held?.some(({ name = '' }) => name.startsWith(LOOKING) && name !== OWN_LOOKING);
}

/** Holds the lock of those who are looked at exactly while one looks. */
async function noteLooking(): Promise<void> {
  if (isLooking() === (looks !== undefined)) return;
  if (looks) {
    const letGo = looks;
    looks = undefined;
    (await letGo)();
    return;
  }
  looks = new Promise((held) => {
    void navigator.locks.request(OWN_LOOKING, () => new Promise<void>((letGo) => held(letGo)));
  });
}
