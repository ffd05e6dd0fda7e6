// What the server could not do, in the words of people. Pure.

import type { Result, UserId } from '../../core/wire';
import type { TextKey } from '../../i18n';

export type Letter = Result<'admin.dead_letter.list'>['items'][number];

/** One thing that failed, with what waits until it is done. */
export interface Group {
  letter: Letter;
  behind: readonly Letter[];
}

/** The server's word for what only waits for its turn. */
const WAITS = 'waits_behind_another';

/** What was to be done, by the server's word for it; what has no row here is newer than this client. */
const KINDS: Record<string, TextKey> = {
  'account.end_sessions': 'failed.end_sessions',
  'account.state': 'failed.account_state',
  'audit.forget': 'failed.audit_forget',
  'audit.noted': 'failed.audit_noted',
  'conversation.joined': 'failed.joined',
  'conversation.left': 'failed.left',
  'conversation.lists': 'failed.lists',
  'file.changed': 'failed.file_changed',
  'file.count': 'failed.file_count',
  'file.expire': 'failed.file_expire',
  'file.unsent': 'failed.file_unsent',
  'job.again': 'failed.job_again',
  'job.gave_up': 'failed.job_gave_up',
  'message.sent': 'failed.message_sent',
  'person.complete': 'failed.person_complete',
  'setup.found': 'failed.setup_found',
};

export function kindText(kind: string): TextKey {
  return KINDS[kind] ?? 'failed.other';
}

const WHAT: Record<Letter['what'], { mark: TextKey; hint: TextKey }> = {
  job: { mark: 'failed.job', hint: 'failed.job_hint' },
  effect: { mark: 'failed.effect', hint: 'failed.effect_hint' },
  parked: { mark: 'failed.parked', hint: 'failed.parked_hint' },
};

export function whatText({ what }: Letter): { mark: TextKey; hint: TextKey } {
  return WHAT[what];
}

/** Of one home only the first is tried; the server lists them in the order in which they wait. */
export function grouped(letters: readonly Letter[]): Group[] {
  const groups: { letter: Letter; behind: Letter[] }[] = [];
  const heads = new Map<string, { behind: Letter[] }>();
  for (const letter of letters) {
    const head = letter.what === 'parked' ? heads.get(letter.home) : undefined;
    if (head) {
      head.behind.push(letter);
      continue;
    }
    const group = { letter, behind: [] };
    groups.push(group);
    if (letter.what === 'parked') heads.set(letter.home, group);
  }
  return groups;
}

/** Why, as a code; nothing where it only waits. */
export function codeOf({ code }: Letter): string | undefined {
  return code === WAITS ? undefined : code;
}

/** Whose home it was refused in. */
export function personOf({ home }: Letter): UserId | undefined {
  const [kind, id] = home.split(':');
  return kind === 'user' && id ? id : undefined;
}
