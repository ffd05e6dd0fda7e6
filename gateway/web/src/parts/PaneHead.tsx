import { ChevronLeft } from 'lucide-react';
import type { ReactNode } from 'react';
import { useLocation } from 'wouter';

import { useT, useWidth } from '../app/hooks';
import { ICON } from '../theme/theme';
import { IconButton } from './IconButton';
import styles from './PaneHead.module.css';

/** The top line of a pane; on the phone with the way back. */
export function PaneHead({ title, sub, back, alwaysBack = false, children }: PaneHeadProps) {
  const t = useT();
  const width = useWidth();
  const [, navigate] = useLocation();
  return (
    <header className={styles['head']}>
      {back !== undefined && (alwaysBack || width === 'phone') && (
        <IconButton label={t('common.back')} onClick={() => navigate(back)}>
          <ChevronLeft {...ICON} />
        </IconButton>
      )}
      <div className={styles['titles']}>
        {title !== '' && <h1 className={styles['title']}>{title}</h1>}
        {sub !== undefined && <p className={styles['sub']}>{sub}</p>}
      </div>
      {children}
    </header>
  );
}

interface PaneHeadProps {
  title: ReactNode;
  sub?: ReactNode;
  /** Where "back" leads. */
  back?: string;
  alwaysBack?: boolean;
  children?: ReactNode;
}
