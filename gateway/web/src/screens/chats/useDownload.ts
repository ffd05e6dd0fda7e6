import { useClient, useErrorText, useT } from '../../app/hooks';
import type { Client } from '../../core/client';
import { asApiError } from '../../core/errors';
import type { ConversationId, MessageFile } from '../../core/wire';
import { say } from '../../parts/toast';

/** Saves a file of a conversation, or says why not. Its path is asked for when it is wanted: a page is open all day. */
export function useDownload(): (conversationId: ConversationId, file: MessageFile) => Promise<void> {
  const t = useT();
  const text = useErrorText();
  const client = useClient();
  return async (conversationId, file) => {
    try {
      if (!(await download(client, conversationId, file))) say(t('file.gone'), 'danger');
    } catch (thrown) {
      say(text(asApiError(thrown)), 'danger');
    }
  };
}

async function download({ files }: Client, conversationId: ConversationId, file: MessageFile): Promise<boolean> {
  const url = await files.fresh(conversationId, file.file_id);
  if (url === undefined) return false;
  const link = document.createElement('a');
  link.href = `${url}&d=1`;
  link.download = file.name;
  document.body.append(link);
  link.click();
  link.remove();
  return true;
}
