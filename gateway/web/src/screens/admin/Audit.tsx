// Who did what: looked up by person, by what it was and by day, and taken along for Excel. The address holds what is
// looked for, so that it can be sent to a colleague.

import { Button, NativeSelect, TextInput } from '@mantine/core';
import { Download, ScrollText } from 'lucide-react';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { useLocation, useSearch } from 'wouter';

import { useAct, useCell, useClient, useT, useWidth } from '../../app/hooks';
import { useNow } from '../../app/live';
import { paths } from '../../app/paths';
import { momentText } from '../../app/time';
import type { Client } from '../../core/client';
import type { Params, Result, UserId } from '../../core/wire';
import { type Language, language } from '../../i18n';
import { Empty, ErrorBox, FormError, Skeletons } from '../../parts/States';
import { say } from '../../parts/toast';
import { ICON_SMALL, ICON_STATE } from '../../theme/theme';
import styles from './Admin.module.css';
import { PersonFilter } from './PersonFilter';
import { dayOf, zoneText } from './figures';
import { usePages, type Wanted } from './usePages';

type Page = Result<'admin.audit.list'>;
type Entry = Page['items'][number];
type Filter = Pick<Params<'admin.audit.list'>, 'user_id' | 'method' | 'from' | 'until'>;
type Label = Entry['label'];

/** Parts that are taken along at most, of a thousand entries each. */
const PARTS_MAX = 100;

interface Looked {
  user: UserId;
  method: string;
  from: string;
  to: string;
}

/** What the address asks for. */
function useLooked(): [Looked, (change: Partial<Looked>) => void] {
  const search = useSearch();
  const [, navigate] = useLocation();
  const looked = useMemo(() => {
    const asked = new URLSearchParams(search);
    const of = (name: string) => asked.get(name) ?? '';
    return { user: of('user'), method: of('method'), from: of('from'), to: of('to') };
  }, [search]);
  const change = (next: Partial<Looked>) => {
    const all = Object.entries({ ...looked, ...next }).filter(([, value]) => value !== '');
    const query = new URLSearchParams(all).toString();
    navigate(query === '' ? paths.adminAudit : `${paths.adminAudit}?${query}`, { replace: true });
  };
  return [looked, change];
}

function filterOf({ user, method, from, to }: Looked): Filter {
  const [first, last] = [dayOf(from), dayOf(to)];
  return {
    ...(user === '' ? {} : { user_id: user }),
    ...(method === '' ? {} : { method }),
    ...(first && { from: first.from }),
    ...(last && { until: last.until }),
  };
}

const said = (label: Label, code: Language) => (code === 'en' ? label.en : label.zh);

export function Audit() {
  const [looked, change] = useLooked();
  const filter = useMemo(() => filterOf(looked), [looked]);
  return (
    <>
      <Filters looked={looked} filter={filter} onChange={change} />
      <Entries key={JSON.stringify(filter)} filter={filter} onUser={(user) => change({ user })} />
    </>
  );
}

function Filters({ looked, filter, onChange }: FiltersProps) {
  const t = useT();
  const client = useClient();
  const code = useCell(language);
  const [methods, setMethods] = useState<Result<'admin.audit.methods'>['items']>([]);
  useEffect(() => {
    // Without them one looks by person and day.
    client.call('admin.audit.methods', {}).then(
      ({ items }) => setMethods(items),
      () => {},
    );
  }, [client]);
  const exporting = useAct(
    useCallback(async () => {
      const rows = await takeAlong(client, filter, code);
      say(t('admin.exported', { count: rows }));
    }, [client, code, filter, t]),
  );
  const options = methods.map(({ method, label }) => ({ value: method, label: said(label, code) }));
  return (
    <div className={styles['filters']}>
      <PersonFilter userId={looked.user} onChange={(user) => onChange({ user })} />
      <NativeSelect
        label={t('admin.what')}
        value={looked.method}
        onChange={(event) => onChange({ method: event.currentTarget.value })}
        data={[{ value: '', label: t('admin.all') }, ...options]}
      />
      <TextInput
        type="date"
        label={t('admin.from')}
        value={looked.from}
        {...(looked.to === '' ? {} : { max: looked.to })}
        onChange={(event) => onChange({ from: event.currentTarget.value })}
      />
      <TextInput
        type="date"
        label={t('admin.to')}
        value={looked.to}
        {...(looked.from === '' ? {} : { min: looked.from })}
        onChange={(event) => onChange({ to: event.currentTarget.value })}
      />
      <Button
        variant="default"
        leftSection={<Download {...ICON_SMALL} />}
        loading={exporting.running}
        onClick={() => void exporting.run()}
      >
        {t('admin.export')}
      </Button>
      {exporting.error && <FormError error={exporting.error} />}
    </div>
  );
}

interface FiltersProps {
  looked: Looked;
  filter: Filter;
  onChange: (change: Partial<Looked>) => void;
}

