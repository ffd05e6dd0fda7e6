// Who takes how much: most first.

import { Button } from '@mantine/core';
import { HardDrive, TriangleAlert } from 'lucide-react';
import { useCallback, useMemo } from 'react';
import { Link } from 'wouter';

import { useClient, usePart, usePerson, useT } from '../../app/hooks';
import { paths } from '../../app/paths';
import { Avatar } from '../../parts/Avatar';
import { Empty, ErrorBox, FormError, Skeletons } from '../../parts/States';
import { ICON_SMALL, ICON_STATE } from '../../theme/theme';
import admin from './Admin.module.css';
import { Facts } from './Facts';
import { bytesText } from './figures';
import { type PersonUse, shareOf } from './room';
import styles from './Storage.module.css';
import { usePages, type Wanted } from './usePages';

export function StoragePeople({ quota }: { quota: number | undefined }) {
  const t = useT();
  const client = useClient();
  const { items: all, next, load } = usePages<PersonUse>(
    useCallback((wanted: Wanted) => client.call('admin.storage.people', wanted), [client]),
  );
  const { run, running, error } = load;
  const items = useMemo(() => all && onceEach(all), [all]);
  if (!items) {
    if (error) return <ErrorBox title={t('storage.people_failed')} error={error} onRetry={() => void run(undefined)} />;
    return <Skeletons rows={4} kind="list" />;
  }
  if (items.length === 0) {
    return <Empty title={t('storage.people_none')} hint={t('storage.people_none_hint')} icon={<HardDrive {...ICON_STATE} />} />;
  }
  return (
    <>
      <ul className={admin['rows']} data-testid="storage-people">
        {items.map((use) => (
          <Row key={use.user_id} use={use} quota={quota} most={items[0]?.bytes ?? 0} />
        ))}
      </ul>
      <FormError error={error} />
      {next !== undefined && (
        <Button variant="default" loading={running} onClick={() => void run(next)}>
          {t('admin.more')}
        </Button>
      )}
    </>
  );
}

function Row({ use, quota, most }: { use: PersonUse; quota: number | undefined; most: number }) {
  const t = useT();
  const { people } = useClient();
  const { user_id, images, files, uploading, bytes } = use;
  const person = usePerson(user_id);
  const absent = usePart(people.absent, (all) => all.has(user_id));
  const { filled, percent, mark } = shareOf(bytes, quota, most);
  const share = percent === 0 && bytes > 0 ? '<1' : percent;
  const kinds = [
    images.bytes > 0 && t('storage.kind', { kind: t('storage.images'), size: bytesText(images.bytes) }),
    files.bytes > 0 && t('storage.kind', { kind: t('storage.files'), size: bytesText(files.bytes) }),
    uploading.bytes > 0 && t('storage.kind', { kind: t('storage.uploading'), size: bytesText(uploading.bytes) }),
  ];
  return (
    <li data-testid="storage-person">
      <Link href={paths.adminPerson(user_id)} className={styles['person']}>
        <Avatar person={person} id={user_id} />
        <span className={styles['use']}>
          <span className={styles['line']}>
            <span className={styles['name']}>{person?.name ?? (absent ? t('common.unknown_person') : '')}</span>
            {mark && (
              <span className={styles['mark']}>
                <TriangleAlert {...ICON_SMALL} />
                {t(mark === 'full' ? 'storage.full' : 'storage.nearly')}
              </span>
            )}
            <span className={styles['bytes']}>{bytesText(bytes)}</span>
          </span>
          <span className={styles['share']} data-mark={mark}>
            <span style={{ width: `${filled}%` }} />
          </span>
          <span className={styles['below']}>
            <Facts className={styles['kinds']} facts={kinds} />
            {share !== undefined && <span className={styles['percent']}>{t('storage.of_quota', { percent: share })}</span>}
          </span>
        </span>
      </Link>
    </li>
  );
}

/** Who uploads meanwhile may come once more on the next page. */
function onceEach(all: readonly PersonUse[]): PersonUse[] {
  const known = new Set<string>();
  return all.filter(({ user_id }) => !known.has(user_id) && known.add(user_id));
}
