// The frame once one is in: rail and panes on the desk, one column with tabs on the phone. The address says
// what stands in each pane.

import { Button } from '@mantine/core';
import { CircleUserRound, MessageCircle, SearchX } from 'lucide-react';
import { lazy, type ReactNode, Suspense, useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';

import { Avatar } from '../parts/Avatar';
import { Empty } from '../parts/States';
import { Chat } from '../screens/chats/Chat';
import { ChatList } from '../screens/chats/ChatList';
import { NoChat } from '../screens/chats/NoChat';
import { DisabledPeople } from '../screens/directory/DisabledPeople';
import { DirectoryList } from '../screens/directory/DirectoryList';
import { NoPerson, PersonCard } from '../screens/directory/PersonCard';
import { MeMenu } from '../screens/me/MeMenu';
import { ICON, ICON_STATE } from '../theme/theme';
import { badgeText } from './badge';
import { Banner } from './Banner';
import { Boundary } from './Boundary';
import { useClient, useMe, usePart, useT, useWidth } from './hooks';
import { paths, type Place, placeOf } from './paths';
import { ResizeHandle } from './ResizeHandle';
import styles from './Shell.module.css';

const PARTS = {
  me: () => import('../screens/me/MeScreen'),
  admin: () => import('../screens/admin/AdminScreen'),
  adminMenu: () => import('../screens/admin/AdminMenu'),
  add: () => import('../screens/directory/AddPeople'),
  credentials: () => import('../screens/directory/CredentialSheet'),
  discussion: () => import('../screens/directory/NewDiscussion'),
  switcher: () => import('./Switcher'),
  // Those are asked for where they are needed.
  picture: () => import('../screens/chats/PictureViewer'),
  sending: () => import('../screens/chats/UploadStrip'),
  uploads: () => import('../core/uploads'),
};
const MeScreen = lazy(async () => ({ default: (await PARTS.me()).MeScreen }));
const AdminScreen = lazy(async () => ({ default: (await PARTS.admin()).AdminScreen }));
const AdminMenu = lazy(async () => ({ default: (await PARTS.adminMenu()).AdminMenu }));
const AddPeople = lazy(async () => ({ default: (await PARTS.add()).AddPeople }));
const CredentialSheet = lazy(async () => ({ default: (await PARTS.credentials()).CredentialSheet }));
const NewDiscussion = lazy(async () => ({ default: (await PARTS.discussion()).NewDiscussion }));
const Switcher = lazy(async () => ({ default: (await PARTS.switcher()).Switcher }));

/** Long after what one came for is there. */
const REST_AFTER_MS = 5_000;

export function Shell() {
  const t = useT();
  const width = useWidth();
  const [path] = useLocation();
  const place = placeOf(path);
  const [switching, setSwitching] = useState(false);
  useTitle();
  useRestOfParts();
  useSwitcherKey(() => setSwitching(true));
  const openSwitcher = () => setSwitching(true);
  const phone = width === 'phone';
  const deep = isDeep(place);
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    // On the phone the list has gone: reading and tabbing go on in what came instead.
    if (phone && deep && !main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true });
  }, [phone, deep, path]);
  return (
    <div className={styles['shell']}>
      {!phone && (
        <a className={styles['skip']} href="#main">
          {t('nav.skip')}
        </a>
      )}
      <Banner />
      <div className={styles['panes']}>
        {!phone && <Rail place={place} />}
        {(!phone || !deep) && (
          <Side alone={phone}>
            <Boundary place={place.area}>
              <Suspense fallback={null}>
                <ListPane place={place} onSearch={openSwitcher} />
              </Suspense>
            </Boundary>
          </Side>
        )}
        {(!phone || deep) && (
          <main ref={main} className={styles['main']} id="main" tabIndex={-1}>
            <Boundary place={path}>
              <Suspense fallback={null}>
                <MainPane place={place} />
              </Suspense>
            </Boundary>
          </main>
        )}
      </div>
      {phone && !deep && <Tabs place={place} />}
      <Suspense fallback={null}>
        {place.area === 'directory' && place.dialog && <AddPeople />}
        {place.area === 'chats' && place.dialog && <NewDiscussion />}
        {switching && <Switcher onClose={() => setSwitching(false)} />}
      </Suspense>
    </div>
  );
}

