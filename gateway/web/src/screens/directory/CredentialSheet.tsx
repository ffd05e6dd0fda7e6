// The sheet of one-time passwords: to copy one, to copy all, to print.

import { Button } from '@mantine/core';
import { Copy, Printer } from 'lucide-react';
import { useEffect } from 'react';
import { useLocation } from 'wouter';

import { useCell, useClient, useErrorText, usePart, useT } from '../../app/hooks';
import { paths } from '../../app/paths';
import { readError } from '../../core/errors';
import type { AddedLine } from '../../core/wire';
import { useCopy } from '../../parts/useCopy';
import { PaneHead } from '../../parts/PaneHead';
import { ICON_SMALL } from '../../theme/theme';
import { type Credential, handedOut, putAway } from './credentials';
import styles from './CredentialSheet.module.css';

export function CredentialSheet() {
  const t = useT();
  const client = useClient();
  const [, navigate] = useLocation();
  const sheet = useCell(handedOut);
  const company = usePart(client.session, (session) => (session.kind === 'ready' ? session.space.name : ''));
  const nothing = sheet === undefined;
  useEffect(() => {
    // After a reload there is nothing left to show.
    if (nothing) navigate(paths.directory, { replace: true });
  }, [nothing, navigate]);
  if (!sheet) return null;
  const { people, skipped } = sheet;
  const [first] = people;
  return (
    <div className={styles['page']}>
      <div className={styles['noPrint']}>
        <PaneHead title={t('add.sheet_title', { company })} back={paths.directory} />
      </div>
      <div className={styles['scroll']}>
        <div className={styles['sheet']}>
          <p className={`${styles['lead']} ${styles['noPrint']}`}>
            {people.length === 1 && first ? t('add.done_one', { name: first.name }) : null}
            {people.length > 1 ? t('add.done_many', { added: people.length }) : null}
          </p>
          {people.length > 0 && <p className={`${styles['hint']} ${styles['noPrint']}`}>{t('add.credential_hint')}</p>}
          <ul className={styles['cards']}>
            {people.map((person) => (
              <Card key={person.login} person={person} alone={people.length === 1} />
            ))}
          </ul>
          {skipped.length > 0 && <Skipped lines={skipped} />}
          <Acts people={people} />
        </div>
      </div>
    </div>
  );
}

/** Copying leads: of one person here, of several for all of them. */
function Card({ person, alone }: { person: Credential; alone: boolean }) {
  const t = useT();
  const copy = useCopy();
  const cardOf = useCard();
  return (
    <li className={styles['card']}>
      <p className={styles['name']}>{person.name}</p>
      <p className={styles['login']}>
        {t('field.login')} {person.login}
      </p>
      <p className={styles['login']}>
        {t('add.address')} {location.origin}
      </p>
      <p className={styles['label']}>{t('add.credential')}</p>
      <p className={styles['secret']} data-testid="credential">
        {person.credential}
      </p>
      <Button
        className={styles['noPrint'] ?? ''}
        size="xs"
        variant={alone ? 'filled' : 'default'}
        leftSection={<Copy {...ICON_SMALL} />}
        onClick={() => void copy(cardOf(person))}
      >
        {t('add.copy_card')}
      </Button>
    </li>
  );
}

/** Lines of a pasted list that added nobody, with the reason. */
function Skipped({ lines }: { lines: readonly AddedLine[] }) {
  const t = useT();
  const errorText = useErrorText();
  const reasonOf = (line: AddedLine) => {
    if (line.outcome === 'exists') return t('add.outcome_exists');
    return line.error ? errorText(readError(line.error)) : t('add.outcome_invalid');
  };
  return (
    <section className={styles['noPrint']}>
      <p className={styles['skipped']}>{t('add.skipped', { count: lines.length })}</p>
      <ul>
        {lines.map((line) => (
          <li key={line.line} className={styles['skippedLine']}>
            <span>{t('add.line', { line: line.line })}</span>
            <span>{[line.name, line.login].filter(Boolean).join(' ')}</span>
            <span>{reasonOf(line)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Acts({ people }: { people: readonly Credential[] }) {
  const t = useT();
  const [, navigate] = useLocation();
  const copy = useCopy();
  const cardOf = useCard();
  const finish = () => {
    putAway();
    navigate(paths.directory);
  };
  return (
    <div className={`${styles['acts']} ${styles['noPrint']}`}>
      {people.length > 1 && (
        <Button leftSection={<Copy {...ICON_SMALL} />} onClick={() => void copy(people.map(cardOf).join('\n\n'))}>
          {t('add.copy_all')}
        </Button>
      )}
      {people.length > 0 && (
        <Button variant="default" leftSection={<Printer {...ICON_SMALL} />} onClick={() => window.print()}>
          {t('add.print')}
        </Button>
      )}
      <Button variant="default" onClick={() => navigate(paths.addPeople)}>
        {t('add.again')}
      </Button>
      <Button variant={people.length > 0 ? 'default' : 'filled'} onClick={finish}>
        {t('add.finish')}
      </Button>
    </div>
  );
}

/** What to send to a new colleague. */
function useCard(): (person: Credential) => string {
  const t = useT();
  return (person) =>
    [
      `${t('add.address')}: ${location.origin}`,
      `${t('field.name')}: ${person.name}`,
      `${t('field.login')}: ${person.login}`,
      `${t('add.credential')}: ${person.credential}`,
    ].join('\n');
}
