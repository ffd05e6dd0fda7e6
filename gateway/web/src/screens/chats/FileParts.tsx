// Pictures and files as they stand in a bubble.

import { File as FileIcon, Image as ImageIcon, ImageOff } from 'lucide-react';
import { lazy, Suspense, useEffect, useState } from 'react';

import { useClient, usePart, useT } from '../../app/hooks';
import type { ConversationId, MessageFile } from '../../core/wire';
import { ICON } from '../../theme/theme';
import { pictureBox, sizeText } from './file';
import { FileName } from './FileName';
import styles from './FileParts.module.css';
import type { ChatRow } from './rows';
import { useDownload } from './useDownload';

const PictureViewer = lazy(async () => ({ default: (await import('./PictureViewer')).PictureViewer }));

interface PartProps {
  conversationId: ConversationId;
  file: MessageFile;
  /** The server has the message: it says where the file is. */
  sent: boolean;
}

export function FilePart({ row }: { row: ChatRow }) {
  const conversationId = row.message?.conversation_id ?? row.pending?.conversation_id;
  if (!row.file || conversationId === undefined) return null;
  const props = { conversationId, file: row.file.info, sent: row.message !== undefined };
  return row.file.kind === 'image' ? <Picture {...props} /> : <FileCard {...props} />;
}

function Picture({ conversationId, file, sent }: PartProps) {
  const t = useT();
  const { src, gone, failed, onError, again } = usePicture({ conversationId, file, sent });
  const [viewing, setViewing] = useState(false);
  const { width, height } = pictureBox(file);
  if (gone) return <NoPicture name={file.name} />;
  return (
    <>
      <button
        type="button"
        className={styles['picture']}
        style={{ width, aspectRatio: `${width} / ${height}` }}
        aria-label={failed ? t('file.picture_failed') : t('file.view_named', { name: file.name })}
        onClick={() => (failed ? again() : src !== undefined && setViewing(true))}
      >
        {src === undefined || failed ? (
          <>
            <ImageIcon {...ICON} />
            {failed && <span className={styles['hint']}>{t('file.picture_failed')}</span>}
          </>
        ) : (
          <img src={src} alt={file.name} decoding="async" draggable={false} onError={onError} />
        )}
      </button>
      {viewing && src !== undefined && (
        <Suspense fallback={null}>
          <PictureViewer
            src={src}
            file={file}
            {...(sent && { conversationId })}
            onClose={() => setViewing(false)}
          />
        </Suspense>
      )}
    </>
  );
}

/** Where a picture comes from. One that is shown stays, whatever path comes later: it would load again. */
function usePicture({ conversationId, file, sent }: PartProps) {
  const { files } = useClient();
  const id = file.file_id;
  const url = usePart(files.known, () => files.url(conversationId, id));
  const gone = usePart(files.known, () => files.gone(conversationId, id));
  const [held, setHeld] = useState(() => files.local(id));
  const [faults, setFaults] = useState(0);
  if (held === undefined && url !== undefined) setHeld(url);
  const wanted = sent && held === undefined;
  useEffect(() => {
    if (wanted) files.want(conversationId, id);
  }, [files, conversationId, id, wanted]);
  const anew = () => {
    files.forget(conversationId, id);
    setHeld(undefined);
  };
  return {
    src: held,
    gone: gone && held === undefined,
    failed: faults > 1,
    // The path may have ended: once more with a new one, then the person decides.
    onError: () => {
      if (faults === 0) anew();
      setFaults(faults + 1);
    },
    again: () => {
      anew();
      setFaults(0);
    },
  };
}

function NoPicture({ name }: { name: string }) {
  const t = useT();
  return (
    <span className={styles['file']}>
      <ImageOff {...ICON} />
      <span className={styles['text']}>
        <FileName name={name} />
        <span className={styles['size']}>{t('file.gone')}</span>
      </span>
    </span>
  );
}

function FileCard({ conversationId, file, sent }: PartProps) {
  const t = useT();
  const download = useDownload();
  const size = sizeText(file.size);
  return (
    <button
      type="button"
      className={styles['file']}
      aria-label={t('file.download_named', { name: file.name, size })}
      aria-disabled={!sent || undefined}
      onClick={() => {
        if (sent) void download(conversationId, file);
      }}
    >
      <span className={styles['icon']}>
        <FileIcon {...ICON} />
      </span>
      <span className={styles['text']}>
        <FileName name={file.name} />
        {/* Nobody sees it: what is read and what is said begin and end alike. */}
        {' '}
        <span className={styles['size']}>{size}</span>
      </span>
    </button>
  );
}
