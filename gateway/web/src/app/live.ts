// What changes by itself: the day, who is there.

import { useEffect, useState, useSyncExternalStore } from 'react';

import type { Presence, UserId } from '../core/wire';
import { useClient, usePart } from './hooks';

const MINUTE_MS = 60_000;

/** The server's time, new every minute, so that "today" becomes "yesterday" without a reload. */
export function useNow(): number {
  const { clock } = useClient();
  return useSyncExternalStore(everyMinute, () => Math.floor(clock.now() / MINUTE_MS) * MINUTE_MS);
}

function everyMinute(tick: () => void): () => void {
  const timer = setInterval(tick, MINUTE_MS / 4);
  return () => clearInterval(timer);
}

/** Keeps asking who of these is there while the component is. */
export function useWatch(userIds: readonly UserId[]): void {
  const { people } = useClient();
  const key = userIds.join(' ');
  useEffect(() => {
    if (key === '') return undefined;
    return people.watch(key.split(' '));
  }, [people, key]);
}

export function usePresence(userId: UserId | undefined): Presence | undefined {
  const { people } = useClient();
  return usePart(people.presence, (presence) => (userId === undefined ? undefined : presence.get(userId)));
}

/** Whether someone is looking: the window has the focus and is not hidden. */
export function useLooking(): boolean {
  const [looking, setLooking] = useState(isLooking);
  useEffect(() => {
    const take = () => setLooking(isLooking());
    window.addEventListener('focus', take);
    window.addEventListener('blur', take);
    document.addEventListener('visibilitychange', take);
    return () => {
      window.removeEventListener('focus', take);
      window.removeEventListener('blur', take);
      document.removeEventListener('visibilitychange', take);
    };
  }, []);
  return looking;
}

export function isLooking(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus();
}
