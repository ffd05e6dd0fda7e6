// Several pages of one browser speak with one voice: one of them sounds and shows notices, and none does while
// a person looks at any of them. Kept by locks of the browser, which end with the page that holds them. Where it
// has none (plain HTTP) the pages ask each other.

import { newId } from '../core/ids';
import { isLooking } from './live';

const SPEAKER = 'chaoke-speaker';
const LOOKING = 'chaoke-looking-';
/** Each page has its own: what a page knows of itself it need not ask for. */
const OWN_ID = newId();
const OWN_LOOKING = LOOKING + OWN_ID;
/** Pages of one browser answer within a few milliseconds; who does not is asleep, and silent by that. */
const ANSWERS_WITHIN_MS = 150;

type Call = { ask: string } | { answer: string; from: string; looks: boolean };

let speaks = false;
let channel: BroadcastChannel | undefined;
let looks: Promise<() => void> | undefined;

/** From now on this page stands in line for speaking, and the others know whether it is looked at. */
export function joinTabs(): void {
  if (!navigator.locks) {
    channel = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel('chaoke-speaker');
    channel?.addEventListener('message', ({ data }: MessageEvent<Call>) => {
      if ('ask' in data) call({ answer: data.ask, from: OWN_ID, looks: isLooking() });
    });
    return;
  }
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
  if (!navigator.locks) return maySpeakByCalls();
  const { held } = await navigator.locks.query();
  return speaks && !held?.some(({ name = '' }) => name.startsWith(LOOKING) && name !== OWN_LOOKING);
}

/** Of all pages that answer the one with the least id speaks, and only while none of them is looked at. */
function maySpeakByCalls(): Promise<boolean> {
  const ask = newId();
  let may = true;
  const hear = ({ data }: MessageEvent<Call>) => {
    if ('answer' in data && data.answer === ask && (data.looks || data.from < OWN_ID)) may = false;
  };
  channel?.addEventListener('message', hear);
  call({ ask });
  return new Promise((done) => {
    setTimeout(() => {
      channel?.removeEventListener('message', hear);
      done(may);
    }, ANSWERS_WITHIN_MS);
  });
}

function call(what: Call): void {
  channel?.postMessage(what);
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
