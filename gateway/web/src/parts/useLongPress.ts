// A finger or a pen that rests on something asks for its menu. A mouse has other ways, and scrolling is no asking.

import { type MouseEvent, type PointerEvent, type TouchEvent, useEffect, useRef } from 'react';

/** As long as phones wait. */
const HOLD_MS = 450;
/** A resting finger trembles; what moves further is on its way somewhere. */
const TREMBLE_PX = 10;

export interface Point {
  x: number;
  y: number;
}

/** Handlers for the element; `onHold` is told where in the window it rests. */
export function useLongPress(onHold: (at: Point) => void) {
  const press = useRef<{ at: Point; timer: ReturnType<typeof setTimeout>; held: boolean }>(undefined);
  const end = () => {
    if (press.current) clearTimeout(press.current.timer);
    press.current = undefined;
  };
  const hold = () => {
    const now = press.current;
    if (!now || now.held) return;
    clearTimeout(now.timer);
    now.held = true;
    onHold(now.at);
  };
  useEffect(() => end, []);
  return {
    onPointerDown: (event: PointerEvent) => {
      end();
      if (event.pointerType === 'mouse' || !event.isPrimary) return;
      const at = { x: event.clientX, y: event.clientY };
      press.current = { at, timer: setTimeout(hold, HOLD_MS), held: false };
    },
    onPointerMove: (event: PointerEvent) => {
      const at = press.current?.at;
      if (at && Math.hypot(event.clientX - at.x, event.clientY - at.y) > TREMBLE_PX) end();
    },
    // The browser takes over: it scrolls or zooms.
    onPointerCancel: end,
    onTouchEnd: (event: TouchEvent) => {
      // Without this a click would follow, on a link or beside the menu that has just opened.
      if (press.current?.held && event.cancelable) event.preventDefault();
      end();
    },
    onContextMenu: (event: MouseEvent) => {
      // Some browsers open a menu of their own under a resting finger; under a mouse it stays theirs. On a slow
      // machine that comes before our time is up, and takes the finger away: it has rested all the same.
      if (!press.current) return;
      event.preventDefault();
      hold();
    },
  };
}
