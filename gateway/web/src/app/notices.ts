// A notice of the desktop for a message that comes while nobody looks: one for each conversation, the newest
// stands. Asked for by a click in the preferences, never by itself; what it says may be left out.

import { Cell } from '../core/cell';
import type { Client } from '../core/client';
import type { ConversationId, ConversationRow } from '../core/wire';
import { language, type T, translate } from '../i18n';
import { peopleOf, previewText, titleOf } from './names';
import { paths } from './paths';
import { maySpeak } from './tabs';

export type NoticeChoice = 'off' | 'name' | 'text';

/** A notice waits this long for the names of people it is about. */
const NAMES_WITHIN_MS = 2_000;
const STORED = 'chaoke.notices';
const CHOICES: ReadonlySet<string> = new Set<NoticeChoice>(['off', 'name', 'text']);

export const notices = new Cell<NoticeChoice>(stored());

/** Whether this browser, at this address, can show any (not on plain HTTP, not in every phone). */
export function canNotify(): boolean {
  return typeof Notification !== 'undefined' && window.isSecureContext;
}

/** Asks the person where that is needed; gives what holds then. */
export async function chooseNotices(choice: NoticeChoice): Promise<NoticeChoice> {
  const allowed = choice === 'off' || (canNotify() && (await Notification.requestPermission()) === 'granted');
  const kept = allowed ? choice : 'off';
  try {
    localStorage.setItem(STORED, kept);
  } catch {
    // Lives as long as the page.
  }
  notices.set(kept);
  return kept;
}

/** Another tab of this browser chose: whichever of them shows notices must know. */
export function heardNotices(key: string | null): void {
  if (key === STORED) notices.set(stored());
}

/** The conversations in which more is unread than before: the newest first, as in the list. */
export function grown(before: ReadonlyMap<ConversationId, number>, rows: readonly ConversationRow[]): ConversationRow[] {
  return rows.filter((row) => row.unread > (before.get(row.conversation_id) ?? 0));
}

/** Shows a notice for each conversation that grows while nobody looks; a click leads there. */
export function watchConversations(client: Client, go: (path: string) => void): void {
  let before: ReadonlyMap<ConversationId, number> | undefined;
  client.conversations.view.subscribe(() => {
    const { phase, rows } = client.conversations.view.get();
    if (phase !== 'ready') return;
    // The first list tells what came while one was away; that is no news of this moment.
    const news = before === undefined ? [] : grown(before, rows);
    before = new Map(rows.map((row) => [row.conversation_id, row.unread]));
    if (notices.get() === 'off' || news.length === 0) return;
    void maySpeak().then(async (may) => {
      if (may) await Promise.all(news.map((row) => named(client, row).then(() => show(client, row, go))));
    });
  });
}

/** Asks for the names that a notice needs, where no list has shown them yet. */
function named(client: Client, row: ConversationRow): Promise<void> {
  const { people } = client;
  const ids = peopleOf(row);
  const known = () => ids.every((id) => people.known.get().has(id));
  if (known()) return Promise.resolve();
  for (const id of ids) people.want(id);
  return new Promise((done) => {
    const finish = () => {
      clearTimeout(late);
      stop();
      done();
    };
    const late = setTimeout(finish, NAMES_WITHIN_MS);
    const stop = people.known.subscribe(() => known() && finish());
  });
}

function show(client: Client, row: ConversationRow, go: (path: string) => void): void {
  const t: T = (key, places) => translate(language.get(), key, places);
  const known = client.people.known.get();
  const title = titleOf(t, known, row, client.me()) || t('common.unknown_person');
  const body = notices.get() === 'text' ? previewText(t, known, row, client.me()) : t('notices.new_message');
  try {
    const notice = new Notification(title, { body, tag: row.conversation_id, icon: '/icon-192.png' });
    notice.addEventListener('click', () => {
      window.focus();
      go(paths.chat(row.conversation_id));
      notice.close();
    });
  } catch {
    // Some phones allow notices only from a service worker: there the badge has to do.
  }
}

function stored(): NoticeChoice {
  try {
    const kept = localStorage.getItem(STORED);
    const granted = typeof Notification !== 'undefined' && Notification.permission === 'granted';
    return granted && kept !== null && CHOICES.has(kept) ? (kept as NoticeChoice) : 'off';
  } catch {
    return 'off';
  }
}
