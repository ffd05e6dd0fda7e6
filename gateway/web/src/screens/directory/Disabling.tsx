// Who left: taken out of the directory and off all devices, and let in again.

import { Button, Group, Modal, TextInput } from '@mantine/core';
import { useCallback, useState } from 'react';

import { checkText, REASON_MAX } from '../../app/check';
import { useForm } from '../../app/form';
import { useAct, useClient, useT } from '../../app/hooks';
import type { Person } from '../../core/wire';
import { FormError } from '../../parts/States';
import { say } from '../../parts/toast';
import styles from './Disabling.module.css';

export function DisableMember({ person }: { person: Person }) {
  const t = useT();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button variant="default" onClick={() => setAsking(true)}>
        {t('directory.disable')}
      </Button>
      {asking && <DisableDialog person={person} onClose={() => setAsking(false)} />}
    </>
  );
}

function DisableDialog({ person, onClose }: { person: Person; onClose: () => void }) {
  const t = useT();
  const client = useClient();
  const disable = useAct(
    useCallback(
      async (reason: string) => {
        client.people.changed(await client.write('space.disable_member', { user_id: person.user_id, reason }));
        say(t('directory.disabled_done', { name: person.name }));
      },
      [client, person, t],
    ),
  );
  const form = useForm({
    initial: { reason: '' },
    check: ({ reason }) => ({ reason: checkText(reason, REASON_MAX) }),
    submit: async ({ reason }) => {
      if (await disable.run(reason)) onClose();
    },
    error: disable.error,
    running: disable.running,
  });
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('directory.disable_title', { name: person.name })}
      centered
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <form className={styles['form']} onSubmit={form.onSubmit} noValidate>
        <p className={styles['text']}>{t('directory.disable_text')}</p>
        <TextInput
          {...form.field('reason')}
          label={t('directory.disable_reason')}
          description={t('directory.disable_hint')}
          placeholder={t('directory.disable_example')}
          autoComplete="off"
          data-autofocus
        />
        <FormError error={form.restError} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button type="submit" color="red" loading={disable.running}>
            {t('directory.disable')}
          </Button>
        </Group>
      </form>
    </Modal>
  );
}

export function EnableMember({ person, onDone }: { person: Person; onDone?: () => void }) {
  const t = useT();
  const client = useClient();
  const enable = useAct(
    useCallback(async () => {
      client.people.changed(await client.write('space.enable_member', { user_id: person.user_id }));
      say(t('directory.enabled_done', { name: person.name }));
      onDone?.();
    }, [client, person, t, onDone]),
  );
  return (
    <>
      <Button variant="default" loading={enable.running} onClick={() => void enable.run()}>
        {t('directory.enable')}
      </Button>
      <FormError error={enable.error} />
    </>
  );
}
