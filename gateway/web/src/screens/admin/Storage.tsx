// What pictures and files take of the disk, who has how much of it, and what is allowed.

import { TriangleAlert } from 'lucide-react';
import { useCallback } from 'react';

import { useClient, useT } from '../../app/hooks';
import type { TextKey } from '../../i18n';
import { ErrorBox, Skeletons } from '../../parts/States';
import { ICON_SMALL } from '../../theme/theme';
import admin from './Admin.module.css';
import { bytesText, numberText } from './figures';
import { type Part, partsOf, type Storage as Kept } from './room';
import { Stale } from './Stale';
import styles from './Storage.module.css';
import { StorageForm } from './StorageForm';
import { StoragePeople } from './StoragePeople';
import { useFigures } from './useFigures';

const PARTS: Record<Part, TextKey> = {
  images: 'storage.images',
  files: 'storage.files',
  uploading: 'storage.uploading',
  store: 'storage.store',
  free: 'storage.free',
};

/** Free room that is worth a word: this many times what the server stops writing at. */
const ROOM = 4;

export function Storage() {
  const t = useT();
  const client = useClient();
  const { value: kept, error, look, retry } = useFigures(useCallback(() => client.call('admin.storage.get', {}), [client]));
  if (!kept) {
    if (error) return <ErrorBox title={t('storage.load_failed')} error={error} onRetry={retry} />;
    return <Skeletons rows={6} kind="lines" />;
  }
  return (
    <>
      {error && <Stale error={error} />}
      <Room kept={kept} />
      <section className={`${admin['section']} ${styles['next']}`}>
        <h2 className={admin['heading']}>{t('storage.settings')}</h2>
        <StorageForm kept={kept} onSaved={look} />
      </section>
      {/* The last: it may be long. */}
      <section className={`${admin['section']} ${styles['next']}`}>
        <h2 className={admin['heading']}>{t('storage.people')}</h2>
        <StoragePeople quota={kept.quota_bytes} />
      </section>
    </>
  );
}

/** The disk as one bar, and beneath it each part with its figures. */
function Room({ kept }: { kept: Kept }) {
  const t = useT();
  const parts = partsOf(kept);
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const taken = kept.images.bytes + kept.files.bytes + kept.uploading.bytes;
  return (
    <section className={admin['section']}>
      <h2 className={admin['heading']}>{t('storage.use')}</h2>
      <p className={styles['sum']}>
        <strong>{bytesText(taken)}</strong> {t('storage.taken')}
      </p>
      {/* The figures are said below. */}
      <div className={styles['disk']} aria-hidden="true">
        {parts
          .filter(({ bytes }) => bytes > 0)
          .map(({ part, bytes }) => (
            <span key={part} className={styles['fill']} data-part={part} style={{ flexGrow: (bytes / total) * 100 }} />
          ))}
      </div>
      <dl className={styles['parts']}>
        {parts.map(({ part, bytes, count }) => (
          <div key={part} className={styles['part']}>
            <dt>
              <span className={`${styles['swatch']} ${styles['fill']}`} data-part={part} />
              {t(PARTS[part])}
            </dt>
            <dd className={styles['count']}>{count === undefined ? '' : t('storage.count', { count: numberText(count) })}</dd>
            <dd className={styles['bytes']}>{bytesText(bytes)}</dd>
          </div>
        ))}
      </dl>
      <Notes kept={kept} />
    </section>
  );
}

function Notes({ kept: { counting, disk, expired } }: { kept: Kept }) {
  const t = useT();
  return (
    <>
      {counting && <p className={admin['sub']}>{t('storage.counting')}</p>}
      {expired !== undefined && expired.files > 0 && (
        <p className={admin['sub']}>
          {t('storage.expired', { count: numberText(expired.files), size: bytesText(expired.bytes) })}
        </p>
      )}
      {disk && disk.free_bytes < ROOM * disk.least_bytes && (
        <p className={admin['warn']}>
          <TriangleAlert {...ICON_SMALL} />
          {t('admin.free_little')}
        </p>
      )}
    </>
  );
}
