import { Button } from '@mantine/core';
import { useCallback } from 'react';

import { useForm } from '../../app/form';
import { useAct, useClient, useMe, useT } from '../../app/hooks';
import { Secret } from '../../parts/Secret';
import { FormError } from '../../parts/States';
import { say } from '../../parts/toast';
import { checkNew } from '../door/FirstPassword';
import styles from './Me.module.css';

export function Password() {
  const t = useT();
  const client = useClient();
  const me = useMe();
  const change = useAct(
    useCallback(
      async (before: string, after: string) => {
        await client.changePassword(before, after);
        say(t('me.password_changed'));
      },
      [client, t],
    ),
  );
  const empty = { old_password: '', new_password: '', repeat: '' };
  const form = useForm({
    initial: empty,
    check: (values) => ({
      old_password: values.old_password === '' ? { key: 'check.required' } : undefined,
      new_password: checkNew(values.old_password, values.new_password, me?.login ?? ''),
      repeat: values.repeat === values.new_password ? undefined : { key: 'check.password_repeat' },
    }),
    submit: async (values) => {
      if (await change.run(values.old_password, values.new_password)) form.reset();
    },
    error: change.error,
    running: change.running,
  });
  return (
    <form className={styles['form']} onSubmit={form.onSubmit} noValidate>
      <input type="text" name="username" value={me?.login ?? ''} autoComplete="username" readOnly hidden />
      <Secret {...form.field('old_password')} label={t('field.current_password')} autoComplete="current-password" />
      <Secret
        {...form.field('new_password')}
        label={t('field.new_password')}
        description={t('field.password_hint')}
        autoComplete="new-password"
      />
      <Secret {...form.field('repeat')} label={t('field.repeat_password')} autoComplete="new-password" />
      <FormError error={form.restError} />
      <Button type="submit" loading={change.running}>
        {t('common.save')}
      </Button>
    </form>
  );
}
