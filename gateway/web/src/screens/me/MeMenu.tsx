// Oneself, and the pages about it.

import { KeyRound, LogOut, MonitorSmartphone, Palette, ShieldCheck, UserRound } from 'lucide-react';
import { useCallback, useState } from 'react';
import { useLocation } from 'wouter';

import { useClient, useMe, usePart, useT } from '../../app/hooks';
import { type MeSection, paths } from '../../app/paths';
import { Avatar } from '../../parts/Avatar';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { MenuButton, MenuLink } from '../../parts/MenuLink';
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
        {SECTIONS.map(({ section: own, path, text, icon }) => (
          <MenuLink key={own} href={path} icon={icon} text={t(text)} current={section === own} />
        ))}
        {me?.role === 'admin' && <MenuLink href={paths.admin} icon={ShieldCheck} text={t('admin.title')} />}
      </nav>
      <MenuButton icon={LogOut} text={t('me.sign_out')} onClick={() => setAsking(true)} />
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
