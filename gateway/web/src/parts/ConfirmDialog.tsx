// A question before something that cannot be undone. It names the thing.

import { Button, Group, Modal } from '@mantine/core';
import { useCallback } from 'react';

import { useAct, useT } from '../app/hooks';
import styles from './ConfirmDialog.module.css';
import { FormError } from './States';

export function ConfirmDialog({ title, text, action, run, onClose, danger = true }: ConfirmDialogProps) {
  const t = useT();
  const act = useAct(useCallback(async () => run(), [run]));
  return (
    <Modal opened onClose={onClose} title={title} centered closeButtonProps={{ 'aria-label': t('common.close') }}>
      <div className={styles['body']}>
        <p className={styles['text']}>{text}</p>
        <FormError error={act.error} />
      </div>
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={onClose} data-autofocus>
          {t('common.cancel')}
        </Button>
        <Button
          {...(danger ? { color: 'red' } : {})}
          loading={act.running}
          onClick={async () => {
            if (await act.run()) onClose();
          }}
        >
          {action}
        </Button>
      </Group>
    </Modal>
  );
}

interface ConfirmDialogProps {
  title: string;
  text: string;
  action: string;
  run: () => Promise<void> | void;
  onClose: () => void;
  danger?: boolean;
}
