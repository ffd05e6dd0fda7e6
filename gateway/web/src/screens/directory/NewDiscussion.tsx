// Two or more colleagues and, if one likes, a name.

import { Button, Group, Modal, TextInput } from '@mantine/core';
import { useCallback, useMemo, useState } from 'react';
import { useLocation, useSearch } from 'wouter';

import { DISCUSSION_NAME_MAX } from '../../app/check';
import { useAct, useClient, usePerson, useT, useWidth } from '../../app/hooks';
import { paths } from '../../app/paths';
import { charCount, type Person } from '../../core/wire';
import { FormError } from '../../parts/States';
import styles from './AddPeople.module.css';
import { PeoplePicker } from './PeoplePicker';

/** One other makes a direct chat. */
const OTHERS_MIN = 2;

export function NewDiscussion() {
  const t = useT();
  const client = useClient();
  const width = useWidth();
  const [, navigate] = useLocation();
  const begun = usePerson(new URLSearchParams(useSearch()).get('with') ?? undefined);
  const [picked, setPicked] = useState<Person[]>();
  const chosen = useMemo(() => picked ?? (begun ? [begun] : []), [picked, begun]);
  const [name, setName] = useState('');
  const tooLong = charCount(name.trim()) > DISCUSSION_NAME_MAX;
  const create = useAct(
    useCallback(async () => {
      const title = name.trim();
      const conversation = await client.write('conversation.create_discussion', {
        user_ids: chosen.map((person) => person.user_id),
        ...(title === '' ? {} : { name: title }),
      });
      client.conversations.put(conversation);
      navigate(paths.chat(conversation.conversation_id), { replace: true });
    }, [client, navigate, chosen, name]),
  );
  const ready = chosen.length >= OTHERS_MIN && !tooLong;
  return (
    <Modal
      opened
      onClose={() => navigate(paths.chats)}
      title={t('pick.title')}
      size="var(--dialog)"
      fullScreen={width === 'phone'}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <form
        className={`${styles['form']} ${styles['choosing']}`}
        onSubmit={(event) => {
          event.preventDefault();
          if (ready && !create.running) void create.run();
        }}
      >
        <TextInput
          label={t('pick.name')}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={tooLong ? t('check.too_long', { max: DISCUSSION_NAME_MAX }) : undefined}
          autoComplete="off"
        />
        <PeoplePicker chosen={chosen} onChange={setPicked} />
        <FormError error={create.error} />
        <Group justify="space-between">
          <span className={styles['count']}>
            {chosen.length < OTHERS_MIN ? t('pick.hint') : t('pick.selected', { count: chosen.length })}
          </span>
          <Button type="submit" loading={create.running} disabled={!ready}>
            {t('pick.create')}
          </Button>
        </Group>
      </form>
    </Modal>
  );
}
