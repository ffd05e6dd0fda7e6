// The list of what failed: page by page, and looked at again after each try.

import { useCallback, useMemo } from 'react';

import { useClient } from '../../app/hooks';
import { PAGE_MAX } from '../../core/wire';
import type { Letter } from './letters';
import type { Means } from './retrying';
import { PAGE, type Pages, usePages, type Wanted } from './usePages';

export interface Letters extends Pages<Letter> {
  means: Means;
}

export function useLetters(): Letters {
  const client = useClient();
  const pages = usePages<Letter>(useCallback((wanted: Wanted) => client.call('admin.dead_letter.list', wanted), [client]));
  const { items, put } = pages;
  const shown = items?.length ?? 0;
  const means = useMemo<Means>(
    () => ({
      retry: (letter_id) => client.write('admin.dead_letter.retry', { letter_id }),
      look: async () => {
        const page = await client.call('admin.dead_letter.list', { limit: Math.min(PAGE_MAX, Math.max(PAGE, shown)) });
        put(page);
        return page.items;
      },
      pause: (ms) => new Promise((done) => setTimeout(done, ms)),
    }),
    [client, put, shown],
  );
  return { ...pages, means };
}
