// A picture as large as the window.

import { Modal } from '@mantine/core';
import { Download, X } from 'lucide-react';

import { useT } from '../../app/hooks';
import type { ConversationId, MessageFile } from '../../core/wire';
import { IconButton } from '../../parts/IconButton';
import { ICON } from '../../theme/theme';
import { FileName } from './FileName';
import styles from './PictureViewer.module.css';
import { useDownload } from './useDownload';

interface PictureViewerProps {
  src: string;
  file: MessageFile;
  /** Where it can be fetched from; none before it is sent. */
  conversationId?: ConversationId;
  onClose: () => void;
}

export function PictureViewer({ src, file, conversationId, onClose }: PictureViewerProps) {
  const t = useT();
  const download = useDownload();
  return (
    <Modal.Root opened onClose={onClose} fullScreen padding={0}>
      <Modal.Overlay />
      {/* In React's tree it stands in the message: a finger that rests here asks for no menu of it. */}
      <Modal.Content
        aria-label={file.name}
        className={styles['viewer'] ?? ''}
        onPointerDown={(event) => event.stopPropagation()}
      >
        <div className={styles['head']}>
          <FileName name={file.name} />
          {conversationId !== undefined && (
            <IconButton label={t('file.download')} onClick={() => void download(conversationId, file)}>
              <Download {...ICON} />
            </IconButton>
          )}
          <IconButton label={t('common.close')} data-autofocus onClick={onClose}>
            <X {...ICON} />
          </IconButton>
        </div>
        <div className={styles['stage']}>
          <img src={src} alt={file.name} />
        </div>
      </Modal.Content>
    </Modal.Root>
  );
}
