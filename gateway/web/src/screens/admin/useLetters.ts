// The list of what failed: page by page, and looked at again after each try.

import { useCallback, useEffect, useMemo, useState } from 'react';

import { type Act, useAct, useClient } from '../../app/hooks';
import { PAGE_MAX } from '../../core/wire';
import type { Letter } from './letters';
import type { Means } from './retrying';

const PAGE = 50;

export interface Letters {
  items: readonly Letter[] | undefined;
  /** Where the next page begins. */
  next: string | undefined;
  load: Act<[cursor: string | undefined]>;
  means: Means;
}

export function useLetters(): Letters {
  const client = useClient();
  const [items, setItems] = useState<readonly Letter[]>();
  const [next, setNext] = useState<string>();
  const load = useAct(
    useCallback(
      async (cursor: string | undefined) => {
        const page = await client.call('admin.dead_letter.list', {
          limit: PAGE,
          ...(cursor === undefined ? {} : { cursor }),
        });
        setItems((before) => [...(cursor === undefined ? [] : (before ?? [])), ...page.items]);
        setNext(page.next);
      },
      [client],
    ),
  );
  const shown = items?.length ?? 0;
  const means = useMemo<Means>(
    () => ({
      retry: (letter_id) => client.write('admin.dead_letter.retry', { letter_id }),
      look: async () => {
        const page = await client.call('admin.dead_letter.list', { limit: Math.min(PAGE_MAX, Math.max(PAGE, shown)) });
        setItems(page.items);
        setNext(page.next);
        return page.items;
      },
      pause: (ms) => new Promise((done) => setTimeout(done, ms)),
    }),
    [client, shown],
  );
  const { run } = load;
  useEffect(() => {
    void run(undefined);
  }, [run]);
  return { items, next, load, means };
}