/** Puts the parts together and has the browser keep them; gives how many entries there are. */
async function takeAlong(client: Client, filter: Filter, code: Language): Promise<number> {
  const parts: string[] = [];
  let rows = 0;
  let cursor: string | undefined;
  do {
    const part: Result<'admin.audit.export'> = await client.write('admin.audit.export', {
      ...filter,
      language: code,
      zone: zoneText(client.clock.now()),
      ...(cursor === undefined ? {} : { cursor }),
    });
    parts.push(part.text);
    rows += part.rows;
    cursor = part.next;
  } while (cursor !== undefined && parts.length < PARTS_MAX);
  const address = URL.createObjectURL(new Blob(parts, { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = `audit-${new Date(client.clock.now()).toISOString().slice(0, 10)}.csv`;
  link.click();
  URL.revokeObjectURL(address);
  return rows;
}

function Entries({ filter, onUser }: { filter: Filter; onUser: (user: UserId) => void }) {
  const t = useT();
  const client = useClient();
  const width = useWidth();
  const { items, next, load } = usePages<Entry>(
    useCallback((wanted: Wanted) => client.call('admin.audit.list', { ...filter, ...wanted }), [client, filter]),
  );
  const { run, running, error } = load;
  if (!items) {
    if (error) return <ErrorBox title={t('admin.audit_failed')} error={error} onRetry={() => void run(undefined)} />;
    return <Skeletons rows={6} kind="lines" />;
  }
  if (items.length === 0) {
    return <Empty title={t('admin.audit_none')} hint={t('admin.audit_none_hint')} icon={<ScrollText {...ICON_STATE} />} />;
  }
  return (
    <>
      {width === 'phone' ? <Cards items={items} onUser={onUser} /> : <Table items={items} onUser={onUser} />}
      <FormError error={error} />
      {next !== undefined && (
        <Button variant="default" loading={running} onClick={() => void run(next)}>
          {t('admin.more')}
        </Button>
      )}
    </>
  );
}

interface ItemsProps {
  items: readonly Entry[];
  onUser: (user: UserId) => void;
}

function Table({ items, onUser }: ItemsProps) {
  const t = useT();
  const now = useNow();
  const code = useCell(language);
  return (
    <div className={styles['tableFrame']}>
      <table className={styles['table']} data-testid="audit">
        <thead>
          <tr>
            <th scope="col">{t('admin.when')}</th>
            <th scope="col">{t('admin.who')}</th>
            <th scope="col">{t('admin.what')}</th>
            <th scope="col">{t('admin.whom')}</th>
            <th scope="col">{t('admin.where')}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((entry) => (
            <tr key={entry.entry_id}>
              <td className={styles['time']}>{momentText(t, entry.noted_at, now)}</td>
              <td>
                <By entry={entry} onUser={onUser} />
              </td>
              <td>
                {said(entry.label, code)}
                <Outcome entry={entry} />
                {entry.detail !== undefined && <span className={styles['below']}>{entry.detail}</span>}
              </td>
              <td>
                <Whom entry={entry} onUser={onUser} />
              </td>
              <td className={styles['sub']}>{[entry.device_name, entry.address].filter(Boolean).join(' · ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cards({ items, onUser }: ItemsProps) {
  const t = useT();
  const now = useNow();
  const code = useCell(language);
  return (
    <ul className={styles['rows']} data-testid="audit">
      {items.map((entry) => (
        <li key={entry.entry_id} className={styles['card']}>
          <span className={styles['cardHead']}>
            <strong>{said(entry.label, code)}</strong>
            <span className={styles['sub']}>{momentText(t, entry.noted_at, now)}</span>
          </span>
          <span>
            <By entry={entry} onUser={onUser} />
            <Outcome entry={entry} />
          </span>
          <Whom entry={entry} onUser={onUser} />
          {entry.detail !== undefined && <span className={styles['sub']}>{entry.detail}</span>}
          <span className={styles['sub']}>{[entry.device_name, entry.address].filter(Boolean).join(' · ')}</span>
        </li>
      ))}
    </ul>
  );
}

interface EntryProps {
  entry: Entry;
  onUser: (user: UserId) => void;
}

function By({ entry, onUser }: EntryProps) {
  const t = useT();
  const { by } = entry;
  if (by) return <Name name={by.name} onClick={() => onUser(by.user_id)} />;
  return <span className={styles['sub']}>{t(entry.method.startsWith('operator.') ? 'admin.operator' : 'admin.stranger')}</span>;
}

/** The colleague whom it concerns, or what it was done to. */
function Whom({ entry, onUser }: EntryProps) {
  const t = useT();
  const { user, by, target } = entry;
  if (user && user.user_id !== by?.user_id) return <Name name={user.name} onClick={() => onUser(user.user_id)} />;
  if (target?.kind === 'conversation') return <span className={styles['sub']}>{t('admin.conversation', { id: target.id.slice(-6) })}</span>;
  return null;
}

function Name({ name, onClick }: { name: string; onClick: () => void }) {
  const t = useT();
  return (
    <button type="button" className={styles['name']} onClick={onClick} title={t('admin.only_person', { name })}>
      {name}
    </button>
  );
}

function Outcome({ entry }: { entry: Entry }) {
  const t = useT();
  if (entry.refused === undefined) return null;
  return <span className={styles['refused']}>{t('admin.refused')}</span>;
}
