// Ctrl/⌘-K: type a few letters, press Enter, be there.

import { Modal, TextInput } from '@mantine/core';
import { Search } from 'lucide-react';
import { type KeyboardEvent, useMemo, useState } from 'react';
import { useLocation } from 'wouter';

import type { ConversationRow, Person } from '../core/wire';
import { PersonRow } from '../parts/PersonRow';
import { Skeletons } from '../parts/States';
import { say } from '../parts/toast';
import { ConversationPicture } from '../screens/chats/ConversationPicture';
import { usePeopleSearch } from '../screens/directory/search';
import { ICON_SMALL } from '../theme/theme';
import { useCell, useClient, useMe, useT, useWidth } from './hooks';
import { titleOf } from './names';
import { paths } from './paths';
import styles from './Switcher.module.css';

/** What fits without scrolling. */
const CONVERSATIONS_MAX = 6;
const PEOPLE_MAX = 6;

type Hit = { kind: 'conversation'; row: ConversationRow } | { kind: 'person'; person: Person };

export function Switcher({ onClose }: { onClose: () => void }) {
  const t = useT();
  const me = useMe()?.user_id ?? '';
  const width = useWidth();
  const [query, setQuery] = useState('');
  const [at, setAt] = useState(0);
  const { hits, asking } = useHits(query, me);
  const chosen = Math.min(at, hits.length - 1);
  const waits = hits.length === 0 && asking;
  const nothing = hits.length === 0 && query !== '' && !asking;

  const go = useGo(onClose);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setAt((chosen + step + hits.length) % Math.max(1, hits.length));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      void go(hits[chosen]);
    }
  };

  return (
    <Modal
      opened
      onClose={onClose}
      title={t('switcher.title')}
      size="var(--dialog)"
      fullScreen={width === 'phone'}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <TextInput
        data-autofocus
        value={query}
        onChange={(event) => {
          setQuery(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
        placeholder={t('switcher.placeholder')}
        aria-label={t('switcher.placeholder')}
        leftSection={<Search {...ICON_SMALL} />}
        role="combobox"
        aria-expanded={hits.length > 0}
        aria-controls="switcher-hits"
        aria-activedescendant={hits.length > 0 ? `switcher-${chosen}` : undefined}
        autoComplete="off"
      />
      {waits && <Skeletons rows={3} kind="inner" />}
      <Hits hits={hits} chosen={chosen} onPoint={setAt} onGo={(hit) => void go(hit)} />
      <p className={styles['hint']} data-keys={!nothing || undefined}>
        {nothing ? t('switcher.none') : t('switcher.hint')}
      </p>
    </Modal>
  );
}

function useGo(onClose: () => void): (hit: Hit | undefined) => Promise<void> {
  const t = useT();
  const client = useClient();
  const [, navigate] = useLocation();
  return async (hit) => {
    if (!hit) return;
    onClose();
    if (hit.kind === 'conversation') {
      navigate(paths.chat(hit.row.conversation_id));
      return;
    }
    try {
      const { user_id } = hit.person;
      const conversation = await client.call('conversation.open_direct', { user_id });
      client.conversations.put(conversation);
      navigate(paths.chat(conversation.conversation_id, conversation.head_seq === 0 ? user_id : undefined));
    } catch {
      say(t('error.network'), 'danger');
    }
  };
}

interface HitsProps {
  hits: readonly Hit[];
  chosen: number;
  onPoint: (index: number) => void;
  onGo: (hit: Hit) => void;
}

function Hits({ hits, chosen, onPoint, onGo }: HitsProps) {
  const t = useT();
  return (
    <div className={styles['hits']} id="switcher-hits" role="listbox" aria-label={t('switcher.title')}>
      {hits.map((hit, index) => (
        // The keys are handled by the field above, which keeps the focus.
        // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
        <div
          key={hit.kind === 'conversation' ? hit.row.conversation_id : hit.person.user_id}
          id={`switcher-${index}`}
          className={styles['hit']}
          role="option"
          aria-selected={index === chosen}
          tabIndex={-1}
          onMouseMove={() => onPoint(index)}
          onClick={() => onGo(hit)}
        >
          {hit.kind === 'conversation' ? (
            <Chat row={hit.row} />
          ) : (
            <PersonRow person={hit.person} sub={hit.person.title ?? ''} />
          )}
        </div>
      ))}
    </div>
  );
}

function Chat({ row }: { row: ConversationRow }) {
  const t = useT();
  const me = useMe()?.user_id ?? '';
  const known = useCell(useClient().people.known);
  return (
    <>
      <ConversationPicture row={row} />
      <span className={styles['name']}>{titleOf(t, known, row, me)}</span>
    </>
  );
}

/** Conversations first; people who already have one of those chats are not repeated. */
function useHits(query: string, me: string): { hits: Hit[]; asking: boolean } {
  const t = useT();
  const { conversations, people } = useClient();
  const { rows, phase } = useCell(conversations.view);
  const known = useCell(people.known);
  const loaded = useMemo(() => [...known.values()], [known]);
  const { people: found, asking } = usePeopleSearch(query, loaded);
  const hits = useMemo(() => {
    const wanted = query.trim().toLowerCase();
    const foundIds = new Set(wanted === '' ? [] : found.map((person) => person.user_id));
    const chats = rows
      .filter((row) => {
        if (wanted === '') return true;
        const byPinyin = row.peer_id !== undefined && foundIds.has(row.peer_id);
        return byPinyin || titleOf(t, known, row, me).toLowerCase().includes(wanted);
      })
      .slice(0, CONVERSATIONS_MAX);
    const peers = new Set(chats.map((row) => row.peer_id));
    const others = found
      .filter((person) => wanted !== '' && person.user_id !== me && !peers.has(person.user_id))
      .slice(0, PEOPLE_MAX);
    return [
      ...chats.map((row): Hit => ({ kind: 'conversation', row })),
      ...others.map((person): Hit => ({ kind: 'person', person })),
    ];
  }, [query, rows, found, known, me, t]);
  return { hits, asking: asking || phase === 'empty' || phase === 'loading' };
}
