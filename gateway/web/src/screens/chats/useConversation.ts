// One conversation for a screen: from memory at once, asked for when it is not there.

import { useCallback, useEffect, useState } from 'react';
import { useSearch } from 'wouter';

import { useClient, usePart } from '../../app/hooks';
import { type ApiError, asApiError } from '../../core/errors';
import type { Conversation, ConversationId } from '../../core/wire';

export interface ConversationView {
  conversation: Conversation | undefined;
  error: ApiError | undefined;
  retry: () => void;
}

export function useConversation(id: ConversationId): ConversationView {
  const client = useClient();
  const { conversations } = client;
  const conversation = usePart(conversations.details, (details) => details.get(id));
  const open = usePart(client.connection.state, (state) => state.kind === 'open');
  const peer = new URLSearchParams(useSearch()).get('with') ?? undefined;
  const [error, setError] = useState<ApiError>();
  const missing = conversation === undefined;

  const load = useCallback(async () => {
    setError(undefined);
    try {
      await conversations.fetch(id);
    } catch (thrown) {
      const failed = asApiError(thrown);
      if (failed.class !== 'not_found' || peer === undefined) {
        setError(failed);
        return;
      }
      // A direct chat without a message is not stored anywhere yet; its address names the other person.
      try {
        conversations.put(await client.call('conversation.open_direct', { user_id: peer }));
      } catch (again) {
        setError(asApiError(again));
      }
    }
  }, [client, conversations, id, peer]);

  useEffect(() => {
    void load();
  }, [load]);
  useEffect(() => {
    // Taken away while it was open (removed from it), or the connection is back after a failure.
    if (missing && open) void load();
  }, [missing, open, load]);

  return { conversation, error: missing ? error : undefined, retry: () => void load() };
}
