import styles from './Admin.module.css';

/** Several facts in one line, which breaks between them and never within one. */
export function Facts({ className, facts }: { className?: string | undefined; facts: readonly (string | false | undefined)[] }) {
  return (
    <span className={className}>
      {facts
        .filter((fact) => typeof fact === 'string' && fact !== '')
        .map((fact) => (
          <span key={String(fact)} className={styles['fact']}>
            {fact}
          </span>
        ))}
    </span>
  );
}
