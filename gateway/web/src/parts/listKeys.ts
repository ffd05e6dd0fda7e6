// Arrow keys in a virtual list: the row may not be drawn yet, so it is scrolled to first.

import type { KeyboardEvent, RefObject } from 'react';
import type { VListHandle } from 'virtua';

/** Rows carry `data-index`. `from` is the place to go on from while no row has the focus. */
export function onListKey(
  event: KeyboardEvent<HTMLElement>,
  list: RefObject<VListHandle | null>,
  count: number,
  from = -1,
): void {
  const step = STEPS[event.key];
  if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  const box = event.currentTarget;
  const at = Number(document.activeElement?.closest<HTMLElement>('[data-index]')?.dataset['index'] ?? from);
  const next = Math.max(0, Math.min(count - 1, step(at, count)));
  if (count === 0) return;
  event.preventDefault();
  list.current?.scrollToIndex(next, { align: 'nearest' });
  focusRow(box, next, 5);
}

const STEPS: Record<string, (at: number, count: number) => number> = {
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  Home: () => 0,
  End: (_, count) => count - 1,
};

function focusRow(box: HTMLElement, index: number, tries: number): void {
  const row = box.querySelector<HTMLElement>(`[data-index="${index}"]`);
  if (row) row.focus();
  else if (tries > 0) requestAnimationFrame(() => focusRow(box, index, tries - 1));
}
