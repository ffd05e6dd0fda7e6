// Adding one colleague, or a list pasted from a table.

import { Button, Checkbox, Group, Modal, SegmentedControl, Textarea, TextInput } from '@mantine/core';
import { useCallback, useState } from 'react';
import { useLocation } from 'wouter';

import { checkLogin, checkText, NAME_MAX, TITLE_MAX } from '../../app/check';
import { useForm } from '../../app/form';
import { useAct, useClient, useMe, useT, useWidth } from '../../app/hooks';
import { paths } from '../../app/paths';
import { Empty, FormError } from '../../parts/States';
import styles from './AddPeople.module.css';
import { handOut } from './credentials';

/** As many as the server takes at once. */
const LINES_MAX = 500;
const NAME_COLUMN_MAX = 60;

export function AddPeople() {
  const t = useT();
  const me = useMe();
  const width = useWidth();
  const [, navigate] = useLocation();
  const [many, setMany] = useState(false);
  const close = () => navigate(paths.directory);
  return (
    <Modal
      opened
      onClose={close}
      title={t('add.title')}
      size="var(--dialog)"
      fullScreen={width === 'phone'}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {me?.role === 'admin' ? (
        <>
          <SegmentedControl
            fullWidth
            value={many ? 'many' : 'one'}
            onChange={(value) => setMany(value === 'many')}
            data={[
              { value: 'one', label: t('add.one') },
              { value: 'many', label: t('add.many') },
            ]}
          />
          {many ? <AddMany /> : <AddOne />}
        </>
      ) : (
        <Empty title={t('add.no_right')} hint={t('add.no_right_hint')} />
      )}
    </Modal>
  );
}

function AddOne() {
  const t = useT();
  const client = useClient();
  const [, navigate] = useLocation();
  const [admin, setAdmin] = useState(false);
  const add = useAct(
    useCallback(
      async (values: { name: string; login: string; title: string }) => {
        const { name, login, title } = values;
        const answer = await client.write('space.add_member', {
          name: name.trim(),
          login: login.trim(),
          ...(title.trim() === '' ? {} : { title: title.trim() }),
          ...(admin ? { role: 'admin' } : {}),
        });
        client.people.put([answer.user]);
        handOut({ people: [{ name: answer.user.name, login: answer.login, credential: answer.credential }], skipped: [] });
        void client.people.loadDirectory();
        navigate(paths.credentials);
      },
      [client, navigate, admin],
    ),
  );
  const form = useForm({
    initial: { name: '', login: '', title: '' },
    check: (values) => ({
      name: checkText(values.name, NAME_MAX),
      login: checkLogin(values.login),
      title: values.title.trim() === '' ? undefined : checkText(values.title, TITLE_MAX),
    }),
    submit: (values) => add.run(values),
    error: add.error,
    running: add.running,
  });
  return (
    <form className={styles['form']} onSubmit={form.onSubmit} noValidate>
      <TextInput {...form.field('name')} label={t('field.name')} autoComplete="off" data-autofocus autoFocus />
      <TextInput
        {...form.field('login')}
        label={t('field.login')}
        description={t('field.login_hint')}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
      />
      <TextInput {...form.field('title')} label={t('field.title_optional')} autoComplete="off" />
      <Checkbox label={t('add.make_admin')} checked={admin} onChange={(event) => setAdmin(event.currentTarget.checked)} />
      <FormError error={form.restError} />
      <Group justify="flex-end">
        <Button type="submit" loading={add.running}>
          {t('add.submit')}
        </Button>
      </Group>
    </form>
  );
}

function AddMany() {
  const t = useT();
  const client = useClient();
  const [, navigate] = useLocation();
  const [text, setText] = useState('');
  const lines = text.split('\n').filter((line) => line.trim() !== '').length;
  const tooMany = lines > LINES_MAX;
  const add = useAct(
    useCallback(async () => {
      const { items } = await client.write('space.add_members', { text });
      const added = items.filter((line) => line.outcome === 'added');
      handOut({
        people: added.map(({ name = '', login = '', credential = '' }) => ({
          name: name.slice(0, NAME_COLUMN_MAX),
          login,
          credential,
        })),
        skipped: items.filter((line) => line.outcome !== 'added'),
      });
      void client.people.loadDirectory();
      navigate(paths.credentials);
    }, [client, navigate, text]),
  );
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        if (lines > 0 && !tooMany && !add.running) void add.run();
      }}
    >
      <Textarea
        label={t('add.paste')}
        description={t('add.paste_hint')}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        error={tooMany ? t('add.paste_too_many', { count: lines }) : undefined}
        rows={8}
        spellCheck={false}
        data-autofocus
        autoFocus
      />
      <FormError error={add.error} />
      <Group justify="space-between">
        <span className={styles['count']}>{lines > 0 ? t('add.paste_lines', { count: lines }) : ''}</span>
        <Button type="submit" loading={add.running} disabled={lines === 0 || tooMany}>
          {t('add.paste_submit')}
        </Button>
      </Group>
    </form>
  );
}
