// What conversations and events are called.

import type { OutboxItem } from '../core/outbox';
import type { Upload } from '../core/uploads';
import { type ConversationRow, type Message, type Person, type Preview, type SystemLine, type UserId, writerOf } from '../core/wire';
import type { T } from '../i18n';

export type Known = ReadonlyMap<UserId, Person>;

/** More names than this make no title. */
const TITLE_NAMES = 5;

export function nameOf(t: T, known: Known, userId: UserId | undefined): string {
  return (userId === undefined ? undefined : known.get(userId)?.name) ?? t('common.unknown_person');
}

/** The other's name, the discussion's name, else the first members' names. */
export function titleOf(t: T, known: Known, row: ConversationRow, me: UserId): string {
  if (row.kind === 'direct') return row.peer_id === undefined ? t('common.unknown_person') : knownName(known, row.peer_id);
  if (row.name !== undefined && row.name !== '') return row.name;
  const others = row.member_ids.filter((id) => id !== me);
  const names = (others.length > 0 ? others : [me]).slice(0, TITLE_NAMES).map((id) => knownName(known, id));
  return names.filter((name) => name !== '').join(t('common.list_separator'));
}

/** Empty until the name is known, so that nothing wrong flashes. */
function knownName(known: Known, userId: UserId): string {
  return known.get(userId)?.name ?? '';
}

/** Everyone whose name a row or an event needs. */
export function peopleOf(row: ConversationRow): UserId[] {
  const ids = new Set<UserId>(row.member_ids);
  if (row.peer_id !== undefined) ids.add(row.peer_id);
  if (row.last) {
    const writer = writerOf(row.last);
    if (writer !== undefined) ids.add(writer);
    for (const id of mentioned(row.last.system)) ids.add(id);
  }
  return [...ids];
}

/** The people a system line names beside its author. */
export function mentioned(line: SystemLine | undefined): UserId[] {
  return line && 'user_ids' in line ? line.user_ids : [];
}

export function systemText(t: T, known: Known, me: UserId, actorId: UserId, body: SystemLine): string {
  const who = (id: UserId) => (id === me ? t('system.you') : nameOf(t, known, id));
  const ids = mentioned(body);
  const people = ids.map(who).join(t('common.list_separator'));
  const places = { actor: who(actorId), people, name: 'name' in body ? body.name : '' };
  switch (body.what) {
    case 'joined': {
      const alone = ids.length === 0 || (ids.length === 1 && ids[0] === actorId);
      return alone ? t('system.joined_self', { people: who(actorId) }) : t('system.joined', places);
    }
    case 'created':
      return t('system.created', places);
    case 'left':
      return t('system.left', places);
    case 'removed':
      return t('system.removed', places);
    case 'renamed':
      return t('system.renamed', places);
    case 'transferred':
      return t('system.transferred', places);
    case 'bot_added':
      return t('system.bot_added', places);
    case 'bot_removed':
      return t('system.bot_removed', places);
    case 'dissolved':
      return t('system.dissolved', places);
    default:
      return t('system.other', places);
  }
}

/** What stands for a picture or a file where there is room for words only. */
export function fileLine(t: T, kind: Message['kind'], name: string): string {
  return kind === 'image' ? t('file.picture') : t('file.named', { name });
}

/** What a message that was not sent says. */
export function unsentLine(t: T, { text, file }: Pick<OutboxItem, 'text' | 'file'>): string {
  return file ? fileLine(t, file.kind, file.name) : text;
}

/** What needs an act of what was to be sent: a message that failed, else a file. */
export function failedLine(t: T, items: readonly OutboxItem[] = [], uploads: readonly Upload[] = []): string | undefined {
  const isFailed = (one: { state: string }) => one.state === 'failed';
  const item = items.find(isFailed);
  const upload = uploads.find(isFailed);
  return item ? unsentLine(t, item) : upload && fileLine(t, 'file', upload.file.name);
}

/** One line for the list: in discussions with the sender. */
export function previewText(t: T, known: Known, row: ConversationRow, me: UserId): string {
  const last: Preview | undefined = row.last;
  if (!last) return '';
  // A name that is on its way is left out: it would be called unknown for a moment.
  const named = last.bot !== undefined || last.author_id === me || known.has(last.author_id);
  if (last.kind === 'system') return last.system && named ? systemText(t, known, me, last.author_id, last.system) : '';
  const isFile = last.kind === 'image' || last.kind === 'file';
  const said = isFile ? fileLine(t, last.kind, last.file_name ?? '') : (last.text ?? '');
  const text = said.replace(/\s+/g, ' ');
  if (row.kind === 'direct' || last.author_id === me || !named) return text;
  return `${last.bot?.name ?? nameOf(t, known, last.author_id)}: ${text}`;
}
