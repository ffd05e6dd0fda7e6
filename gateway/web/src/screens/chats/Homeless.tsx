// Messages that were not sent and whose conversation stands in no list: one was taken out of it before they
// left, or it is a first message that was refused. Without a row of their own nobody would ever find them.

import { CircleAlert } from 'lucide-react';
import { useEffect } from 'react';
import { Link } from 'wouter';

import { useCell, useClient, useMe, useT } from '../../app/hooks';
import { titleOf, unsentLine } from '../../app/names';
import { paths } from '../../app/paths';
import type { OutboxItem } from '../../core/outbox';
import type { ConversationId } from '../../core/wire';
import { ICON } from '../../theme/theme';
import styles from './ChatList.module.css';

export function Homeless({ selected }: { selected: ConversationId | undefined }) {
  const { conversations, outbox } = useClient();
  const items = useCell(outbox.items);
  // Drawn again when the list changes: a row may come or go.
  useCell(conversations.view);
  const failed = [...items].flatMap(([id, all]) => {
    const last = conversations.row(id) ? undefined : all.findLast((item) => item.state === 'failed');
    return last ? [{ id, last }] : [];
  });
  return failed.map(({ id, last }) => <HomelessLink key={id} item={last} selected={id === selected} />);
}

function HomelessLink({ item, selected }: { item: OutboxItem; selected: boolean }) {
  const t = useT();
  const { left, people } = useClient();
  const me = useMe()?.user_id ?? '';
  const known = useCell(people.known);
  const row = useCell(left).get(item.conversation_id);
  const { peer_id } = item;
  useEffect(() => {
    if (peer_id !== undefined) people.want(peer_id);
  }, [people, peer_id]);
  const name = row ? titleOf(t, known, row, me) : peer_id === undefined ? '' : (known.get(peer_id)?.name ?? '');
  return (
    <Link
      href={paths.chat(item.conversation_id, peer_id)}
      className={styles['row']}
      aria-current={selected ? 'true' : undefined}
      data-testid="homeless"
    >
      <span className={styles['sign']}>
        <CircleAlert {...ICON} />
      </span>
      <span className={styles['text']}>
        <span className={styles['line']}>
          <span className={styles['name']}>{name === '' ? t('chats.homeless') : name}</span>
        </span>
        <span className={styles['line']}>
          <span className={styles['preview']}>
            <span className={styles['alarm']}>{t('chats.failed')}</span>
            {unsentLine(t, item).replace(/\s+/g, ' ')}
          </span>
        </span>
      </span>
    </Link>
  );
}
