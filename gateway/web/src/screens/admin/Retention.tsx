// For how long the audit is kept. What is kept for ever so far is said beside it.

import { Button, NativeSelect } from '@mantine/core';
import { useCallback, useEffect, useState } from 'react';
import { Link } from 'wouter';

import { useAct, useClient, useT } from '../../app/hooks';
import { paths } from '../../app/paths';
import type { Result } from '../../core/wire';
import { ErrorBox, FormError, Skeletons } from '../../parts/States';
import { say } from '../../parts/toast';
import styles from './Admin.module.css';

type Kept = Result<'admin.retention.get'>;

/** Half a year is the least that the law allows. */
const DAYS = [180, 365, 730, 1_095, 1_825, 3_650];

export function Retention() {
  const t = useT();
  const client = useClient();
  const [kept, setKept] = useState<Kept>();
  const { run, error } = useAct(
    useCallback(async () => setKept(await client.call('admin.retention.get', {})), [client]),
  );
  useEffect(() => {
    void run();
  }, [run]);
  if (!kept) {
    if (error) return <ErrorBox title={t('admin.retention_failed')} error={error} onRetry={() => void run()} />;
    return <Skeletons rows={2} kind="lines" />;
  }
  return <Form kept={kept} onKept={setKept} />;
}

function Form({ kept, onKept }: { kept: Kept; onKept: (kept: Kept) => void }) {
  const t = useT();
  const client = useClient();
  const [days, setDays] = useState(String(kept.audit_days ?? ''));
  const save = useAct(
    useCallback(async () => {
      onKept(await client.write('admin.retention.set', days === '' ? {} : { audit_days: Number(days) }));
      say(t('admin.retention_saved'));
    }, [client, days, onKept, t]),
  );
  // Decided by a script, it may be another number.
  const offered = [...new Set([...DAYS, ...(kept.audit_days === undefined ? [] : [kept.audit_days])])].toSorted((a, b) => a - b);
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        void save.run();
      }}
    >
      <NativeSelect
        label={t('admin.audit')}
        description={t('admin.retention_audit')}
        value={days}
        onChange={(event) => setDays(event.currentTarget.value)}
        data={[
          { value: '', label: t('admin.for_ever') },
          ...offered.map((one) => ({ value: String(one), label: t('admin.days', { count: one }) })),
        ]}
      />
      <FormError error={save.error} />
      <Button type="submit" loading={save.running} disabled={days === String(kept.audit_days ?? '')}>
        {t('common.save')}
      </Button>
      <div className={styles['sub']}>
        <p>{t('admin.retention_rest')}</p>
        <Link href={paths.adminStorage} className={styles['link']}>
          {t('admin.retention_files')}
        </Link>
      </div>
    </form>
  );
}
