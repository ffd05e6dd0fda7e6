// What stands beside one's own messages: unread ones say so, the last read one says it for all before it.

import type { Conversation, UserId } from '../../core/wire';
import type { T } from '../../i18n';
import type { ChatRow } from './rows';

/** Texts by row key; most rows have none, which keeps the page calm. */
export function readMarks(t: T, rows: readonly ChatRow[], conversation: Conversation, me: UserId): Map<string, string> {
  return conversation.kind === 'direct'
    ? directMarks(t, rows, conversation.members?.find((member) => member.user_id !== me)?.read_seq ?? 0)
    : discussionMarks(t, rows, conversation, me);
}

function directMarks(t: T, rows: readonly ChatRow[], peerReadSeq: number): Map<string, string> {
  const marks = new Map<string, string>();
  for (let i = rows.length - 1; i >= 0; i -= 1) {
    const row = rows[i];
    if (!row?.mine || !row.message || row.message.kind === 'system') continue;
    if (row.message.seq <= peerReadSeq) {
      marks.set(row.key, t('chat.read'));
      break;
    }
    marks.set(row.key, t('chat.unread'));
  }
  return marks;
}

/** Only the last one, and only where the server says who has read; nobody waits for readers of what is closed. */
function discussionMarks(t: T, rows: readonly ChatRow[], conversation: Conversation, me: UserId): Map<string, string> {
  const marks = new Map<string, string>();
  const others = (conversation.members ?? []).filter((member) => member.user_id !== me);
  const last = rows.findLast((row) => row.mine && row.message && row.message.kind !== 'system');
  if (!last?.message || !others.some((member) => member.read_seq !== undefined)) return marks;
  const { seq } = last.message;
  const count = others.filter((member) => (member.read_seq ?? 0) >= seq).length;
  if (count === 0 && conversation.state === 'dissolved') return marks;
  if (count === 0) marks.set(last.key, t('chat.unread'));
  else if (count === others.length) marks.set(last.key, t('chat.read_all'));
  else marks.set(last.key, t('chat.read_by', { count }));
  return marks;
}
