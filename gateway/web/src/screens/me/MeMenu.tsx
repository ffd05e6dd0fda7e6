// Oneself, and the pages about it.

import { ChevronRight, KeyRound, LogOut, MonitorSmartphone, Palette, ShieldCheck, UserRound } from 'lucide-react';
import { useCallback, useState } from 'react';
import { Link, useLocation } from 'wouter';

import { useClient, useMe, usePart, useT } from '../../app/hooks';
import { type MeSection, paths } from '../../app/paths';
import { Avatar } from '../../parts/Avatar';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { ICON, ICON_SMALL } from '../../theme/theme';
import styles from './Me.module.css';

const SECTIONS = [
  { section: 'profile', path: paths.profile, text: 'me.profile', icon: UserRound },
  { section: 'sessions', path: paths.sessions, text: 'me.sessions', icon: MonitorSmartphone },
  { section: 'password', path: paths.password, text: 'me.password', icon: KeyRound },
  { section: 'preferences', path: paths.preferences, text: 'me.preferences', icon: Palette },
] as const;

export function MeMenu({ section }: { section: MeSection | undefined }) {
  const t = useT();
  const client = useClient();
  const me = useMe();
  const [, navigate] = useLocation();
  const [asking, setAsking] = useState(false);
  const company = usePart(client.session, (session) => (session.kind === 'ready' ? session.space.name : ''));
  const signOut = useCallback(() => {
    client.signOut();
    navigate(paths.signIn);
  }, [client, navigate]);
  return (
    <div className={styles['menu']}>
      <div className={styles['self']}>
        <Avatar person={me} id={me?.user_id ?? ''} size="l" />
        <div className={styles['selfText']}>
          <h1 className={styles['name']}>{me?.name}</h1>
          <p className={styles['sub']}>{company}</p>
        </div>
      </div>
      <nav aria-label={t('me.sections')}>
        {SECTIONS.map(({ section: own, path, text, icon: Icon }) => (
          <Link
            key={own}
            href={path}
            className={styles['item']}
            aria-current={section === own ? 'page' : undefined}
          >
            <Icon {...ICON} />
            <span className={styles['itemText']}>{t(text)}</span>
            <ChevronRight {...ICON_SMALL} />
          </Link>
        ))}
        {me?.role === 'admin' && (
          <Link href={paths.admin} className={styles['item']}>
            <ShieldCheck {...ICON} />
            <span className={styles['itemText']}>{t('admin.title')}</span>
            <ChevronRight {...ICON_SMALL} />
          </Link>
        )}
      </nav>
      <button type="button" className={styles['item']} onClick={() => setAsking(true)}>
        <LogOut {...ICON} />
        <span className={styles['itemText']}>{t('me.sign_out')}</span>
      </button>
      {asking && (
        <ConfirmDialog
          title={t('me.sign_out_title')}
          text={t('me.sign_out_text')}
          action={t('me.sign_out')}
          run={signOut}
          onClose={() => setAsking(false)}
        />
      )}
    </div>
  );
}
