// Files on their way, above the place where one writes: what has been said does not move for them.

import { File as FileIcon, RotateCw, X } from 'lucide-react';
import { useEffect, useState } from 'react';

import { useCell, useClient, useErrorText, useT } from '../../app/hooks';
import { asApiError } from '../../core/errors';
import { mayRetry, type Upload, type Uploads } from '../../core/uploads';
import { language, type T } from '../../i18n';
import { IconButton } from '../../parts/IconButton';
import { say } from '../../parts/toast';
import { ICON, ICON_SMALL } from '../../theme/theme';
import { sizeText, whyNotSent } from './file';
import { FileName } from './FileName';
import styles from './UploadStrip.module.css';

/** A larger picture takes too long to be made small. */
const THUMB_MAX_BYTES = 20 * 1024 * 1024;

export function UploadStrip({ uploads }: { uploads: readonly Upload[] }) {
  const t = useT();
  return (
    <ul className={styles['strip']} aria-label={t('file.uploads')}>
      {uploads.map((upload) => (
        <UploadRow key={upload.id} upload={upload} />
      ))}
    </ul>
  );
}

function UploadRow({ upload }: { upload: Upload }) {
  const t = useT();
  const text = useErrorText();
  const client = useClient();
  const code = useCell(language);
  const { id, file, state, failure } = upload;
  const { name } = file;
  const tell = (act: (uploads: Uploads) => void) => {
    client.uploads().then(act, (thrown: unknown) => say(text(asApiError(thrown)), 'danger'));
  };
  const percent = Math.floor(upload.progress * 100);
  return (
    <li className={styles['upload']} data-testid="upload" data-state={state}>
      <Thumb file={file} />
      <div className={styles['text']}>
        <FileName name={name} />
        <p className={styles['state']}>{failure ? whyNotSent(t, code, failure) : stateText(t, upload, percent)}</p>
        {state !== 'failed' && (
          <div
            className={styles['bar']}
            role="progressbar"
            aria-label={t('file.progress', { name })}
            aria-valuemin={0}
            aria-valuemax={100}
            aria-valuenow={percent}
          >
            <span style={{ width: `${percent}%` }} />
          </div>
        )}
      </div>
      {mayRetry(upload) && (
        <IconButton label={t('file.retry', { name })} onClick={() => tell((uploads) => uploads.retry(id))}>
          <RotateCw {...ICON_SMALL} />
        </IconButton>
      )}
      <IconButton
        label={state === 'failed' ? t('file.remove', { name }) : t('file.cancel', { name })}
        onClick={() => tell((uploads) => uploads.cancel(id))}
      >
        <X {...ICON_SMALL} />
      </IconButton>
    </li>
  );
}

function stateText(t: T, { state, stalled, file }: Upload, percent: number): string {
  const size = sizeText(file.size);
  if (stalled) return t('file.stalled');
  if (state === 'waiting') return t('file.waiting', { size });
  return percent === 100 ? t('file.finishing', { size }) : t('file.uploading', { percent, size });
}

/** The picture itself where it is one. */
function Thumb({ file }: { file: File }) {
  const [src, setSrc] = useState<string>();
  const shown = file.type.startsWith('image/') && file.size > 0 && file.size <= THUMB_MAX_BYTES;
  useEffect(() => {
    if (!shown) return undefined;
    const url = URL.createObjectURL(file);
    setSrc(url);
    return () => URL.revokeObjectURL(url);
  }, [file, shown]);
  return (
    <span className={styles['thumb']}>
      {src === undefined ? (
        <FileIcon {...ICON} />
      ) : (
        <img src={src} alt="" draggable={false} onError={() => setSrc(undefined)} />
      )}
    </span>
  );
}
