// A conversation one is not in (any more): says so, and gives back what was typed for it.

import { Button } from '@mantine/core';
import { useLocation } from 'wouter';

import { useClient, usePart, useT } from '../../app/hooks';
import { paths } from '../../app/paths';
import type { ConversationId } from '../../core/wire';
import { Empty } from '../../parts/States';
import { useCopy } from '../../parts/useCopy';
import styles from './Chat.module.css';

export function Gone({ id }: { id: ConversationId }) {
  const t = useT();
  const [, navigate] = useLocation();
  return (
    <Empty title={t('chat.gone')} hint={t('chat.gone_hint')}>
      <Typed id={id} />
      <Button variant="default" onClick={() => navigate(paths.chats)}>
        {t('common.go_home')}
      </Button>
    </Empty>
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
      <Button variant="default" onClick={() => void copy(text)}>
        {t('chat.copy_text')}
      </Button>
    </section>
  );
}
