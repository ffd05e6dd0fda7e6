import { SegmentedControl } from '@mantine/core';
import { useId } from 'react';

import styles from './Choice.module.css';

/** One of a few, under a title that names it. */
export function Choice<V extends string>({ title, hint, value, options, onChange, disabled = false }: ChoiceProps<V>) {
  const id = useId();
  return (
    <div className={styles['choice']}>
      <h2 className={styles['label']} id={id}>
        {title}
      </h2>
      <SegmentedControl
        className={styles['options'] ?? ''}
        aria-labelledby={id}
        value={value}
        disabled={disabled}
        onChange={onChange}
        data={options.map(([one, label]) => ({ value: one, label }))}
      />
      {hint !== undefined && <p className={styles['hint']}>{hint}</p>}
    </div>
  );
}

interface ChoiceProps<V extends string> {
  title: string;
  hint?: string;
  value: V;
  options: [value: V, label: string][];
  onChange: (value: V) => void;
  disabled?: boolean;
}
