// The accounts that are disabled: since when, why, and the way back.

import { Button } from '@mantine/core';
import { UserX } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { Link } from 'wouter';

import { useAct, useClient, useT } from '../../app/hooks';
import { useNow } from '../../app/live';
import { paths } from '../../app/paths';
import { dayText } from '../../app/time';
import { type DisabledMember, PAGE_MAX } from '../../core/wire';
import { PaneHead } from '../../parts/PaneHead';
import { PersonRow } from '../../parts/PersonRow';
import { Empty, ErrorBox, Skeletons } from '../../parts/States';
import { ICON_STATE } from '../../theme/theme';
import { EnableMember } from './Disabling';
import styles from './Disabling.module.css';

export function DisabledPeople() {
  const t = useT();
  return (
    <div className={styles['page']}>
      <PaneHead title={t('directory.disabled_list')} back={paths.directory} />
      <div className={styles['scroll']}>
        <List />
      </div>
    </div>
  );
}

function List() {
  const t = useT();
  const client = useClient();
  const now = useNow();
  const [items, setItems] = useState<readonly DisabledMember[]>();
  const [next, setNext] = useState<string>();
  const load = useAct(
    useCallback(
      async (cursor: string | undefined) => {
        const page = await client.call('space.disabled_members', {
          limit: PAGE_MAX,
          ...(cursor === undefined ? {} : { cursor }),
        });
        setItems((before) => [...(cursor === undefined ? [] : (before ?? [])), ...page.items]);
        setNext(page.next);
      },
      [client],
    ),
  );
  const { run } = load;
  useEffect(() => {
    void run(undefined);
  }, [run]);
  if (!items) {
    if (load.error) {
      return (
        <ErrorBox title={t('directory.load_failed')} error={load.error} onRetry={() => void run(undefined)} />
      );
    }
    return <Skeletons rows={3} kind="list" />;
  }
  if (items.length === 0) {
    return <Empty title={t('directory.disabled_none')} icon={<UserX {...ICON_STATE} />} />;
  }
  return (
    <>
      <ul className={styles['people']}>
        {items.map(({ user, disabled_at, reason }) => (
          <li key={user.user_id} className={styles['person']}>
            <Link href={paths.person(user.user_id, paths.disabled)} className={styles['who']}>
              <PersonRow person={user} sub={`${dayText(t, disabled_at, now)} · ${reason}`} />
            </Link>
            <EnableMember person={user} onDone={() => void run(undefined)} />
          </li>
        ))}
      </ul>
      {next !== undefined && (
        <p className={styles['more']}>
          <Button variant="default" loading={load.running} onClick={() => void run(next)}>
            {t('details.more_members')}
          </Button>
        </p>
      )}
    </>
  );
}
