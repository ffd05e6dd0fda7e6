// The edge between list and main can be dragged, or moved with the arrow keys; the place is remembered.

import { type PointerEvent, useEffect, useState } from 'react';

import { useT } from './hooks';
import styles from './ResizeHandle.module.css';

const KEY = 'chaoke.list_width';
const LEAST = 240;
const MOST = 480;
const USUAL = 320;
const STEP = 16;

export function ResizeHandle() {
  const t = useT();
  const [width, setWidth] = useState(remembered);
  useEffect(() => {
    // Nothing was chosen: setting it all the same would have every style of the page worked out anew.
    const { style } = document.documentElement;
    if (width === USUAL && style.getPropertyValue('--list-chosen') === '') return;
    style.setProperty('--list-chosen', `${width}px`);
    try {
      localStorage.setItem(KEY, String(width));
    } catch {
      // Lives as long as the page.
    }
  }, [width]);
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const left = event.currentTarget.parentElement?.getBoundingClientRect().left ?? 0;
    setWidth(within(event.clientX - left));
  };
  return (
    <div
      className={styles['handle']}
      role="separator"
      aria-orientation="vertical"
      aria-label={t('nav.resize')}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      aria-valuenow={width}
      tabIndex={0}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onDoubleClick={() => setWidth(USUAL)}
      onKeyDown={(event) => {
        if (event.key === 'ArrowLeft') setWidth((now) => within(now - STEP));
        if (event.key === 'ArrowRight') setWidth((now) => within(now + STEP));
      }}
    />
  );
}

function within(width: number): number {
  return Math.round(Math.min(MOST, Math.max(LEAST, width)));
}

function remembered(): number {
  try {
    const stored = Number(localStorage.getItem(KEY));
    return stored > 0 ? within(stored) : USUAL;
  } catch {
    return USUAL;
  }
}
