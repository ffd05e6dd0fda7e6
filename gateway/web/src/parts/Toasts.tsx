import { useCell } from '../app/hooks';
import { toasts } from './toast';
import styles from './Toasts.module.css';

export function Toasts() {
  const all = useCell(toasts);
  return (
    <div className={styles['toasts']} role="status" aria-live="polite">
      {all.map(({ id, text, tone }) => (
        <div key={id} className={styles['toast']} data-tone={tone}>
          {text}
        </div>
      ))}
    </div>
  );
}
