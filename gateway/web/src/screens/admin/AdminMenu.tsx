// The pages of an administrator.

import { Activity, Archive, HardDrive, ListX, ScrollText, Users } from 'lucide-react';

import { useT } from '../../app/hooks';
import { type AdminSection, paths } from '../../app/paths';
import { MenuLink } from '../../parts/MenuLink';
import { PaneHead } from '../../parts/PaneHead';
import styles from './Admin.module.css';
import '../../i18n/office';

const SECTIONS = [
  { section: 'overview', path: paths.adminOverview, text: 'admin.overview', icon: Activity },
  { section: 'failed', path: paths.adminFailed, text: 'admin.failed', icon: ListX },
  { section: 'people', path: paths.adminPeople, text: 'admin.people', icon: Users },
  { section: 'audit', path: paths.adminAudit, text: 'admin.audit', icon: ScrollText },
  { section: 'storage', path: paths.adminStorage, text: 'admin.storage', icon: HardDrive },
  { section: 'retention', path: paths.adminRetention, text: 'admin.retention', icon: Archive },
] as const;

export function AdminMenu({ section }: { section: AdminSection | undefined }) {
  const t = useT();
  return (
    <>
      <PaneHead title={t('admin.title')} back={paths.me} alwaysBack />
      <nav className={styles['menu']} aria-label={t('admin.title')}>
        {SECTIONS.map(({ section: own, path, text, icon }) => (
          <MenuLink key={own} href={path} icon={icon} text={t(text)} current={section === own} />
        ))}
      </nav>
    </>
  );
}
