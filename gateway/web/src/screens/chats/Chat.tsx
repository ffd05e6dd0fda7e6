// One conversation: head, history, composer, and details beside it.

import { Drawer } from '@mantine/core';
import { PanelRight } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useLocation } from 'wouter';

import { useCell, useClient, useMe, usePart, useT, useWidth } from '../../app/hooks';
import { useNow, usePresence, useWatch } from '../../app/live';
import { nameOf, peopleOf, titleOf } from '../../app/names';
import { paths } from '../../app/paths';
import { agoText } from '../../app/time';
import type { Conversation, ConversationId } from '../../core/wire';
import { IconButton } from '../../parts/IconButton';
import { PaneHead } from '../../parts/PaneHead';
import { ErrorBox, Skeletons } from '../../parts/States';
import { ICON } from '../../theme/theme';
import styles from './Chat.module.css';
import { Composer } from './Composer';
import { Details } from './Details';
import { DropTarget } from './DropTarget';
import { Gone } from './Gone';
import { History } from './History';
import { Sending } from './Sending';
import { useConversation } from './useConversation';

export function Chat({ id, details }: { id: ConversationId; details: boolean }) {
  const t = useT();
  const width = useWidth();
  const [, navigate] = useLocation();
  const { conversation, error, retry } = useConversation(id);
  const area = useRef<HTMLTextAreaElement>(null);
  const section = useRef<HTMLElement>(null);

  if (!conversation) {
    if (!error) {
      return (
        <div className={styles['chat']}>
          <PaneHead title="" back={paths.chats} />
          <Skeletons rows={6} kind="chat" />
        </div>
      );
    }
    const gone = error.class === 'not_found' || error.class === 'forbidden';
    return (
      <div className={styles['chat']}>
        <PaneHead title="" back={paths.chats} />
        {gone ? (
          <Gone id={id} />
        ) : (
          <ErrorBox title={t('chat.load_failed')} error={error} onRetry={retry} />
        )}
      </div>
    );
  }

  const close = () => navigate(paths.chat(id, unwrittenPeer(conversation)), { replace: true });
  if (details && width === 'phone') return <Details conversation={conversation} onClose={close} />;
  return (
    <>
      <section ref={section} className={styles['chat']} aria-label={t('chat.messages')}>
        <ChatHead conversation={conversation} details={details} />
        <History conversation={conversation} onLeave={() => area.current?.focus()} />
        <Sending id={id} />
        <Composer conversation={conversation} area={area} />
        {conversation.state === 'open' && <DropTarget conversation={conversation} area={section} />}
      </section>
      {width === 'desk' && details && (
        <aside className={styles['details']} aria-label={t('details.title')}>
          <Details conversation={conversation} onClose={close} />
        </aside>
      )}
      {width === 'tablet' && (
        // Escape is heard by the details themselves: it may be meant for a dialog above them.
        <Drawer.Root opened={details} onClose={close} closeOnEscape={false} position="right" size="var(--details)" padding={0}>
          <Drawer.Overlay />
          <Drawer.Content aria-label={t('details.title')}>
            <Drawer.Body>
              <Details conversation={conversation} onClose={close} />
            </Drawer.Body>
          </Drawer.Content>
        </Drawer.Root>
      )}
    </>
  );
}

function ChatHead({ conversation, details }: { conversation: Conversation; details: boolean }) {
  const t = useT();
  const { people } = useClient();
  const me = useMe()?.user_id ?? '';
  const known = useCell(people.known);
  const [, navigate] = useLocation();
  const id = conversation.conversation_id;
  const peer = unwrittenPeer(conversation);
  useEffect(() => {
    for (const person of peopleOf(conversation)) people.want(person);
  }, [people, conversation]);
  return (
    <PaneHead
      title={titleOf(t, known, conversation, me)}
      sub={<ChatSub conversation={conversation} />}
      back={paths.chats}
    >
      <IconButton
        label={t('chat.details')}
        aria-pressed={details}
        tone={details ? 'accent' : 'plain'}
        onClick={() => navigate(details ? paths.chat(id, peer) : paths.details(id, peer))}
      >
        <PanelRight {...ICON} />
      </IconButton>
    </PaneHead>
  );
}

/** A direct chat without a message is found by its other person only. */
function unwrittenPeer(conversation: Conversation): string | undefined {
  return conversation.head_seq === 0 ? conversation.peer_id : undefined;
}

/** Who types, else who is there, else how many. */
function ChatSub({ conversation }: { conversation: Conversation }) {
  const t = useT();
  const client = useClient();
  const known = useCell(client.people.known);
  const typing = usePart(client.typing, (all) => all.get(conversation.conversation_id));
  const presence = usePresence(conversation.peer_id);
  const now = useNow();
  useWatch(conversation.peer_id === undefined ? [] : [conversation.peer_id]);
  if (typing && typing.size > 0) {
    if (conversation.kind === 'direct') return t('chat.typing_direct');
    const names = [...typing.keys()].slice(0, 3).map((id) => nameOf(t, known, id));
    return t('chat.typing', { names: names.join(t('common.list_separator')) });
  }
  if (conversation.kind === 'discussion') return t('chat.members_count', { count: conversation.member_count });
  if (!presence) return null;
  if (presence.online) return t('chat.online');
  if (presence.last_seen_at === undefined) return t('chat.offline');
  return t('chat.last_seen', { when: agoText(t, presence.last_seen_at, now) });
}
