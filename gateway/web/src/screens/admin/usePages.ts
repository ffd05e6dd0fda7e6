// A list that comes page by page: the first at once, the next when it is asked for.

import { useCallback, useEffect, useState } from 'react';

import { type Act, useAct } from '../../app/hooks';

export const PAGE = 50;

export interface Page<T> {
  items: T[];
  next?: string;
}

export interface Wanted {
  limit: number;
  cursor?: string;
}

export interface Pages<T> {
  items: readonly T[] | undefined;
  /** Where the next page begins. */
  next: string | undefined;
  load: Act<[cursor: string | undefined]>;
  /** Instead of what is there. */
  put: (page: Page<T>) => void;
}

/** `ask` must stay the same as long as the list does. */
export function usePages<T>(ask: (wanted: Wanted) => Promise<Page<T>>): Pages<T> {
  const [items, setItems] = useState<readonly T[]>();
  const [next, setNext] = useState<string>();
  const load = useAct(
    useCallback(
      async (cursor: string | undefined) => {
        const page = await ask({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
        setItems((before) => [...(cursor === undefined ? [] : (before ?? [])), ...page.items]);
        setNext(page.next);
      },
      [ask],
    ),
  );
  const put = useCallback((page: Page<T>) => {
    setItems(page.items);
    setNext(page.next);
  }, []);
  const { run } = load;
  useEffect(() => {
    void run(undefined);
  }, [run]);
  return { items, next, load, put };
}
