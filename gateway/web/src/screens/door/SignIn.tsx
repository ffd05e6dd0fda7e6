// Sign-in. It also comes in front of a screen whose session has ended; the screen's address stays.

import { Button, TextInput } from '@mantine/core';
import { useCallback } from 'react';

import { useForm } from '../../app/form';
import { useAct, useClient, useT } from '../../app/hooks';
import type { SessionState } from '../../core/client';
import { Door } from '../../parts/Door';
import { Secret } from '../../parts/Secret';
import { FormError } from '../../parts/States';
import styles from './SignIn.module.css';

type SignedOut = Extract<SessionState, { kind: 'signed_out' }>;

export function SignIn({ session }: { session: SignedOut }) {
  const t = useT();
  const client = useClient();
  const signIn = useAct(
    useCallback((login: string, password: string) => client.signIn(login, password), [client]),
  );
  const form = useForm({
    initial: { login: session.user?.login ?? '', password: '' },
    check: (values) => ({
      login: values.login.trim() === '' ? { key: 'check.required' } : undefined,
      password: values.password === '' ? { key: 'check.required' } : undefined,
    }),
    submit: (values) => signIn.run(values.login.trim(), values.password),
    error: signIn.error,
    running: signIn.running,
  });
  if (!session.setupDone) return <Door title={t('sign_in.no_company')} lead={t('sign_in.no_company_hint')} />;
  return (
    <Door title={t('sign_in.title')} lead={session.why === 'expired' ? t('sign_in.expired') : t('sign_in.lead')}>
      <form onSubmit={form.onSubmit} noValidate>
        <TextInput
          {...form.field('login')}
          label={t('field.login')}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus={session.user === undefined}
        />
        <Secret {...form.field('password')} label={t('field.password')} autoComplete="current-password" autoFocus={session.user !== undefined} />
        <FormError error={form.restError} />
        <Button type="submit" loading={signIn.running} fullWidth>
          {t('sign_in.submit')}
        </Button>
      </form>
      <p className={styles['foot']}>{t('sign_in.forgot')}</p>
    </Door>
  );
}
