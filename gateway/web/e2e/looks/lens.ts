// Glasses for a page that is looked at: the real server's answers with the same day, the same moments and the
// same colours of people each time, so that a new screenshot differs from the old one only where the client does.
import type { Page } from '@playwright/test';

export interface Lens {
  /** What every clock shows, in milliseconds since the epoch. */
  now: number;
  /** Each user id of the server, and the one that the page works with. */
  ids: Record<string, string>;
  /** When something happened: by `conversation:seq`, by user (last seen), by device name (signed in), by letter (its cause). */
  moments: Record<string, number>;
}

/** Before the page's first load. */
export async function putOn(page: Page, lens: Lens, clock = lens.now): Promise<void> {
  await page.clock.setFixedTime(clock);
  await page.addInitScript(wear, { ...lens, realNow: Date.now() });
}

type Worn = Lens & { realNow: number };

/** Runs in the page. What comes in is the server's, what goes out must be the server's again. */
function wear({ now, ids, moments, realNow }: Worn): void {
  const back = Object.fromEntries(Object.entries(ids).map(([real, shown]) => [shown, real]));
  const swap = (table: Record<string, string>, text: string) => {
    // No id is a part of another: all are 26 characters.
    let out = text;
    for (const [from, to] of Object.entries(table)) out = out.replaceAll(from, to);
    return out;
  };
  const change = (value: unknown, place: string): unknown => {
    // The path of a file names its reader to the server, and is signed.
    if (typeof value === 'string' && value.startsWith('/files/')) return swap(back, value);
    if (Array.isArray(value)) {
      const all = value.map((one) => change(one, place));
      // The order of people follows their ids, which are other ones each time.
      const idOf = (one: unknown): string => {
        if (typeof one === 'string') return one;
        return String((one as Record<string, unknown>)['joined_at'] === undefined ? '' : (one as Record<string, unknown>)['user_id']);
      };
      return all.every((one) => idOf(one) in back) ? all.toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1)) : all;
    }
    if (typeof value !== 'object' || value === null) return value;
    const record = value as Record<string, unknown>;
    const here = typeof record['conversation_id'] === 'string' ? record['conversation_id'] : place;
    const keys = [`${here}:${String(record['seq'])}`, String(record['user_id']), String(record['device_name']), String(record['letter_id'])];
    const known = keys.map((key) => moments[key]).find((moment) => moment !== undefined);
    return Object.fromEntries(
      Object.entries(record).map(([key, inner]) => {
        if (typeof inner !== 'number' || !key.endsWith('_at')) return [key, change(inner, here)];
        // When tokens end is kept, so that they are renewed in time; "now" is now.
        if (key.endsWith('expires_at')) return [key, inner - realNow + now];
        return [key, key === 'server_now_at' ? now : (known ?? now)];
      }),
    );
  };
  const { parse, stringify } = JSON;
  const read = (text: string) => change(parse(swap(ids, text)), '');
  JSON.parse = (text: string) => read(String(text));
  JSON.stringify = ((value: unknown) => {
    const text = stringify(value) as string | undefined;
    return text === undefined ? text : swap(back, text);
  }) as typeof stringify;
  Response.prototype.json = async function json() {
    return read(await this.text());
  };
}
