// A colleague's name and job, and whether he is an administrator.

import { Button, Group, Modal, TextInput } from '@mantine/core';
import { useCallback, useState } from 'react';

import { checkText, NAME_MAX, TITLE_MAX } from '../../app/check';
import { useForm } from '../../app/form';
import { useAct, useClient, useT } from '../../app/hooks';
import type { Person } from '../../core/wire';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { FormError } from '../../parts/States';
import { say } from '../../parts/toast';
import styles from './Admin.module.css';

export function EditPerson({ person }: { person: Person }) {
  const t = useT();
  const [editing, setEditing] = useState(false);
  return (
    <>
      <Button variant="default" onClick={() => setEditing(true)}>
        {t('admin.edit')}
      </Button>
      {editing && <EditDialog person={person} onClose={() => setEditing(false)} />}
    </>
  );
}

function EditDialog({ person, onClose }: { person: Person; onClose: () => void }) {
  const t = useT();
  const client = useClient();
  const userId = person.user_id;
  // As it was when the dialog opened: what another administrator changes meanwhile is not written over.
  const [before] = useState({ name: person.name, title: person.title ?? '' });
  const edit = useAct(
    useCallback(
      async ({ name, title }: { name: string; title: string }) => {
        const changed = {
          ...(name === before.name ? {} : { name }),
          ...(title === before.title ? {} : { title }),
        };
        if (Object.keys(changed).length === 0) return;
        client.people.changed(await client.write('space.update_member', { user_id: userId, ...changed }));
        say(t('admin.edited', { name }));
      },
      [before, client, t, userId],
    ),
  );
  const form = useForm({
    initial: before,
    check: ({ name, title }) => ({
      name: checkText(name, NAME_MAX),
      title: title.trim() === '' ? undefined : checkText(title, TITLE_MAX),
    }),
    submit: async ({ name, title }) => {
      if (await edit.run({ name: name.trim(), title: title.trim() })) onClose();
    },
    error: edit.error,
    running: edit.running,
  });
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('admin.edit_title', { name: before.name })}
      centered
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <form className={styles['form']} onSubmit={form.onSubmit} noValidate>
        <TextInput {...form.field('name')} label={t('field.name')} autoComplete="off" data-autofocus />
        <TextInput {...form.field('title')} label={t('field.title')} autoComplete="off" />
        <p className={styles['sub']}>{t('admin.edit_hint', { login: person.login })}</p>
        <FormError error={form.restError} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" loading={edit.running}>
            {t('common.save')}
          </Button>
        </Group>
      </form>
    </Modal>
  );
}

/** Makes somebody an administrator, or takes it from him; also from oneself. */
export function ChangeRole({ person, own }: { person: Person; own: boolean }) {
  const t = useT();
  const [asking, setAsking] = useState<Person['role']>();
  const other = person.role === 'admin' ? 'member' : 'admin';
  return (
    <>
      <Button variant="default" onClick={() => setAsking(other)}>
        {t(other === 'admin' ? 'admin.promote' : 'admin.demote')}
      </Button>
      {/* What was asked stays asked: he is told to have the other role before the answer is there. */}
      {asking && <RoleDialog person={person} role={asking} own={own} onClose={() => setAsking(undefined)} />}
    </>
  );
}

interface RoleDialogProps {
  person: Person;
  role: Person['role'];
  own: boolean;
  onClose: () => void;
}

function RoleDialog({ person, role, own, onClose }: RoleDialogProps) {
  const t = useT();
  const client = useClient();
  const { user_id, name } = person;
  const promotes = role === 'admin';
  const change = useCallback(async () => {
    client.people.changed(await client.write('space.update_member', { user_id, role }));
    say(t(role === 'admin' ? 'admin.promoted' : 'admin.demoted', { name }));
  }, [client, name, role, t, user_id]);
  const text = promotes ? 'admin.promote_text' : own ? 'admin.demote_own_text' : 'admin.demote_text';
  return (
    <ConfirmDialog
      title={t(promotes ? 'admin.promote_title' : 'admin.demote_title', { name })}
      text={t(text)}
      action={t(promotes ? 'admin.promote' : 'admin.demote')}
      run={change}
      danger={!promotes}
      onClose={onClose}
    />
  );
}
