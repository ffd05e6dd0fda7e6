// All conversations, newest activity first.

import { Button } from '@mantine/core';
import { MessageCircle } from 'lucide-react';
import { useMemo, useRef } from 'react';
import { VList, type VListHandle } from 'virtua';
import { useLocation } from 'wouter';

import { useCell, useClient, useMe, useT } from '../../app/hooks';
import { useWatch } from '../../app/live';
import { paths } from '../../app/paths';
import type { ConversationId } from '../../core/wire';
import { onListKey } from '../../parts/listKeys';
import { Empty, ErrorBox, Skeletons } from '../../parts/States';
import { ICON_STATE } from '../../theme/theme';
import styles from './ChatList.module.css';
import { ConversationLink } from './ConversationLink';
import { Homeless } from './Homeless';
import { ListHead } from './ListHead';

/** Rows from the end at which the next page is asked for. */
const MORE_BEFORE_END = 30;
/** Chats whose other person is watched: some screens of rows. */
const WATCHED = 60;

export function ChatList({ onSearch, selected }: { onSearch: () => void; selected: ConversationId | undefined }) {
  return (
    <>
      <ListHead tab="chats" onSearch={onSearch} />
      <Rows selected={selected} />
    </>
  );
}

function Rows({ selected }: { selected: ConversationId | undefined }) {
  const t = useT();
  const client = useClient();
  const view = useCell(client.conversations.view);
  const list = useRef<VListHandle>(null);
  const { rows } = view;
  useWatch(useMemo(() => rows.slice(0, WATCHED).flatMap((row) => row.peer_id ?? []), [rows]));
  if (view.phase === 'error') {
    return (
      <ErrorBox
        title={t('chats.load_failed')}
        error={view.error}
        onRetry={() => void client.conversations.load()}
      />
    );
  }
  if (view.phase !== 'ready') return <Skeletons rows={6} kind="list" />;
  if (rows.length === 0) {
    return (
      <>
        <Homeless selected={selected} />
        <NoConversations />
      </>
    );
  }
  const onScroll = () => {
    const handle = list.current;
    if (!handle || !view.more) return;
    const end = handle.findItemIndex(handle.scrollOffset + handle.viewportSize);
    if (end > rows.length - MORE_BEFORE_END) void client.conversations.loadMore();
  };
  return (
    <nav
      className={styles['rows']}
      aria-label={t('chats.list')}
      onKeyDown={(event) => onListKey(event, list, rows.length)}
    >
      <Homeless selected={selected} />
      <VList ref={list} data={rows} onScroll={onScroll} className={styles['scroll'] ?? ''}>
        {(row, index) => (
          <ConversationLink
            key={row.conversation_id}
            row={row}
            index={index}
            selected={row.conversation_id === selected}
          />
        )}
      </VList>
    </nav>
  );
}

function NoConversations() {
  const t = useT();
  const me = useMe();
  const [, navigate] = useLocation();
  return (
    <Empty title={t('chats.empty')} hint={t('chats.empty_hint')} icon={<MessageCircle {...ICON_STATE} />}>
      <Button onClick={() => navigate(paths.directory)}>{t('chats.open_directory')}</Button>
      {me?.role === 'admin' && (
        <Button variant="subtle" onClick={() => navigate(paths.addPeople)}>
          {t('directory.add')}
        </Button>
      )}
    </Empty>
  );
}
