// A line of a menu of pages.

import { ChevronRight, type LucideIcon } from 'lucide-react';
import { Link } from 'wouter';

import { ICON, ICON_SMALL } from '../theme/theme';
import styles from './MenuLink.module.css';

interface Props {
  href: string;
  icon: LucideIcon;
  text: string;
  /** The page is open beside the menu. */
  current?: boolean;
}

export function MenuLink({ href, icon: Icon, text, current = false }: Props) {
  return (
    <Link href={href} className={styles['item']} aria-current={current ? 'page' : undefined}>
      <Icon {...ICON} />
      <span className={styles['text']}>{text}</span>
      <ChevronRight {...ICON_SMALL} />
    </Link>
  );
}

/** The same for what happens at once. */
export function MenuButton({ icon: Icon, text, onClick }: { icon: LucideIcon; text: string; onClick: () => void }) {
  return (
    <button type="button" className={styles['item']} onClick={onClick}>
      <Icon {...ICON} />
      <span className={styles['text']}>{text}</span>
    </button>
  );
}
