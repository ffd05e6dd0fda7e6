// What a screen shows when it has nothing, is waiting, or could not.

import { Button } from '@mantine/core';
import { CircleAlert } from 'lucide-react';
import type { ReactNode } from 'react';

import { useErrorText, useMe, useSlow, useT } from '../app/hooks';
import type { ApiError } from '../core/errors';
import { ICON_STATE } from '../theme/theme';
import styles from './States.module.css';

export function Empty({ title, hint, icon, children }: EmptyProps) {
  return (
    <div className={styles['empty']}>
      {icon && <div className={styles['icon']}>{icon}</div>}
      <p className={styles['title']}>{title}</p>
      {hint && <p className={styles['hint']}>{hint}</p>}
      {children}
    </div>
  );
}

interface EmptyProps {
  title: string;
  hint?: ReactNode;
  icon?: ReactNode;
  children?: ReactNode;
}

export function ErrorBox({ title, error, onRetry }: { title: string; error: ApiError | undefined; onRetry: () => void }) {
  const t = useT();
  const text = useErrorText();
  const me = useMe();
  return (
    <div className={styles['empty']} role="alert">
      <div className={styles['icon']}>
        <CircleAlert {...ICON_STATE} />
      </div>
      <p className={styles['title']}>{title}</p>
      {error && <p className={styles['hint']}>{text(error)}</p>}
      {error && me?.role === 'admin' && error.class !== 'network' && error.class !== error.code && (
        <p className={styles['details']}>{t('error.details', { class: error.class, code: error.code })}</p>
      )}
      <Button variant="default" onClick={onRetry}>
        {t('common.retry')}
      </Button>
    </div>
  );
}

/** The error of something one asked for, above its button. */
export function FormError({ error }: { error: ApiError | undefined }) {
  const text = useErrorText();
  return (
    <p className={styles['formError']} role="alert">
      {error ? text(error) : ''}
    </p>
  );
}

/** Grey rows (`inner`: in a dialog or a card, which has its own margin), but only when waiting takes long enough to be noticed. */
export function Skeletons({ rows, kind }: { rows: number; kind: 'list' | 'inner' | 'chat' | 'lines' }) {
  const t = useT();
  const slow = useSlow(true);
  if (!slow) return <div className={styles['quiet']} />;
  return (
    <div className={styles['skeletons']} data-kind={kind} role="status" aria-label={t('common.loading')}>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className={styles['skeleton']}>
          <span className={styles['block']} />
          <span className={styles['line']} />
          <span className={styles['line']} data-short="true" />
        </div>
      ))}
    </div>
  );
}
