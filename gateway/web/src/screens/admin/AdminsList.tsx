// Who the administrators are.

import { Button } from '@mantine/core';
import { useCallback } from 'react';

import { useClient, usePart, useT } from '../../app/hooks';
import type { Person } from '../../core/wire';
import { ErrorBox, FormError, Skeletons } from '../../parts/States';
import styles from './Admin.module.css';
import { PeopleRows } from './PeopleRows';
import { usePages, type Wanted } from './usePages';

export function AdminsList() {
  const t = useT();
  const client = useClient();
  const { items, next, load } = usePages<Person>(
    useCallback((wanted: Wanted) => client.call('space.admins', wanted), [client]),
  );
  const { run, running, error } = load;
  // One who was renamed meanwhile is shown as he is now.
  const known = usePart(client.people.known, (people) => people);
  if (!items) {
    if (error) return <ErrorBox title={t('admin.admins_failed')} error={error} onRetry={() => void run(undefined)} />;
    return <Skeletons rows={3} kind="list" />;
  }
  const people = items.map((person) => known.get(person.user_id) ?? person);
  return (
    <>
      <p className={styles['sub']}>{t('admin.admins_hint')}</p>
      <PeopleRows people={people} />
      <FormError error={error} />
      {next !== undefined && (
        <Button variant="default" loading={running} onClick={() => void run(next)}>
          {t('common.more')}
        </Button>
      )}
    </>
  );
}
