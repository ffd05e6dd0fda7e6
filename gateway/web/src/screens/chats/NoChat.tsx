import { MessageCircle } from 'lucide-react';

import { useT } from '../../app/hooks';
import { Empty } from '../../parts/States';
import { ICON_STATE } from '../../theme/theme';

/** On the desk, before a conversation is chosen. */
export function NoChat() {
  const t = useT();
  const keys = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘K' : 'Ctrl + K';
  return (
    <Empty
      title={t('chats.pick')}
      hint={t('chats.pick_hint', { keys })}
      icon={<MessageCircle {...ICON_STATE} />}
    />
  );
}
