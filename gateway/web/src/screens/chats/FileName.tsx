import styles from './FileParts.module.css';
import { splitName } from './file';

/** One line; a long name is cut in its middle, so that its end says what kind of file it is. */
export function FileName({ name }: { name: string }) {
  const [head, tail] = splitName(name);
  return (
    <span className={styles['name']} title={name}>
      <span className={styles['nameHead']}>{head}</span>
      {tail !== '' && <span className={styles['nameTail']}>{tail}</span>}
    </span>
  );
}
