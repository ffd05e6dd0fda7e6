import type { ClipboardEvent } from 'react';

import { useClient, useErrorText, useT } from '../../app/hooks';
import { asApiError } from '../../core/errors';
import type { Conversation } from '../../core/wire';
import { say } from '../../parts/toast';
import { type Dropped, filesOf, namePasted } from './file';

export interface Attach {
  /** Sends what was chosen or dropped. */
  send: (dropped: Dropped) => void;
  /** Sends pictures and files that are pasted. */
  onPaste: (event: ClipboardEvent) => void;
}

export function useAttach({ conversation_id, peer_id }: Conversation): Attach {
  const t = useT();
  const text = useErrorText();
  const client = useClient();
  const target = { conversation_id, ...(peer_id === undefined ? {} : { peer_id }) };
  const send = ({ files, folder }: Dropped) => {
    if (folder) say(t('file.folder'), 'danger');
    if (files.length === 0) return;
    client.uploads().then(
      (uploads) => uploads.add(target, files),
      (thrown: unknown) => say(text(asApiError(thrown)), 'danger'),
    );
  };
  return {
    send,
    onPaste: (event) => {
      if (!hasOnlyFiles(event)) return;
      event.preventDefault();
      const { files, folder } = filesOf(event.clipboardData);
      send({ files: namePasted(t, files, new Date()), folder });
    },
  };
}

/** A picture, say. A table or a formatted text comes with a picture of itself: its text is what is meant. */
function hasOnlyFiles({ clipboardData }: ClipboardEvent): boolean {
  return clipboardData.files.length > 0 && clipboardData.getData('text/plain') === '';
}
