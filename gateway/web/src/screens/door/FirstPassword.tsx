// The one-time password is replaced by one's own before anything else works.

import { Button } from '@mantine/core';
import { useCallback } from 'react';

import { checkPassword, type Check } from '../../app/check';
import { useForm } from '../../app/form';
import { useAct, useClient, useT } from '../../app/hooks';
import type { SessionState } from '../../core/client';
import { Door } from '../../parts/Door';
import { Secret } from '../../parts/Secret';
import { FormError } from '../../parts/States';

type FirstPasswordState = Extract<SessionState, { kind: 'first_password' }>;

export function FirstPassword({ session }: { session: FirstPasswordState }) {
  const t = useT();
  const client = useClient();
  /** Known from the sign-in a moment ago; after a reload it must be typed again. */
  const known = session.password;
  const change = useAct(
    useCallback((before: string, after: string) => client.changePassword(before, after), [client]),
  );
  const form = useForm({
    initial: { old_password: known ?? '', new_password: '', repeat: '' },
    check: (values) => ({
      old_password: values.old_password === '' ? { key: 'check.required' } : undefined,
      new_password: checkNew(values.old_password, values.new_password, session.user.login),
      repeat: values.repeat === values.new_password ? undefined : { key: 'check.password_repeat' },
    }),
    submit: (values) => change.run(values.old_password, values.new_password),
    error: change.error,
    running: change.running,
  });
  return (
    <Door title={t('first_password.title')} lead={t('first_password.lead', { name: session.user.name })}>
      <form onSubmit={form.onSubmit} noValidate>
        <input type="text" name="username" value={session.user.login} autoComplete="username" readOnly hidden />
        {known === undefined && (
          <Secret
            {...form.field('old_password')}
            label={t('field.current_password')}
            autoComplete="current-password"
            autoFocus
          />
        )}
        <Secret
          {...form.field('new_password')}
          label={t('field.new_password')}
          description={t('field.password_hint')}
          autoComplete="new-password"
          autoFocus={known !== undefined}
        />
        <Secret {...form.field('repeat')} label={t('field.repeat_password')} autoComplete="new-password" />
        <FormError error={form.restError} />
        <Button type="submit" loading={change.running} fullWidth>
          {t('first_password.submit')}
        </Button>
      </form>
    </Door>
  );
}

export function checkNew(before: string, after: string, login: string): Check {
  if (after !== '' && after === before) return { key: 'check.password_same' };
  return checkPassword(after, login);
}
