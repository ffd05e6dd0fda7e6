// What the server could not do, in words, and the way to have it tried again.

import { Button } from '@mantine/core';
import { CircleCheck } from 'lucide-react';
import { type RefObject, useEffect, useRef, useState } from 'react';

import { useErrorText, usePerson, useT } from '../../app/hooks';
import { useNow } from '../../app/live';
import { momentText } from '../../app/time';
import { type ApiError, asApiError } from '../../core/errors';
import type { TextKey } from '../../i18n';
import { Empty, ErrorBox, FormError, Skeletons } from '../../parts/States';
import { say } from '../../parts/toast';
import { ICON_STATE } from '../../theme/theme';
import { Facts } from './Facts';
import styles from './Failed.module.css';
import { codeOf, type Group, grouped, kindText, type Letter, personOf, whatText } from './letters';
import { begun, type Means, type Outcome, retried } from './retrying';
import { type Letters, useLetters } from './useLetters';

const OUTCOMES: Record<Outcome, TextKey> = {
  again: 'failed.outcome_again',
  done: 'failed.outcome_done',
  still: 'failed.outcome_still',
  gone: 'failed.outcome_gone',
};

export function Failed() {
  const t = useT();
  const letters = useLetters();
  const { items, load } = letters;
  if (!items) {
    if (load.error) {
      return <ErrorBox title={t('failed.load_failed')} error={load.error} onRetry={() => void load.run(undefined)} />;
    }
    return <Skeletons rows={4} kind="lines" />;
  }
  if (items.length === 0) {
    return <Empty title={t('failed.none')} hint={t('failed.none_hint')} icon={<CircleCheck {...ICON_STATE} />} />;
  }
  return <List letters={letters} items={items} />;
}

function List({ letters, items }: { letters: Letters; items: readonly Letter[] }) {
  const t = useT();
  const { next, load, means } = letters;
  const groups = grouped(items);
  const list = useRef<HTMLUListElement>(null);
  const one = useRetryOne(means);
  const all = useRetryAll(means);
  const busy = one.running !== undefined || all.at !== undefined;
  useFocusStays(list, busy);
  const allText = next === undefined ? t('failed.retry_all') : t('failed.retry_loaded', { count: groups.length });
  return (
    <>
      <div className={styles['head']}>
        <p className={styles['lead']}>{t('failed.lead')}</p>
        {groups.length > 1 && (
          <Button variant="default" disabled={busy} onClick={() => void all.run(groups)}>
            {all.at === undefined ? allText : t('failed.retrying', { at: all.at, count: groups.length })}
          </Button>
        )}
        {all.stopped && <Stopped {...all.stopped} />}
      </div>
      <ul ref={list} className={styles['letters']} data-testid="letters">
        {groups.map((group) => (
          <Row
            key={group.letter.letter_id}
            group={group}
            running={one.running === group.letter.letter_id}
            busy={busy || load.running}
            onRetry={() => void one.run(group.letter)}
          />
        ))}
      </ul>
      <FormError error={load.error} />
      {next !== undefined && (
        <Button variant="default" loading={load.running} disabled={busy} onClick={() => void load.run(next)}>
          {t('admin.more')}
        </Button>
      )}
    </>
  );
}

/** Which one is tried now, and how. */
function useRetryOne(means: Means): { running: string | undefined; run: (letter: Letter) => Promise<void> } {
  const t = useT();
  const errorText = useErrorText();
  const [running, setRunning] = useState<string>();
  const run = async (letter: Letter) => {
    setRunning(letter.letter_id);
    try {
      const outcome = await retried(letter, means);
      say(t(OUTCOMES[outcome], { what: t(kindText(letter.kind)) }), outcome === 'still' ? 'danger' : 'plain');
      await means.look();
    } catch (thrown) {
      say(errorText(asApiError(thrown)), 'danger');
    } finally {
      setRunning(undefined);
    }
  };
  return { running, run };
}

