// Whom an administrator wants to look after.

import { SegmentedControl, TextInput } from '@mantine/core';
import { Users } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Link } from 'wouter';

import { useCell, useClient, useT } from '../../app/hooks';
import { paths } from '../../app/paths';
import { Empty, ErrorBox, Skeletons } from '../../parts/States';
import { ICON_STATE } from '../../theme/theme';
import { usePeopleSearch } from '../directory/search';
import styles from './Admin.module.css';
import { AdminsList } from './AdminsList';
import { PeopleRows } from './PeopleRows';

export function PeopleList() {
  const t = useT();
  const [which, setWhich] = useState<'all' | 'admins'>('all');
  return (
    <>
      <SegmentedControl
        aria-label={t('admin.people_which')}
        value={which}
        onChange={(value) => setWhich(value === 'admins' ? 'admins' : 'all')}
        data={[
          { value: 'all', label: t('admin.people_all') },
          { value: 'admins', label: t('admin.people_admins') },
        ]}
      />
      {which === 'all' ? <Everybody /> : <AdminsList />}
    </>
  );
}

function Everybody() {
  const t = useT();
  const { people } = useClient();
  const view = useCell(people.directory);
  const [query, setQuery] = useState('');
  const { people: found, asking } = usePeopleSearch(query, view.people);
  useEffect(() => {
    if (people.directory.get().phase !== 'ready') void people.loadDirectory();
  }, [people]);
  if (view.phase === 'error') {
    return <ErrorBox title={t('directory.load_failed')} error={view.error} onRetry={() => void people.loadDirectory()} />;
  }
  if (view.phase !== 'ready') return <Skeletons rows={6} kind="list" />;
  return (
    <>
      <TextInput
        className={styles['wide'] ?? ''}
        value={query}
        onChange={(event) => setQuery(event.currentTarget.value)}
        aria-label={t('directory.search')}
        placeholder={t('directory.search')}
      />
      {found.length === 0 && !asking && <Empty title={t('directory.no_match', { query })} icon={<Users {...ICON_STATE} />} />}
      <PeopleRows people={found} />
      <Link href={paths.disabled} className={styles['link']}>
        {t('directory.disabled_list')}
      </Link>
    </>
  );
}
