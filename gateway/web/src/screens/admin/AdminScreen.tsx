// What an administrator looks at: how the server is, what it could not do, who did what, the devices of a colleague, what
// takes room.

import { ShieldAlert } from 'lucide-react';

import { useMe, useT } from '../../app/hooks';
import { type AdminSection, paths } from '../../app/paths';
import type { UserId } from '../../core/wire';
import type { TextKey } from '../../i18n';
import { PaneHead } from '../../parts/PaneHead';
import { Empty } from '../../parts/States';
import { ICON_STATE } from '../../theme/theme';
import styles from './Admin.module.css';
import { Audit } from './Audit';
import { Failed } from './Failed';
import { Overview } from './Overview';
import { PeopleList } from './PeopleList';
import { PersonAdmin } from './PersonAdmin';
import { Retention } from './Retention';
import { Storage } from './Storage';
import '../../i18n/office';

const TITLES: Record<AdminSection, TextKey> = {
  overview: 'admin.overview',
  failed: 'admin.failed',
  people: 'admin.people',
  audit: 'admin.audit',
  storage: 'admin.storage',
  retention: 'admin.retention',
};

export function AdminScreen({ section, personId }: { section: AdminSection; personId: UserId | undefined }) {
  const t = useT();
  const me = useMe();
  const title = t(personId === undefined ? TITLES[section] : 'admin.person');
  const back = personId === undefined ? paths.admin : paths.adminPeople;
  return (
    <div className={styles['page']}>
      <PaneHead title={title} back={back} alwaysBack={personId !== undefined} />
      <div className={styles['scroll']}>
        {me?.role === 'admin' ? (
          <div className={styles['column']} data-wide={section === 'overview' || section === 'audit' ? true : undefined}>
            {section === 'overview' && <Overview />}
            {section === 'failed' && <Failed />}
            {section === 'audit' && <Audit />}
            {section === 'storage' && <Storage />}
            {section === 'retention' && <Retention />}
            {section === 'people' &&
              (personId === undefined ? <PeopleList /> : <PersonAdmin key={personId} userId={personId} />)}
          </div>
        ) : (
          <Empty title={t('admin.no_right')} hint={t('admin.no_right_hint')} icon={<ShieldAlert {...ICON_STATE} />} />
        )}
      </div>
    </div>
  );
}
