// One colleague to look for: typed, chosen from those who are found, put away again.

import { CloseButton, TextInput } from '@mantine/core';
import { useState } from 'react';

import { usePerson, useT } from '../../app/hooks';
import type { UserId } from '../../core/wire';
import { usePeopleSearch } from '../directory/search';
import styles from './Admin.module.css';

/** So many are offered. */
const FOUND_MAX = 6;

export function PersonFilter({ userId, onChange }: { userId: UserId; onChange: (userId: UserId) => void }) {
  const t = useT();
  const [query, setQuery] = useState('');
  const person = usePerson(userId === '' ? undefined : userId);
  const { people: found, asking } = usePeopleSearch(query, []);
  if (userId !== '') {
    return (
      <TextInput
        readOnly
        label={t('admin.person_filter')}
        value={person?.name ?? t('common.unknown_person')}
        rightSection={<CloseButton aria-label={t('admin.all_people')} onClick={() => onChange('')} />}
        rightSectionPointerEvents="all"
      />
    );
  }
  return (
    <div className={styles['finder']}>
      <TextInput
        label={t('admin.person_filter')}
        placeholder={t('directory.search')}
        value={query}
        onChange={(event) => setQuery(event.currentTarget.value)}
        onKeyDown={(event) => {
          const first = found[0];
          if (event.key === 'Escape') setQuery('');
          if (event.key === 'Enter' && first && !event.nativeEvent.isComposing) onChange(first.user_id);
        }}
      />
      {query.trim() !== '' && (
        <ul className={styles['found']} aria-label={t('admin.person_filter')}>
          {found.slice(0, FOUND_MAX).map(({ user_id, name, login }) => (
            <li key={user_id}>
              <button type="button" className={styles['item']} onClick={() => onChange(user_id)}>
                <span className={styles['grow']}>{name}</span>
                <span className={styles['sub']}>{login}</span>
              </button>
            </li>
          ))}
          {found.length === 0 && !asking && <li className={styles['sub']}>{t('directory.no_match', { query: query.trim() })}</li>}
        </ul>
      )}
    </div>
  );
}