/** The left pane; on the phone, where nothing stands beside it, the page itself. */
function Side({ alone, children }: { alone: boolean; children: ReactNode }) {
  const t = useT();
  if (alone) return <main className={styles['list']}>{children}</main>;
  return (
    <section className={styles['list']} aria-label={t('nav.side')}>
      {children}
      <ResizeHandle />
    </section>
  );
}

function ListPane({ place, onSearch }: { place: Place; onSearch: () => void }) {
  const me = useMe();
  switch (place.area) {
    case 'directory':
      return <DirectoryList onSearch={onSearch} selected={place.personId} />;
    case 'me':
      return <MeMenu section={place.section} />;
    case 'admin':
      // Whoever types the address without the right is told so beside his own menu.
      return me?.role === 'admin' ? <AdminMenu section={place.section} /> : <MeMenu section={undefined} />;
    case 'chats':
    case 'unknown':
      return <ChatList onSearch={onSearch} selected={place.area === 'chats' ? place.id : undefined} />;
  }
}

function MainPane({ place }: { place: Place }) {
  const t = useT();
  const [, navigate] = useLocation();
  switch (place.area) {
    case 'chats':
      return place.id === undefined ? <NoChat /> : <Chat key={place.id} id={place.id} details={place.details} />;
    case 'directory':
      if (place.page === 'credentials') return <CredentialSheet />;
      if (place.page === 'disabled') return <DisabledPeople />;
      return place.personId === undefined ? <NoPerson /> : <PersonCard key={place.personId} userId={place.personId} />;
    case 'me':
      return <MeScreen section={place.section ?? 'profile'} />;
    case 'admin':
      return <AdminScreen section={place.section ?? 'overview'} personId={place.personId} />;
    case 'unknown':
      return (
        <Empty title={t('common.not_found')} hint={t('common.not_found_hint')} icon={<SearchX {...ICON_STATE} />}>
          <Button onClick={() => navigate(paths.chats)}>{t('common.go_home')}</Button>
        </Empty>
      );
  }
}

/** On the phone: whether the screen stands above the lists, with a way back and no tabs. */
function isDeep(place: Place): boolean {
  if (place.area === 'chats') return place.id !== undefined;
  if (place.area === 'directory') return place.personId !== undefined || place.page !== undefined;
  if (place.area === 'me' || place.area === 'admin') return place.section !== undefined;
  return true;
}

function Rail({ place }: { place: Place }) {
  const t = useT();
  const me = useMe();
  return (
    <nav className={styles['rail']} aria-label={t('nav.main')}>
      <Link href={paths.profile} className={styles['self']} aria-label={t('me.profile')}>
        <Avatar person={me} id={me?.user_id ?? ''} />
      </Link>
      <NavLinks place={place} />
    </nav>
  );
}

function Tabs({ place }: { place: Place }) {
  const t = useT();
  return (
    <nav className={styles['tabs']} aria-label={t('nav.main')}>
      <NavLinks place={place} />
    </nav>
  );
}

function NavLinks({ place }: { place: Place }) {
  const t = useT();
  const { conversations } = useClient();
  const unread = usePart(conversations.view, (view) => view.unreadTotal);
  const chats = place.area === 'chats' || place.area === 'directory';
  return (
    <>
      <Link href={paths.chats} className={styles['tab']} aria-current={chats ? 'page' : undefined}>
        <span className={styles['tabIcon']}>
          <MessageCircle {...ICON} />
          {unread > 0 && (
            <span className={styles['badge']} aria-label={t('chats.unread_count', { count: unread })}>
              {badgeText(unread)}
            </span>
          )}
        </span>
        {t('nav.chats')}
      </Link>
      <Link href={paths.me} className={styles['tab']} aria-current={place.area === 'me' || place.area === 'admin' ? 'page' : undefined}>
        <CircleUserRound {...ICON} />
        {t('nav.me')}
      </Link>
    </>
  );
}

/** Loads what is behind the other doors while nobody waits for it: it opens then also without the server. */
function useRestOfParts(): void {
  useEffect(() => {
    const timer = setTimeout(() => {
      // What does not come is asked for again when one goes there.
      for (const part of Object.values(PARTS)) part().catch(() => {});
    }, REST_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
}

function useTitle(): void {
  const t = useT();
  const { conversations } = useClient();
  const unread = usePart(conversations.view, (view) => view.unreadTotal);
  useEffect(() => {
    const title = t('app.name');
    document.title = unread > 0 ? t('app.title_unread', { count: badgeText(unread), title }) : title;
  }, [t, unread]);
}

function useSwitcherKey(open: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        open();
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [open]);
}
