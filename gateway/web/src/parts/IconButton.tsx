import type { ButtonHTMLAttributes, ReactNode } from 'react';

import styles from './IconButton.module.css';

/** A button that is only a picture; its name is for those who cannot see it and for the tip. */
export function IconButton({ label, children, tone = 'plain', ...rest }: IconButtonProps) {
  return (
    <button type="button" {...rest} className={styles['button']} data-tone={tone} aria-label={label} title={label}>
      {children}
    </button>
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  label: string;
  children: ReactNode;
  tone?: 'plain' | 'accent';
  ref?: React.Ref<HTMLButtonElement>;
}
