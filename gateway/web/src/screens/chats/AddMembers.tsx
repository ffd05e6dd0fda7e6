import { Button, Group, Modal } from '@mantine/core';
import { useCallback, useState } from 'react';

import { useAct, useClient, useT, useWidth } from '../../app/hooks';
import type { Conversation, Person } from '../../core/wire';
import { FormError } from '../../parts/States';
import styles from '../directory/AddPeople.module.css';
import { PeoplePicker } from '../directory/PeoplePicker';

/** More colleagues for a discussion that is already there. */
export function AddMembers({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const t = useT();
  const client = useClient();
  const width = useWidth();
  const [chosen, setChosen] = useState<Person[]>([]);
  const id = conversation.conversation_id;
  const taken = new Set((conversation.members ?? []).map((member) => member.user_id));
  const add = useAct(
    useCallback(async () => {
      const user_ids = chosen.map((person) => person.user_id);
      await client.write('conversation.add_members', { conversation_id: id, user_ids });
      await client.conversations.fetch(id);
      onClose();
    }, [client, chosen, id, onClose]),
  );
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('pick.add_title')}
      size="var(--dialog)"
      fullScreen={width === 'phone'}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      <div className={`${styles['form']} ${styles['choosing']}`}>
        <PeoplePicker chosen={chosen} onChange={setChosen} taken={taken} />
        <FormError error={add.error} />
        <Group justify="space-between">
          <span className={styles['count']}>{t('pick.selected', { count: chosen.length })}</span>
          <Button loading={add.running} disabled={chosen.length === 0} onClick={() => void add.run()}>
            {t('pick.add')}
          </Button>
        </Group>
      </div>
    </Modal>
  );
}
