// Which layout the window is wide enough for. The document carries it too, so that styles can ask.

import { Cell } from '../core/cell';
import { type Width, WIDTHS, widthOf } from '../theme/theme';

export const width = new Cell<Width>('desk');

export function watchWidth(): void {
  const take = () => {
    const now = widthOf(window.innerWidth);
    document.documentElement.dataset['width'] = now;
    width.set(now);
  };
  take();
  for (const { from } of WIDTHS) {
    if (from > 0) window.matchMedia(`(min-width: ${from}px)`).addEventListener('change', take);
  }
}
