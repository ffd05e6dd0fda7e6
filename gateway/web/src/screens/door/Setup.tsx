// From the link the server prints to a company with its first administrator.

import { Button, TextInput } from '@mantine/core';
import { useCallback, useState } from 'react';
import { useLocation } from 'wouter';

import { checkLogin, checkPassword, checkText, COMPANY_MAX, NAME_MAX } from '../../app/check';
import { useForm } from '../../app/form';
import { useAct, useClient, useT } from '../../app/hooks';
import { paths } from '../../app/paths';
import { Door } from '../../parts/Door';
import { Secret } from '../../parts/Secret';
import { FormError } from '../../parts/States';

export function Setup() {
  const t = useT();
  const client = useClient();
  const [, navigate] = useLocation();
  const [token] = useState(() => decodeURIComponent(location.hash.slice(1)));
  const setUp = useAct(
    useCallback(
      async (form: { company_name: string; name: string; login: string; password: string }) => {
        await client.setUp({ token, ...form });
        navigate(paths.chats, { replace: true });
      },
      [client, token, navigate],
    ),
  );
  const form = useForm({
    initial: { company_name: '', name: '', login: '', password: '' },
    check: (values) => ({
      company_name: checkText(values.company_name, COMPANY_MAX),
      name: checkText(values.name, NAME_MAX),
      login: checkLogin(values.login),
      password: checkPassword(values.password, values.login),
    }),
    submit: (values) =>
      setUp.run({
        company_name: values.company_name.trim(),
        name: values.name.trim(),
        login: values.login.trim(),
        password: values.password,
      }),
    error: setUp.error,
    running: setUp.running,
  });
  if (token === '') return <Door title={t('setup.no_token')} lead={t('setup.no_token_hint')} />;
  return (
    <Door title={t('setup.title')} lead={t('setup.lead')}>
      <form onSubmit={form.onSubmit} noValidate>
        <TextInput
          {...form.field('company_name')}
          label={t('setup.company')}
          description={t('setup.company_hint')}
          autoComplete="organization"
          autoFocus
        />
        <TextInput {...form.field('name')} label={t('field.name')} autoComplete="name" />
        <TextInput
          {...form.field('login')}
          label={t('field.login')}
          description={t('field.login_hint')}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
        />
        <Secret
          {...form.field('password')}
          label={t('field.password')}
          description={t('field.password_hint')}
          autoComplete="new-password"
        />
        <FormError error={form.restError} />
        <Button type="submit" loading={setUp.running} fullWidth>
          {t('setup.submit')}
        </Button>
      </form>
    </Door>
  );
}
