// The head of the left pane: chats or directory, search, and what can be begun from here.

import { MessageSquarePlus, Search, UserPlus } from 'lucide-react';
import { Link, useLocation } from 'wouter';

import { useMe, useT } from '../../app/hooks';
import { paths } from '../../app/paths';
import { IconButton } from '../../parts/IconButton';
import { ICON } from '../../theme/theme';
import styles from './ListHead.module.css';

export function ListHead({ tab, onSearch }: { tab: 'chats' | 'directory'; onSearch: () => void }) {
  const t = useT();
  const me = useMe();
  const [, navigate] = useLocation();
  return (
    <header className={styles['head']}>
      <h1 className="visually-hidden">{t('chats.title')}</h1>
      <nav className={styles['tabs']} aria-label={t('chats.title')}>
        <Link href={paths.chats} className={styles['tab']} aria-current={tab === 'chats' ? 'page' : undefined}>
          {t('chats.tab_chats')}
        </Link>
        <Link href={paths.directory} className={styles['tab']} aria-current={tab === 'directory' ? 'page' : undefined}>
          {t('chats.tab_directory')}
        </Link>
      </nav>
      <IconButton label={t('switcher.open')} onClick={onSearch}>
        <Search {...ICON} />
      </IconButton>
      {tab === 'chats' && (
        <IconButton label={t('chats.new_discussion')} onClick={() => navigate(paths.newDiscussion)}>
          <MessageSquarePlus {...ICON} />
        </IconButton>
      )}
      {tab === 'directory' && me?.role === 'admin' && (
        <IconButton label={t('directory.add')} onClick={() => navigate(paths.addPeople)}>
          <UserPlus {...ICON} />
        </IconButton>
      )}
    </header>
  );
}
