// What can be done with a message, under a resting finger or by keyboard. With a mouse the same stands beside it.

import { Menu } from '@mantine/core';
import { Copy, RotateCw } from 'lucide-react';

import { useClient, useT } from '../../app/hooks';
import { useNow } from '../../app/live';
import { momentText } from '../../app/time';
import { useCopy } from '../../parts/useCopy';
import type { Point } from '../../parts/useLongPress';
import { ICON_SMALL } from '../../theme/theme';
import styles from './MessageRow.module.css';
import type { ChatRow } from './rows';

const OUTSIDE = ['mousedown', 'touchstart'];

/** `at` is a place inside the bubble. */
export function MessageMenu({ row, at, onClose }: { row: ChatRow; at: Point; onClose: () => void }) {
  const t = useT();
  const now = useNow();
  const copy = useCopy();
  const { outbox } = useClient();
  const failed = row.pending?.state === 'failed' ? row.pending : undefined;
  return (
    <Menu
      opened
      onClose={onClose}
      position="bottom-start"
      withinPortal
      withInitialFocusPlaceholder={false}
      // The anchor has no size and would count as out of sight.
      hideDetached={false}
      // Not the keys: the one that opens the menu would close it.
      clickOutsideEvents={OUTSIDE}
    >
      <Menu.Target>
        <span className={styles['anchor']} style={{ left: at.x, top: at.y }} />
      </Menu.Target>
      <Menu.Dropdown aria-label={t('chat.message_acts')}>
        <Menu.Label>{momentText(t, row.at, now)}</Menu.Label>
        <Menu.Item leftSection={<Copy {...ICON_SMALL} />} onClick={() => void copy(row.text)}>
          {t('chat.copy_text')}
        </Menu.Item>
        {failed && (
          <Menu.Item leftSection={<RotateCw {...ICON_SMALL} />} onClick={() => void outbox.retry(failed.client_msg_id)}>
            {t('chat.resend')}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
