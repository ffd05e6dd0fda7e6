import { expect, test } from 'vitest';

import { readError } from '../../core/errors';
import { codeOf, grouped, kindText, type Letter, personOf } from './letters';
import { retried } from './retrying';

function letter(letter_id: string, part: Partial<Letter> = {}): Letter {
  return { letter_id, what: 'effect', kind: 'conversation.left', home: 'user:01a', code: 'refused', at: 2, caused_at: 1, ...part };
}

const ids = (letters: readonly Letter[]) => letters.map(({ letter_id }) => letter_id);

test('what is parked stands with what waits behind it in the same home, and with nothing else', () => {
  const groups = grouped([
    letter('1', { what: 'parked' }),
    letter('2'),
    letter('3', { what: 'parked', code: 'waits_behind_another', kind: 'message.sent' }),
    letter('4', { what: 'parked', home: 'user:01b' }),
    letter('5', { what: 'job', home: 'jobs:main' }),
    letter('6', { what: 'parked', code: 'waits_behind_another' }),
    letter('7', { what: 'job', home: 'jobs:main' }),
  ]);
  expect(groups.map(({ letter, behind }) => [letter.letter_id, ids(behind)])).toEqual([
    ['1', ['3', '6']],
    ['2', []],
    ['4', []],
    ['5', []],
    ['7', []],
  ]);
  expect(grouped([])).toEqual([]);
});

test('a kind that this client does not know has a word too, and a home tells whose it is', () => {
  expect(kindText('conversation.left')).toBe('failed.left');
  expect(kindText('of.no.kind')).toBe('failed.other');
  expect(personOf(letter('1'))).toBe('01a');
  for (const home of ['', 'user:', 'space:0', 'login:a.b']) expect(personOf(letter('1', { home }))).toBeUndefined();
  expect(codeOf(letter('1'))).toBe('refused');
  expect(codeOf(letter('1', { code: 'waits_behind_another' }))).toBeUndefined();
});

const refusal = (kind: string, code: string) => readError({ class: kind, code, message: {}, retry_after_ms: 5 });

/** Answers in order; `undefined` is a yes. The list has what is still there at each look. */
async function outcome(what: Letter['what'], answers: (Error | undefined)[], looks: string[][] = []): Promise<string> {
  const pauses: number[] = [];
  const done = await retried(letter('1', { what }), {
    retry: async () => {
      const answer = answers.shift();
      if (answer) throw answer;
    },
    look: async () => (looks.shift() ?? ['1']).map((id) => letter(id)),
    pause: async (ms) => void pauses.push(ms),
  }).catch((error: Error) => error.message);
  return `${done} ${pauses.join(' ')}`.trim();
}

test('a job and an effect are begun again; where the server is not ready it is asked a few times', async () => {
  expect(await outcome('job', [undefined])).toBe('again');
  expect(await outcome('effect', [refusal('unavailable', 'not_yet'), undefined])).toBe('again 5');
  const never = Array.from({ length: 9 }, () => refusal('unavailable', 'not_yet'));
  expect(await outcome('effect', never)).toMatch(/^unavailable\/not_yet( 5)+$/);
  expect(never.length).toBeGreaterThan(0);
  expect(await outcome('effect', [refusal('not_found', 'not_found')])).toBe('gone');
  expect(await outcome('effect', [refusal('forbidden', 'forbidden')])).toBe('forbidden/forbidden');
});

test('what is parked is tried now: it is done when it is not in the list any more', async () => {
  expect(await outcome('parked', [undefined], [['1', '2'], ['2']])).toMatch(/^done \d+ \d+$/);
  expect(await outcome('parked', [undefined])).toMatch(/^still( \d+)+$/);
});
