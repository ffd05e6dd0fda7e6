// Colleagues, each a way to what an administrator can do for him.

import { Link } from 'wouter';

import { paths } from '../../app/paths';
import type { Person } from '../../core/wire';
import { PersonRow } from '../../parts/PersonRow';
import styles from './Admin.module.css';

export function PeopleRows({ people }: { people: readonly Person[] }) {
  return (
    <ul className={styles['rows']}>
      {people.map((person) => (
        <li key={person.user_id}>
          <Link href={paths.adminPerson(person.user_id)} className={styles['who']}>
            <PersonRow person={person} sub={person.title ?? person.login} />
          </Link>
        </li>
      ))}
    </ul>
  );
}
