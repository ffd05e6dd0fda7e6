// Everyone in the company by the first letter of their pinyin.

import { Button, TextInput } from '@mantine/core';
import { Search, SearchX, Users } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { VList, type VListHandle } from 'virtua';
import { Link, useLocation } from 'wouter';

import { useCell, useClient, useMe, useT } from '../../app/hooks';
import { useWatch } from '../../app/live';
import { paths } from '../../app/paths';
import type { Person, UserId } from '../../core/wire';
import { onListKey } from '../../parts/listKeys';
import { PersonRow } from '../../parts/PersonRow';
import { Empty, ErrorBox, Skeletons } from '../../parts/States';
import { ICON_SMALL, ICON_STATE } from '../../theme/theme';
import { ListHead } from '../chats/ListHead';
import styles from './DirectoryList.module.css';
import { usePeopleSearch } from './search';

/** People whose presence is watched while they are on the screen. */
const WATCHED = 100;

export function DirectoryList({ onSearch, selected }: { onSearch: () => void; selected: UserId | undefined }) {
  const t = useT();
  const { people } = useClient();
  const view = useCell(people.directory);
  const [query, setQuery] = useState('');
  useEffect(() => {
    void people.loadDirectory();
  }, [people]);
  const { people: shown, asking } = usePeopleSearch(query, view.people);
  return (
    <>
      <ListHead tab="directory" onSearch={onSearch} />
      <div className={styles['search']}>
        <TextInput
          type="search"
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
          placeholder={t('directory.search')}
          aria-label={t('directory.search')}
          leftSection={<Search {...ICON_SMALL} />}
        />
      </div>
      {view.phase === 'error' && (
        <ErrorBox
          title={t('directory.load_failed')}
          error={view.error}
          onRetry={() => void people.loadDirectory()}
        />
      )}
      {(view.phase === 'empty' || view.phase === 'loading') && <Skeletons rows={6} kind="list" />}
      {view.phase === 'ready' && (
        <Found people={shown} asking={asking} query={query.trim()} selected={selected} more={view.more} />
      )}
    </>
  );
}

interface FoundProps {
  people: readonly Person[];
  asking: boolean;
  query: string;
  selected: UserId | undefined;
  more: boolean;
}

function Found({ people, asking, query, selected, more }: FoundProps) {
  const t = useT();
  const client = useClient();
  const admin = useMe()?.role === 'admin';
  const list = useRef<VListHandle>(null);
  const rows = useMemo(() => withLetters(people, query === ''), [people, query]);
  const letters = useMemo(() => [...new Set(rows.filter((row) => row.letter).map((row) => row.person.initial))], [rows]);
  useWatch(useMemo(() => people.slice(0, WATCHED).map((person) => person.user_id), [people]));
  if (people.length === 0 && asking) return <Skeletons rows={1} kind="list" />;
  if (people.length === 0) return <Empty title={t('directory.no_match', { query })} icon={<SearchX {...ICON_STATE} />} />;
  const alone = people.length === 1 && query === '' && !more;
  const jump = (letter: string) => {
    const index = rows.findIndex((row) => row.person.initial === letter);
    if (index >= 0) list.current?.scrollToIndex(index, { align: 'start' });
  };
  return (
    <>
      <nav
        className={styles['found']}
        aria-label={t('directory.list')}
        onKeyDown={(event) => onListKey(event, list, rows.length)}
      >
        <VList
          ref={list}
          data={rows}
          className={styles['scroll'] ?? ''}
          onScroll={(offset) => {
            const handle = list.current;
            if (handle && more && offset > handle.scrollSize - 2 * handle.viewportSize) {
              void client.people.loadMoreDirectory();
            }
          }}
        >
          {({ person, letter }, index) => (
            <div key={person.user_id} className={styles['entry']}>
              {letter && (
                <p className={styles['letter']} aria-hidden="true">
                  {person.initial}
                </p>
              )}
              <DirectoryLink person={person} index={index} selected={person.user_id === selected} />
            </div>
          )}
        </VList>
        {letters.length > 2 && (
          <div className={styles['letters']} aria-label={t('directory.letters')} role="group">
            {letters.map((letter) => (
              <button key={letter} type="button" tabIndex={-1} onClick={() => jump(letter)}>
                {letter}
              </button>
            ))}
          </div>
        )}
      </nav>
      {alone && <Alone />}
      {query === '' && !more && (!alone || admin) && (
        <div className={styles['foot']}>
          {!alone && <p>{t('directory.count', { count: people.length })}</p>}
          {admin && (
            <Button component={Link} href={paths.disabled} variant="subtle" size="xs">
              {t('directory.disabled_list')}
            </Button>
          )}
        </div>
      )}
    </>
  );
}

function DirectoryLink({ person, index, selected }: { person: Person; index: number; selected: boolean }) {
  const t = useT();
  return (
    <Link
      href={paths.person(person.user_id)}
      className={styles['row']}
      aria-current={selected ? 'true' : undefined}
      data-index={index}
    >
      <PersonRow person={person} sub={person.title ?? ''}>
        {person.role === 'admin' && <span className={styles['mark']}>{t('directory.admin')}</span>}
      </PersonRow>
    </Link>
  );
}

/** Only oneself: the one thing to do now. */
function Alone() {
  const t = useT();
  const me = useMe();
  const [, navigate] = useLocation();
  const admin = me?.role === 'admin';
  return (
    <div className={styles['alone']}>
      <Empty
        title={t('directory.empty')}
        hint={admin ? t('directory.empty_admin') : t('directory.empty_member')}
        icon={<Users {...ICON_STATE} />}
      >
        {admin && <Button onClick={() => navigate(paths.addPeople)}>{t('directory.add')}</Button>}
      </Empty>
    </div>
  );
}

function withLetters(people: readonly Person[], lettered: boolean): { person: Person; letter: boolean }[] {
  return people.map((person, index) => ({
    person,
    letter: lettered && person.initial !== people[index - 1]?.initial,
  }));
}
