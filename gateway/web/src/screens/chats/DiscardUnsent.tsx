import { type ReactNode, useState } from 'react';

import { useClient, useT } from '../../app/hooks';
import { unsentLine } from '../../app/names';
import type { OutboxItem } from '../../core/outbox';
import { ConfirmDialog } from '../../parts/ConfirmDialog';

/** Whatever asks to delete a message that was not sent; it names the text before it is gone. */
export function DiscardUnsent({ item, children }: { item: OutboxItem; children: (ask: () => void) => ReactNode }) {
  const t = useT();
  const { outbox } = useClient();
  const [asking, setAsking] = useState(false);
  return (
    <>
      {children(() => setAsking(true))}
      {asking && (
        <ConfirmDialog
          title={t('chat.discard_title')}
          text={unsentLine(t, item)}
          action={t('chat.discard')}
          run={() => outbox.discard(item.client_msg_id)}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
