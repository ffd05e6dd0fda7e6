import type { ReactNode } from 'react';

import { useLive, usePresence } from '../app/live';
import type { Person } from '../core/wire';
import { Avatar } from './Avatar';
import styles from './PersonRow.module.css';

/** Picture, name and a second line; what surrounds it decides what a click does. */
export function PersonRow({ person, sub, children }: { person: Person; sub?: string; children?: ReactNode }) {
  const presence = usePresence(person.user_id);
  const live = useLive();
  return (
    <span className={styles['person']}>
      <Avatar person={person} id={person.user_id} online={live && (presence?.online ?? person.online)} />
      <span className={styles['text']}>
        <span className={styles['name']}>{person.name}</span>
        {sub !== undefined && sub !== '' && <span className={styles['sub']}>{sub}</span>}
      </span>
      {children}
    </span>
  );
}
