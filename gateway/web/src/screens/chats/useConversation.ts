// One conversation for a screen: from memory at once, asked for when it is not there.

import { useCallback, useEffect, useState } from 'react';
import { useLocation, useSearch } from 'wouter';

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
  const [path, navigate] = useLocation();
  const peer = new URLSearchParams(useSearch()).get('with') ?? undefined;
  const [error, setError] = useState<ApiError>();
  const missing = conversation === undefined;

  const load = useCallback(async () => {
    setError(undefined);
    try {
      // A direct chat without a message is not stored anywhere yet: asked for by its id it would be taken away, with
      // all that is being typed into it. Its address names the other person.
      const direct = peer === undefined ? undefined : await client.call('conversation.open_direct', { user_id: peer });
      if (direct?.conversation_id === id) conversations.put(direct);
      // Also somebody else's chat with that person: the server says whether there is one for the one who opened it.
      else await conversations.fetch(id);
    } catch (thrown) {
      setError(asApiError(thrown));
    }
  }, [client, conversations, id, peer]);

  useEffect(() => {
    if (!client.takePrepared(id)) void load();
    // Its messages are asked for beside it, not after it. A chat that names its other person has none yet.
    if (peer === undefined) client.openTimeline(id);
  }, [client, id, load, peer]);
  useEffect(() => {
    // Taken away while it was open (removed from it), or the connection is back after a failure.
    if (missing && open) void load();
  }, [missing, open, load]);

  const written = (conversation?.head_seq ?? 0) > 0;
  useEffect(() => {
    if (written && peer !== undefined) navigate(path, { replace: true });
  }, [written, peer, path, navigate]);

  return { conversation, error: missing ? error : undefined, retry: () => void load() };
}
