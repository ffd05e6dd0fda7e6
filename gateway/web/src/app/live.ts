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
  const live = useLive();
  return usePart(people.presence, (presence) => (userId === undefined || !live ? undefined : presence.get(userId)));
}

/** False once the line is lost and the first attempt to have it back failed: who is there is not known any more. */
export function useLive(): boolean {
  const { connection } = useClient();
  return usePart(connection.state, ({ kind }) => kind !== 'offline' && kind !== 'waiting' && kind !== 'refused');
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
