// One row of the list.

import { memo, useEffect } from 'react';

import { useCell, useClient, useMe, usePart, useT } from '../../app/hooks';
import { useNow } from '../../app/live';
import { failedLine, peopleOf, previewText, titleOf } from '../../app/names';
import { paths } from '../../app/paths';
import { badgeText } from '../../app/badge';
import { rowTimeText } from '../../app/time';
import type { ConversationRow } from '../../core/wire';
import { Go } from '../../parts/Go';
import styles from './ChatList.module.css';
import { ConversationPicture } from './ConversationPicture';

interface ConversationLinkProps {
  row: ConversationRow;
  index: number;
  selected: boolean;
}

export const ConversationLink = memo(function ConversationLink({ row, index, selected }: ConversationLinkProps) {
  const t = useT();
  const { people } = useClient();
  const me = useMe()?.user_id ?? '';
  const known = useCell(people.known);
  const now = useNow();
  useEffect(() => {
    for (const id of peopleOf(row)) people.want(id);
  }, [people, row]);
  return (
    <Go
      href={paths.chat(row.conversation_id)}
      className={styles['row']}
      aria-current={selected ? 'true' : undefined}
      data-index={index}
      data-unread={row.unread > 0 || undefined}
      data-testid="conversation"
    >
      <ConversationPicture row={row} />
      <span className={styles['text']}>
        <span className={styles['line']}>
          <span className={styles['name']}>{titleOf(t, known, row, me)}</span>
          {row.state === 'dissolved' && <span className={styles['mark']}>{t('chats.dissolved')}</span>}
          {row.last && <time className={styles['time']}>{rowTimeText(t, row.last.sent_at, now)}</time>}
        </span>
        <span className={styles['line']}>
          <span className={styles['preview']}>
            <Line row={row} selected={selected} />
          </span>
          {row.unread > 0 && (
            <span className={styles['badge']} aria-label={t('chats.unread_count', { count: row.unread })}>
              {badgeText(row.unread)}
            </span>
          )}
        </span>
      </span>
    </Go>
  );
});

/** What was not sent, else what was not finished, else what was said: the first needs an act. */
function Line({ row, selected }: { row: ConversationRow; selected: boolean }) {
  const t = useT();
  const { drafts, outbox, people, uploading } = useClient();
  const me = useMe()?.user_id ?? '';
  const known = useCell(people.known);
  const id = row.conversation_id;
  const items = usePart(outbox.items, (all) => all.get(id));
  const failed = usePart(uploading, (all) => failedLine(t, items, all.get(id)));
  const draft = usePart(drafts.all, (all) => (all.get(id) ?? '').trim());
  const [alarm, text] =
    failed !== undefined
      ? [t('chats.failed'), failed]
      : draft !== '' && !selected
        ? [t('chats.draft'), draft]
        : [undefined, previewText(t, known, row, me)];
  return (
    <>
      {alarm !== undefined && <span className={styles['alarm']}>{alarm}</span>}
      {text}
    </>
  );
}