interface Stop {
  /** The how manieth. */
  at: number;
  count: number;
  error: ApiError;
}

/** One after the other, so that the server has no more to do than with one; `at` is the one that is tried now. */
function useRetryAll(means: Means) {
  const t = useT();
  const errorText = useErrorText();
  const [at, setAt] = useState<number>();
  const [stopped, setStopped] = useState<Stop>();
  const run = async (groups: readonly Group[]) => {
    setStopped(undefined);
    let tried = 0;
    try {
      for (const { letter } of groups) {
        setAt(tried + 1);
        await begun(letter, means);
        tried += 1;
      }
      say(t('failed.all_again', { count: tried }));
    } catch (thrown) {
      setStopped({ at: tried + 1, count: groups.length, error: asApiError(thrown) });
    }
    try {
      // What was tried before a stop has left the list as well.
      await means.look();
    } catch (thrown) {
      say(errorText(asApiError(thrown)), 'danger');
    } finally {
      setAt(undefined);
    }
  };
  return { at, stopped, run };
}

function Stopped({ at, count, error }: Stop) {
  const t = useT();
  const errorText = useErrorText();
  return (
    <p className={styles['stopped']} role="alert">
      {t('failed.all_stopped', { at, count, why: errorText(error) })}
    </p>
  );
}

/** A row that goes takes the focus with it: it goes on at the row that stands there now. */
function useFocusStays(list: RefObject<HTMLUListElement | null>, busy: boolean): void {
  const at = useRef(-1);
  useEffect(() => {
    // A button that is off has lost it too.
    if (busy) return undefined;
    const buttons = () => [...(list.current?.querySelectorAll<HTMLElement>('[data-retry]') ?? [])];
    if (at.current >= 0 && document.activeElement === document.body) {
      const all = buttons();
      all[Math.min(at.current, all.length - 1)]?.focus({ preventScroll: true });
    }
    const note = () => {
      at.current = buttons().indexOf(document.activeElement as HTMLElement);
    };
    document.addEventListener('focusin', note);
    return () => document.removeEventListener('focusin', note);
  }, [busy, list]);
}

function Row({ group, running, busy, onRetry }: RowProps) {
  const t = useT();
  const now = useNow();
  const { letter, behind } = group;
  const person = usePerson(personOf(letter));
  const { mark, hint } = whatText(letter);
  const what = t(kindText(letter.kind));
  const facts = [
    t('failed.at', { when: momentText(t, letter.at, now) }),
    t('failed.caused_at', { when: momentText(t, letter.caused_at, now) }),
    person && t('failed.person', { name: person.name }),
  ];
  return (
    <li className={styles['letter']} data-testid="letter">
      <div className={styles['text']}>
        <p className={styles['what']}>
          {what}
          <span className={styles['mark']}>{t(mark)}</span>
        </p>
        <p className={styles['hint']}>{t(hint)}</p>
        <Facts className={styles['facts']} facts={facts} />
        <Facts className={styles['codes']} facts={[letter.kind, codeOf(letter), letter.home]} />
        {behind.length > 0 && <Behind letters={behind} now={now} />}
      </div>
      <Button
        size="xs"
        variant="default"
        loading={running}
        disabled={busy}
        onClick={onRetry}
        data-retry
        aria-label={t('failed.retry_named', { what })}
      >
        {t('common.retry')}
      </Button>
    </li>
  );
}

interface RowProps {
  group: Group;
  running: boolean;
  busy: boolean;
  onRetry: () => void;
}

function Behind({ letters, now }: { letters: readonly Letter[]; now: number }) {
  const t = useT();
  return (
    <details className={styles['behind']}>
      <summary>{t('failed.behind', { count: letters.length })}</summary>
      <ul>
        {letters.map((letter) => (
          <li key={letter.letter_id}>
            <Facts
              facts={[t(kindText(letter.kind)), t('failed.caused_at', { when: momentText(t, letter.caused_at, now) })]}
            />
          </li>
        ))}
      </ul>
    </details>
  );
}
