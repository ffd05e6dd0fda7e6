// The pages under "me".

import { useT } from '../../app/hooks';
import { type MeSection, paths } from '../../app/paths';
import type { TextKey } from '../../i18n';
import { PaneHead } from '../../parts/PaneHead';
import styles from './Me.module.css';
import { Password } from './Password';
import { Preferences } from './Preferences';
import { Profile } from './Profile';
import { Sessions } from './Sessions';

const TITLES: Record<MeSection, TextKey> = {
  profile: 'me.profile',
  sessions: 'me.sessions',
  password: 'me.password',
  preferences: 'me.preferences',
};

export function MeScreen({ section }: { section: MeSection }) {
  const t = useT();
  return (
    <div className={styles['page']}>
      <PaneHead title={t(TITLES[section])} back={paths.me} />
      <div className={styles['scroll']}>
        <div className={styles['column']}>
          {section === 'profile' && <Profile />}
          {section === 'sessions' && <Sessions />}
          {section === 'password' && <Password />}
          {section === 'preferences' && <Preferences />}
        </div>
      </div>
    </div>
  );
}
