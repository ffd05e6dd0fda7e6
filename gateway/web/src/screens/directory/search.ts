// Finding people as one types: at once among those who are here, then by the server's answer, which knows
// pinyin and those who are not loaded.

import { useEffect, useState } from 'react';

import { useClient } from '../../app/hooks';
import type { Person } from '../../core/wire';

/** As long as the server takes. */
const QUERY_MAX_CHARS = 64;
const ASK_AFTER_MS = 180;
const ANSWER_MAX = 50;

export interface PeopleFound {
  people: readonly Person[];
  /** The server has not answered yet: that nobody was found would be said too early. */
  asking: boolean;
}

export function usePeopleSearch(query: string, loaded: readonly Person[]): PeopleFound {
  const client = useClient();
  const wanted = query.trim().slice(0, QUERY_MAX_CHARS);
  const [answer, setAnswer] = useState<{ query: string; people?: Person[] }>();
  useEffect(() => {
    if (wanted === '') return undefined;
    let stopped = false;
    const timer = setTimeout(async () => {
      try {
        const params = { query: wanted, limit: ANSWER_MAX };
        const { items } = await client.call('directory.search', params);
        client.people.put(items);
        if (!stopped) setAnswer({ query: wanted, people: items });
      } catch {
        // What is loaded is still searched.
        if (!stopped) setAnswer({ query: wanted });
      }
    }, ASK_AFTER_MS);
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [client, wanted]);
  if (wanted === '') return { people: loaded, asking: false };
  const answered = answer?.query === wanted;
  const people = (answered ? answer.people : undefined) ?? loaded.filter((person) => matches(person, wanted));
  return { people, asking: !answered };
}

export function matches(person: Person, query: string): boolean {
  const wanted = query.toLowerCase();
  return person.name.toLowerCase().includes(wanted) || person.login.toLowerCase().includes(wanted);
}
