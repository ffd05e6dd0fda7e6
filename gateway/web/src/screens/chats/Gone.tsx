// A conversation one is not in (any more): says what is known of why, and gives back what was typed for it.

import { Button } from '@mantine/core';
import { useLocation } from 'wouter';

import { useCell, useClient, useMe, usePart, useT } from '../../app/hooks';
import { titleOf, unsentLine } from '../../app/names';
import { paths } from '../../app/paths';
import type { OutboxItem } from '../../core/outbox';
import type { ConversationId } from '../../core/wire';
import { Empty } from '../../parts/States';
import { useCopy } from '../../parts/useCopy';
import styles from './Chat.module.css';
import { DiscardUnsent } from './DiscardUnsent';

const NONE: readonly OutboxItem[] = [];

export function Gone({ id }: { id: ConversationId }) {
  const t = useT();
  const client = useClient();
  const me = useMe()?.user_id ?? '';
  const known = useCell(client.people.known);
  const left = useCell(client.left);
  const [, navigate] = useLocation();
  const row = left.get(id);
  const name = row ? titleOf(t, known, row, me) : '';
  // The server tells that one is no longer in it, not who decided that; of others it tells nothing at all.
  let title = t('chat.gone');
  if (left.has(id)) title = name === '' ? t('chat.left') : t('chat.left_named', { name });
  return (
    <div className={styles['gone']}>
      <Empty title={title} hint={left.has(id) ? t('chat.left_hint') : t('chat.gone_hint')}>
        <Typed id={id} />
        <Unsent id={id} />
        <Button variant="default" onClick={() => navigate(paths.chats)}>
          {t('common.go_home')}
        </Button>
      </Empty>
    </div>
  );
}

function Typed({ id }: { id: ConversationId }) {
  const t = useT();
  const copy = useCopy();
  const { drafts } = useClient();
  const text = usePart(drafts.all, (all) => all.get(id) ?? '').trim();
  if (text === '') return null;
  return (
    <section className={styles['typed']} aria-label={t('chat.typed')}>
      <p>{t('chat.typed')}</p>
      <blockquote>{text}</blockquote>
      <Button onClick={() => void copy(text)}>
        {t('chat.copy_text')}
      </Button>
    </section>
  );
}

function Unsent({ id }: { id: ConversationId }) {
  const t = useT();
  const copy = useCopy();
  const { outbox } = useClient();
  const items = usePart(outbox.items, (all) => all.get(id) ?? NONE);
  if (items.length === 0) return null;
  return (
    <section className={styles['typed']} aria-label={t('chat.not_sent')}>
      <p>{t('chat.not_sent')}</p>
      {items.map((item) => (
        <div key={item.client_msg_id} className={styles['typed']} data-testid="unsent">
          <blockquote>{unsentLine(t, item)}</blockquote>
          <div className={styles['acts']}>
            <Button size="xs" onClick={() => void copy(unsentLine(t, item))}>
              {t('chat.copy_text')}
            </Button>
            <DiscardUnsent item={item}>
              {(ask) => (
                <Button variant="subtle" color="red" size="xs" onClick={ask}>
                  {t('chat.discard')}
                </Button>
              )}
            </DiscardUnsent>
          </div>
        </div>
      ))}
    </section>
  );
}
