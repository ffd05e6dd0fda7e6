// Choosing several colleagues.

import { Checkbox, TextInput } from '@mantine/core';
import { Search, X } from 'lucide-react';
import { useEffect, useState } from 'react';

import { useCell, useClient, useMe, useT } from '../../app/hooks';
import type { Person, UserId } from '../../core/wire';
import { PersonRow } from '../../parts/PersonRow';
import { ErrorBox, Skeletons } from '../../parts/States';
import { ICON_SMALL } from '../../theme/theme';
import styles from './PeoplePicker.module.css';
import { usePeopleSearch } from './search';

interface PeoplePickerProps {
  chosen: readonly Person[];
  onChange: (chosen: Person[]) => void;
  /** Already members: shown, but not to be chosen. */
  taken?: ReadonlySet<UserId>;
}

export function PeoplePicker({ chosen, onChange, taken }: PeoplePickerProps) {
  const t = useT();
  const me = useMe();
  const { people } = useClient();
  const view = useCell(people.directory);
  const [query, setQuery] = useState('');
  useEffect(() => {
    void people.loadDirectory();
  }, [people]);
  const search = usePeopleSearch(query, view.people);
  const found = search.people.filter((person) => person.user_id !== me?.user_id);
  const ids = new Set(chosen.map((person) => person.user_id));
  const toggle = (person: Person) =>
    onChange(ids.has(person.user_id) ? chosen.filter(({ user_id }) => user_id !== person.user_id) : [...chosen, person]);
  return (
    <div className={styles['picker']}>
      <TextInput
        type="search"
        value={query}
        onChange={(event) => setQuery(event.currentTarget.value)}
        placeholder={t('directory.search')}
        aria-label={t('directory.search')}
        leftSection={<Search {...ICON_SMALL} />}
        data-autofocus
      />
      {chosen.length > 0 && <Chosen people={chosen} onRemove={toggle} />}
      {view.phase === 'error' && (
        <ErrorBox title={t('directory.load_failed')} error={view.error} onRetry={() => void people.loadDirectory()} />
      )}
      {(view.phase === 'empty' || view.phase === 'loading') && <Skeletons rows={4} kind="inner" />}
      {view.phase === 'ready' && (
        // Where everyone is a member already nothing inside can have the focus, and it must scroll all the same.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <ul className={styles['people']} tabIndex={0} aria-label={t('directory.list')}>
          {found.map((person) => (
            <Choice
              key={person.user_id}
              person={person}
              chosen={ids.has(person.user_id)}
              taken={taken?.has(person.user_id) ?? false}
              onToggle={toggle}
            />
          ))}
          {found.length === 0 && search.asking && (
            <li>
              <Skeletons rows={1} kind="inner" />
            </li>
          )}
          {found.length === 0 && !search.asking && (
            <li className={styles['none']}>
              {query.trim() === '' ? t('directory.empty') : t('directory.no_match', { query: query.trim() })}
            </li>
          )}
          {view.more && query.trim() === '' && (
            <li>
              <button type="button" className={styles['more']} onClick={() => void people.loadMoreDirectory()}>
                {t('common.more')}
              </button>
            </li>
          )}
        </ul>
      )}
    </div>
  );
}

function Chosen({ people, onRemove }: { people: readonly Person[]; onRemove: (person: Person) => void }) {
  const t = useT();
  return (
    <div className={styles['chosen']}>
      {people.map((person) => (
        <button
          key={person.user_id}
          type="button"
          className={styles['chip']}
          aria-label={t('pick.remove', { name: person.name })}
          onClick={() => onRemove(person)}
        >
          {person.name}
          <X {...ICON_SMALL} />
        </button>
      ))}
    </div>
  );
}

interface ChoiceProps {
  person: Person;
  chosen: boolean;
  taken: boolean;
  onToggle: (person: Person) => void;
}

function Choice({ person, chosen, taken, onToggle }: ChoiceProps) {
  const t = useT();
  return (
    <li>
      <label className={styles['row']} data-disabled={taken || undefined}>
        <Checkbox
          checked={taken || chosen}
          disabled={taken}
          onChange={() => onToggle(person)}
          aria-label={person.name}
        />
        <PersonRow person={person} sub={taken ? t('pick.in_already') : (person.title ?? '')} />
      </label>
    </li>
  );
}
