import { MessageCircle } from 'lucide-react';

import { useClient, usePart, useT } from '../../app/hooks';
import { Empty } from '../../parts/States';
import { ICON_STATE } from '../../theme/theme';

/** On the desk, before a conversation is chosen. */
export function NoChat() {
  const t = useT();
  const { conversations } = useClient();
  const choice = usePart(conversations.view, ({ phase, rows }) => phase === 'ready' && rows.length > 0);
  // While there is nothing to choose from, the list says all there is to say.
  if (!choice) return null;
  const keys = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘K' : 'Ctrl + K';
  return (
    <Empty
      title={t('chats.pick')}
      hint={t('chats.pick_hint', { keys })}
      icon={<MessageCircle {...ICON_STATE} />}
    />
  );
}
