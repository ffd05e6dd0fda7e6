// Finds addresses in a text. The text itself is never changed and never becomes markup.

export type Piece = { text: string; href?: string };

const ADDRESS = /\b(?:https?:\/\/|www\.)[^\s<>"'“”‘’「」『』（）【】《》，。；：！？、]+/giu;
/** Punctuation that ends a sentence rather than an address. */
const TAIL = /[.,;:!?)\]}*_~]+$/;

export function findLinks(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const raw = match[0];
    const address = trimTail(raw);
    const href = safeHref(address);
    if (href === undefined) continue;
    if (match.index > from) pieces.push({ text: text.slice(from, match.index) });
    pieces.push({ text: address, href });
    from = match.index + address.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

function trimTail(address: string): string {
  const trimmed = address.replace(TAIL, '');
  // A closing bracket belongs to the address when it was opened inside.
  return trimmed.includes('(') && address[trimmed.length] === ')' ? `${trimmed})` : trimmed;
}

function safeHref(address: string): string | undefined {
  const whole = address.toLowerCase().startsWith('www.') ? `https://${address}` : address;
  try {
    const url = new URL(whole);
    const web = url.protocol === 'https:' || url.protocol === 'http:';
    return web && (url.hostname.includes('.') || url.hostname === 'localhost') ? url.href : undefined;
  } catch {
    return undefined;
  }
}
