// A small chart of bars: looked at, or read as a table.

import { useId } from 'react';

import { useT } from '../../app/hooks';
import styles from './Admin.module.css';

export interface Bar {
  label: string;
  value: number;
}

/** Units of the drawing: it is stretched to its place. */
const STEP = 10;
const WIDE = 7;
const HIGH = 100;
/** What is there at all is seen. */
const LEAST = 3;

export function Bars({ title, head, bars }: { title: string; head: [string, string]; bars: readonly Bar[] }) {
  const t = useT();
  const id = useId();
  const most = Math.max(1, ...bars.map(({ value }) => value));
  const high = (value: number) => (value === 0 ? 0 : Math.max(LEAST, (value / most) * HIGH));
  return (
    <figure className={styles['chart']}>
      <p className={styles['most']} aria-hidden="true">
        {most}
      </p>
      <svg
        className={styles['bars']}
        role="img"
        aria-labelledby={id}
        viewBox={`0 0 ${bars.length * STEP} ${HIGH}`}
        preserveAspectRatio="none"
      >
        <title id={id}>{title}</title>
        {bars.map(({ label, value }, at) => (
          <rect key={label} x={at * STEP} y={HIGH - high(value)} width={WIDE} height={high(value)} />
        ))}
      </svg>
      <p className={styles['axis']} aria-hidden="true">
        <span>{bars[0]?.label}</span>
        <span>{bars[Math.floor(bars.length / 2)]?.label}</span>
        <span>{bars.at(-1)?.label}</span>
      </p>
      <details className={styles['details']}>
        <summary>{t('admin.as_table')}</summary>
        <table className={styles['table']}>
          <caption className={styles['hidden']}>{title}</caption>
          <thead>
            <tr>
              <th scope="col">{head[0]}</th>
              <th scope="col">{head[1]}</th>
            </tr>
          </thead>
          <tbody>
            {bars.toReversed().map(({ label, value }) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                <td>{value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
