// One-time credentials live in this page's memory until they are put away; the server shows them once.

import { Cell } from '../../core/cell';
import type { AddedLine } from '../../core/wire';

export interface Credential {
  name: string;
  login: string;
  credential: string;
}

export interface HandOut {
  people: Credential[];
  /** Lines of a pasted list that added nobody. */
  skipped: AddedLine[];
}

export const handedOut = new Cell<HandOut | undefined>(undefined);

/** They are nowhere else: the browser asks before the page with them is closed or loaded anew. */
const ask = (event: BeforeUnloadEvent) => event.preventDefault();
handedOut.subscribe(() => {
  if (handedOut.get()) window.addEventListener('beforeunload', ask);
  else window.removeEventListener('beforeunload', ask);
});

/** What was handed out before and not put away stays on the sheet. */
export function handOut(next: HandOut): void {
  handedOut.update((before) => ({ people: [...next.people, ...(before?.people ?? [])], skipped: next.skipped }));
}

export function putAway(): void {
  handedOut.set(undefined);
}
