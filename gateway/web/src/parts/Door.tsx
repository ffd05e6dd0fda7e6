// The frame of the screens before one is in: set-up, sign-in, first password.

import type { ReactNode } from 'react';

import { useT } from '../app/hooks';
import styles from './Door.module.css';
import { Logo } from './Logo';

export function Door({ title, lead, children }: { title: string; lead?: string; children?: ReactNode }) {
  const t = useT();
  return (
    <main className={styles['door']}>
      <div className={styles['card']}>
        <div className={styles['brand']}>
          <Logo className={styles['logo']} />
          <span>{t('app.name')}</span>
        </div>
        <h1 className={styles['title']}>{title}</h1>
        {lead && <p className={styles['lead']}>{lead}</p>}
        {children}
      </div>
    </main>
  );
}
