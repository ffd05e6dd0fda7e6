// Whether everything on a page can be read and touched: measured in the page, in the width and language it has now.
import type { Page } from '@playwright/test';

/** Each finding is a sentence that begins with `where`. */
export async function misfits(page: Page, where: string): Promise<string[]> {
  // Two drawings: the first may still be the old width.
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  await page.evaluate(drawn);
  return (await page.evaluate(look)).map((finding) => `${where}: ${finding}`);
}

/** Runs in the page. */
function look(): string[] {
  interface Words {
    node: Text;
    parent: Element;
    /** Where each line would be, and what of it can be seen. */
    lines: { whole: DOMRect; seen: DOMRect }[];
  }
  const found: string[] = [];
  const root = document.documentElement;
  const wide = root.scrollWidth - root.clientWidth;
  if (wide > 0) found.push(`scrolls sideways by ${wide}`);

  const say = (element: Element) => `“${(element.textContent ?? '').trim().slice(0, 30)}” <${element.tagName.toLowerCase()}>`;
  const shown = (element: Element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  // What lies under an open dialog or menu is not read.
  const dialogs = [...document.querySelectorAll('[role="dialog"], [role="menu"]')].filter(shown);
  const layer = dialogs.at(-1) ?? document.body;

  /** Words that only a screen reader has, and what floats over the page on purpose, are judged by nobody. */
  const isApart = (element: Element) => {
    for (let at: Element | null = element; at && at !== layer; at = at.parentElement) {
      const { position, boxShadow, clipPath } = getComputedStyle(at);
      const floats = position === 'fixed' || (boxShadow !== 'none' && (position === 'absolute' || position === 'sticky'));
      if (floats || clipPath !== 'none' || at.matches('.visually-hidden, textarea, option')) return true;
    }
    return false;
  };

  const cross = (a: DOMRect, b: DOMRect) => {
    const left = Math.max(a.left, b.left);
    const top = Math.max(a.top, b.top);
    return new DOMRect(left, top, Math.max(0, Math.min(a.right, b.right) - left), Math.max(0, Math.min(a.bottom, b.bottom) - top));
  };

  /** What is left of a line inside everything that clips it; tells where it is cut and nobody can scroll to the rest. */
  const clip = (parent: Element, whole: DOMRect): DOMRect => {
    let seen = whole;
    let dots = false;
    for (let at: Element | null = parent; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      dots ||= style.textOverflow === 'ellipsis' || style.webkitLineClamp !== 'none';
      if (style.overflowX === 'visible' && style.overflowY === 'visible') continue;
      const box = at.getBoundingClientRect();
      const over = Math.max(box.left - seen.left, seen.right - box.right);
      const isCut = over > 1 && !dots && (style.overflowX === 'hidden' || style.overflowX === 'clip');
      seen = cross(seen, box);
      if (isCut && seen.height > 0) found.push(`${say(parent)} is cut off by ${Math.round(over)} px`);
      if (seen.width === 0 || seen.height === 0) break;
    }
    return cross(seen, new DOMRect(0, 0, innerWidth, innerHeight));
  };

  const all: Words[] = [];
  const walker = document.createTreeWalker(layer, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!parent || (node.textContent ?? '').trim() === '' || !shown(parent) || isApart(parent)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const lines = [...range.getClientRects()]
      .filter((rect) => rect.width > 0 && rect.height > 0)
      .map((whole) => ({ whole, seen: clip(parent, whole) }))
      .filter(({ seen }) => seen.width > 0 && seen.height > 0);
    if (lines.length > 0) all.push({ node: node as Text, parent, lines });
  }
  for (const [index, one] of all.entries()) {
    for (const other of all.slice(index + 1)) {
      if (one.parent.contains(other.parent) || other.parent.contains(one.parent)) continue;
      const over = one.lines.some((a) => other.lines.some((b) => {
        const both = cross(a.seen, b.seen);
        // Lines stand closer than their boxes are high.
        return both.width > 2 && both.height > Math.min(a.seen.height, b.seen.height) / 3;
      }));
      if (over) found.push(`${say(one.parent)} and ${say(other.parent)} lie on each other`);
    }
  }

  for (const one of layer.querySelectorAll('button, a[href], input, textarea, [role="option"], [role="menuitem"]')) {
    if (!shown(one) || isApart(one) || one.closest('[data-testid="history"]')) continue;
    const box = one.getBoundingClientRect();
    const seen = clip(one, box);
    if (seen.width < box.width / 2 || seen.height < box.height / 2) continue;
    const at = document.elementFromPoint(seen.left + seen.width / 2, seen.top + seen.height / 2);
    const isThere = at === null || one.contains(at) || at.contains(one) || one.closest('label')?.contains(at) === true;
    if (!isThere) found.push(`${say(one)} is covered by ${say(at)}`);
  }
  return [...new Set(found)];
}
