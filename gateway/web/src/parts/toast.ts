// Short sentences that come and go by themselves. Outside React so that anything may say something.

import { Cell } from '../core/cell';

export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'danger';
}

const SHOWN_MS = 4_000;
/** More than this at once cannot be read. */
const TOASTS_MAX = 3;

export const toasts = new Cell<readonly Toast[]>([]);
let nextId = 1;

export function say(text: string, tone: Toast['tone'] = 'plain'): void {
  const toast: Toast = { id: nextId, text, tone };
  nextId += 1;
  toasts.update((all) => [...all, toast].slice(-TOASTS_MAX));
  setTimeout(() => toasts.update((all) => all.filter(({ id }) => id !== toast.id)), SHOWN_MS);
}
