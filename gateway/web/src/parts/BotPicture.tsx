import { Bot } from 'lucide-react';

import { ICON, ICON_SMALL } from '../theme/theme';
import styles from './BotPicture.module.css';

/** Round and without a colour of its own: nobody takes it for a colleague. */
export function BotPicture({ size = 'm' }: { size?: 's' | 'm' }) {
  return (
    <span className={styles['bot']} data-size={size} aria-hidden="true">
      <Bot {...(size === 's' ? ICON_SMALL : ICON)} />
    </span>
  );
}
