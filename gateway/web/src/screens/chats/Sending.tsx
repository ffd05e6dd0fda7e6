// The files that are on their way into one conversation; says aloud what could not be sent.

import { lazy, Suspense } from 'react';

import { useCell, useClient, usePart, useT } from '../../app/hooks';
import type { Upload } from '../../core/uploads';
import type { ConversationId } from '../../core/wire';
import { language } from '../../i18n';
import { whyNotSent } from './file';

const UploadStrip = lazy(async () => ({ default: (await import('./UploadStrip')).UploadStrip }));
const NONE: readonly Upload[] = [];

export function Sending({ id }: { id: ConversationId }) {
  const t = useT();
  const code = useCell(language);
  const { uploading } = useClient();
  const uploads = usePart(uploading, (all) => all.get(id) ?? NONE);
  const failed = uploads.flatMap(({ file, failure }) =>
    failure ? [t('file.not_sent', { name: file.name, why: whyNotSent(t, code, failure) })] : [],
  );
  return (
    <>
      {/* It is there before there is something to say: only then it is said. */}
      <p className="visually-hidden" aria-live="polite">
        {failed.at(-1)}
      </p>
      {uploads.length > 0 && (
        <Suspense fallback={null}>
          <UploadStrip uploads={uploads} />
        </Suspense>
      )}
    </>
  );
}
