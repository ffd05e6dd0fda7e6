// How screens reach the client, its cells, the texts and the width.

import { createContext, use, useCallback, useEffect, useState, useSyncExternalStore } from 'react';

import type { Cell } from '../core/cell';
import type { Client } from '../core/client';
import { type ApiError, asApiError } from '../core/errors';
import type { Person, UserId } from '../core/wire';
import { errorText, language, type T, translate } from '../i18n';
import { SKELETON_AFTER_MS, type Width } from '../theme/theme';
import { width } from './width';

export const ClientContext = createContext<Client | undefined>(undefined);

export function useClient(): Client {
  const client = use(ClientContext);
  if (!client) throw new Error('no client above this component');
  return client;
}

export function useCell<V>(cell: Cell<V>): V {
  return useSyncExternalStore(cell.subscribe, cell.get);
}

/** A part of a cell; draws again only when that part is another one. */
export function usePart<V, P>(cell: Cell<V>, part: (value: V) => P): P {
  return useSyncExternalStore(cell.subscribe, () => part(cell.get()));
}

export function useT(): T {
  const code = useCell(language);
  return useCallback((key, places) => translate(code, key, places), [code]);
}

export function useErrorText(): (error: ApiError) => string {
  const code = useCell(language);
  const t = useT();
  return useCallback((error) => errorText(t, code, error), [t, code]);
}

export function useWidth(): Width {
  return useCell(width);
}

/** The person with this id; asks for the name when it is not known yet. */
export function usePerson(userId: UserId | undefined): Person | undefined {
  const { people } = useClient();
  const person = usePart(people.known, (known) => (userId === undefined ? undefined : known.get(userId)));
  useEffect(() => {
    if (userId !== undefined && !person) people.want(userId);
  }, [people, userId, person]);
  return person;
}

/** Who I am; screens behind sign-in always have one, also while they wait for the same person to be back. */
export function useMe(): Person | undefined {
  const client = useClient();
  return usePart(client.session, (session) => ('user' in session ? session.user : undefined));
}

/** True once `waiting` has lasted long enough to be worth showing. */
export function useSlow(waiting: boolean, afterMs = SKELETON_AFTER_MS): boolean {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    if (!waiting) return undefined;
    const timer = setTimeout(() => setSlow(true), afterMs);
    return () => {
      clearTimeout(timer);
      setSlow(false);
    };
  }, [waiting, afterMs]);
  return waiting && slow;
}

export interface Act<A extends unknown[]> {
  run: (...args: A) => Promise<boolean>;
  running: boolean;
  error: ApiError | undefined;
  clear: () => void;
}

/** One thing a person asks for: runs once at a time, keeps its error for showing. True when it worked. */
export function useAct<A extends unknown[]>(act: (...args: A) => Promise<void>): Act<A> {
  const [running, setRunning] = useState(false);
  const [error, setError] = useState<ApiError>();
  const run = useCallback(
    async (...args: A) => {
      setRunning(true);
      setError(undefined);
      try {
        await act(...args);
        return true;
      } catch (thrown) {
        setError(asApiError(thrown));
        return false;
      } finally {
        setRunning(false);
      }
    },
    [act],
  );
  return { run, running, error, clear: useCallback(() => setError(undefined), []) };
}
