import { type RefObject, useEffect, useLayoutEffect } from 'react';

/** A field as high as its text, up to the limit in the styles, also when it becomes narrower or wider. */
export function useGrow(area: RefObject<HTMLTextAreaElement | null>, text: string): void {
  useLayoutEffect(() => {
    if (area.current) grow(area.current);
  }, [area, text]);
  useEffect(() => {
    const field = area.current;
    if (!field) return undefined;
    let width: number | undefined;
    const observer = new ResizeObserver(([entry]) => {
      const now = entry?.borderBoxSize[0]?.inlineSize;
      if (width !== undefined && now !== width) grow(field);
      width = now;
    });
    observer.observe(field);
    return () => observer.disconnect();
  }, [area]);
}

function grow(field: HTMLTextAreaElement): void {
  // Without text it has its one row; to ask would have the page laid out.
  if (field.value === '') {
    field.style.height = 'auto';
    return;
  }
  const around = field.parentElement ?? field;
  // While it is measured all else stands: a history that had more room for a moment would be scrolled.
  around.style.minHeight = `${around.offsetHeight}px`;
  field.style.height = 'auto';
  // Not with the bar that shows while it is too low: it takes room from the lines.
  field.style.overflowY = 'hidden';
  field.style.height = `${field.scrollHeight}px`;
  field.style.overflowY = '';
  around.style.minHeight = '';
}
