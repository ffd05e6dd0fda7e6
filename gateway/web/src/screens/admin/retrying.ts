// One more try of what failed, up to where one can say what became of it.

import { asApiError } from '../../core/errors';
import type { Letter } from './letters';

export interface Means {
  retry: (letterId: string) => Promise<unknown>;
  /** What is in the list now. */
  look: () => Promise<readonly Letter[]>;
  pause: (ms: number) => Promise<void>;
}

/** `again`: it was begun anew; `done`: it is done; `still`: it was refused again; `gone`: somebody else was first. */
export type Outcome = 'again' | 'done' | 'still' | 'gone';

/** The server lets go of what it keeps for a restart every few seconds; before that it says "not yet". */
const NOT_YET_MAX = 6;
const NOT_YET_MS = 1_000;
/** What is parked is tried behind the answer; most of it takes no longer. */
const LOOKS_MS = [300, 700, 2_000];

export async function retried(letter: Letter, means: Means): Promise<Outcome> {
  if (!(await begun(letter, means))) return 'gone';
  if (letter.what !== 'parked') return 'again';
  for (const ms of LOOKS_MS) {
    await means.pause(ms);
    const there = await means.look();
    if (!there.some(({ letter_id }) => letter_id === letter.letter_id)) return 'done';
  }
  return 'still';
}

/** False when it is not there any more. */
export async function begun({ letter_id }: Letter, { retry, pause }: Omit<Means, 'look'>): Promise<boolean> {
  for (let misses = 1; ; misses += 1) {
    try {
      await retry(letter_id);
      return true;
    } catch (thrown) {
      const error = asApiError(thrown);
      if (error.class === 'not_found') return false;
      if (error.code !== 'not_yet' || misses === NOT_YET_MAX) throw error;
      await pause(error.retryAfterMs ?? NOT_YET_MS);
    }
  }
}
