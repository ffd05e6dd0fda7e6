// How much one person's files may take, and for how long files are kept. What a decision takes away is said before it.

import { Button, NativeSelect } from '@mantine/core';
import { useCallback, useEffect, useState } from 'react';

import { useAct, useClient, useErrorText, useT } from '../../app/hooks';
import { type ApiError, asApiError } from '../../core/errors';
import type { Params } from '../../core/wire';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { FormError } from '../../parts/States';
import { say } from '../../parts/toast';
import admin from './Admin.module.css';
import { bytesText, numberText } from './figures';
import { FILE_DAYS, isShorter, offered, QUOTAS, type Storage, type Use } from './room';
import styles from './Storage.module.css';

type Allowed = Params<'admin.storage.set'>;

const numberOf = (value: string) => (value === '' ? undefined : Number(value));
const valueOf = (number: number | undefined) => String(number ?? '');

export function StorageForm({ kept, onSaved }: { kept: Storage; onSaved: () => Promise<void> }) {
  const t = useT();
  const client = useClient();
  // Nothing was chosen: what is kept, also when somebody else decides meanwhile.
  const [chosenQuota, chooseQuota] = useState<string>();
  const [chosenDays, chooseDays] = useState<string>();
  const [asking, setAsking] = useState<{ days: number; use: Use | undefined }>();
  const quotaText = chosenQuota ?? valueOf(kept.quota_bytes);
  const daysText = chosenDays ?? valueOf(kept.file_days);
  const quota = numberOf(quotaText);
  const days = numberOf(daysText);
  const shorter = isShorter(days, kept.file_days) ? days : undefined;
  const preview = usePreview(shorter);
  const store = useCallback(async () => {
    const allowed: Allowed = {
      ...(quota === undefined ? {} : { quota_bytes: quota }),
      ...(days === undefined ? {} : { file_days: days }),
    };
    await client.write('admin.storage.set', allowed);
    say(t(shorter === undefined ? 'storage.saved' : 'storage.saved_days'));
    await onSaved();
    // What was chosen while it was saved stays chosen.
    chooseQuota((now) => (now === chosenQuota ? undefined : now));
    chooseDays((now) => (now === chosenDays ? undefined : now));
  }, [chosenDays, chosenQuota, client, days, onSaved, quota, shorter, t]);
  const save = useAct(
    useCallback(async () => {
      if (shorter === undefined) return store();
      // Asked again: time has passed since it was chosen. Where it is not known, one is asked all the same.
      const use = await client.call('admin.storage.preview', { file_days: shorter }).catch(() => undefined);
      if (use?.files === 0 && !kept.counting) return store();
      setAsking({ days: shorter, use });
    }, [client, kept.counting, shorter, store]),
  );
  return (
    <>
      <form
        className={admin['form']}
        onSubmit={(event) => {
          event.preventDefault();
          void save.run();
        }}
      >
        <NativeSelect
          label={t('storage.quota')}
          description={t('storage.quota_hint')}
          value={quotaText}
          onChange={(event) => chooseQuota(event.currentTarget.value)}
          data={[
            { value: '', label: t('storage.no_limit') },
            ...offered(QUOTAS, kept.quota_bytes).map((one) => ({ value: String(one), label: bytesText(one) })),
          ]}
        />
        <NativeSelect
          label={t('storage.days')}
          description={shorter === undefined ? t('storage.days_hint') : <Preview days={shorter} preview={preview} />}
          value={daysText}
          onChange={(event) => chooseDays(event.currentTarget.value)}
          data={[
            { value: '', label: t('admin.for_ever') },
            ...offered(FILE_DAYS, kept.file_days).map((one) => ({ value: String(one), label: t('admin.days', { count: one }) })),
          ]}
        />
        <FormError error={save.error} />
        <Button type="submit" loading={save.running} disabled={quota === kept.quota_bytes && days === kept.file_days}>
          {t('common.save')}
        </Button>
      </form>
      {asking && <Asking {...asking} run={store} onClose={() => setAsking(undefined)} />}
    </>
  );
}

interface Previewed {
  days: number;
  use?: Use;
  error?: ApiError;
}

/** What would be taken away if files were kept for so many days. */
function usePreview(days: number | undefined): Previewed | undefined {
  const client = useClient();
  const [preview, setPreview] = useState<Previewed>();
  useEffect(() => {
    if (days === undefined) return undefined;
    let wanted = true;
    const take = (one: Previewed) => {
      if (wanted) setPreview(one);
    };
    client.call('admin.storage.preview', { file_days: days }).then(
      (use) => take({ days, use }),
      (thrown: unknown) => take({ days, error: asApiError(thrown) }),
    );
    return () => {
      wanted = false;
    };
  }, [client, days]);
  // That of another choice is not shown meanwhile.
  return preview?.days === days ? preview : undefined;
}

/** In the place of the help, so that nothing below moves. */
function Preview({ days, preview }: { days: number; preview: Previewed | undefined }) {
  const t = useT();
  const errorText = useErrorText();
  const told = () => {
    if (!preview) return t('storage.preview_asking');
    if (preview.error) return t('storage.preview_failed', { why: errorText(preview.error) });
    const { files = 0, bytes = 0 } = preview.use ?? {};
    if (files === 0) return t('storage.preview_none', { days });
    return t('storage.preview', { count: numberText(files), size: bytesText(bytes) });
  };
  return (
    <span role="status" className={preview?.use && preview.use.files > 0 ? styles['warn'] : undefined}>
      {told()}
    </span>
  );
}

function Asking({ days, use, run, onClose }: { days: number; use: Use | undefined; run: () => Promise<void>; onClose: () => void }) {
  const t = useT();
  const count = numberText(use?.files ?? 0);
  return (
    <ConfirmDialog
      title={use ? t('storage.delete_title', { count }) : t('storage.delete_title_unknown', { days })}
      text={use ? t('storage.delete_text', { days, count, size: bytesText(use.bytes) }) : t('storage.delete_text_unknown', { days })}
      action={t('storage.delete')}
      run={run}
      onClose={onClose}
    />
  );
}
