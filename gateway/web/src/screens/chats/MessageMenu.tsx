// What can be done with a message, under a resting finger or by keyboard. With a mouse the same stands beside it.

import { Menu } from '@mantine/core';
import { Copy, Download, RotateCw } from 'lucide-react';

import { useClient, useT } from '../../app/hooks';
import { useNow } from '../../app/live';
import { fileLine } from '../../app/names';
import { momentText } from '../../app/time';
import { useCopy } from '../../parts/useCopy';
import type { Point } from '../../parts/useLongPress';
import { ICON_SMALL } from '../../theme/theme';
import styles from './MessageRow.module.css';
import type { ChatRow } from './rows';
import { useDownload } from './useDownload';

const OUTSIDE = ['mousedown', 'touchstart'];

/** `at` is a place inside the bubble. */
export function MessageMenu({ row, at, onClose }: { row: ChatRow; at: Point; onClose: () => void }) {
  const t = useT();
  const now = useNow();
  const copy = useCopy();
  const download = useDownload();
  const { outbox } = useClient();
  const { message, file } = row;
  const line = file ? fileLine(t, file.kind, file.info.name) : row.text;
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
        {file && message && (
          <Menu.Item
            leftSection={<Download {...ICON_SMALL} />}
            onClick={() => void download(message.conversation_id, file.info)}
          >
            {t('file.download')}
          </Menu.Item>
        )}
        <Menu.Item leftSection={<Copy {...ICON_SMALL} />} onClick={() => void copy(line)}>
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
