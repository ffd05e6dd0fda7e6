import type { CSSProperties } from 'react';

import type { Person } from '../core/wire';
import { PERSON_COLOURS } from '../theme/theme';
import styles from './Avatar.module.css';

export type AvatarSize = 'xs' | 's' | 'm' | 'l';

/**
 * A picture made of the name: the last two characters of a Chinese name, else initials. The letters are drawn by
 * the style sheet: they are a picture, not a text to be read out, found or copied.
 */
export function Avatar({ person, id, size = 'm', online }: AvatarProps) {
  const colour: CSSProperties = { background: `var(--person-${colourOf(id)})` };
  return (
    <span
      className={styles['avatar']}
      data-size={size}
      data-letters={person ? shortName(person.name, size) : ''}
      style={colour}
      aria-hidden="true"
    >
      {online && <span className={styles['online']} data-testid="online" />}
    </span>
  );
}

interface AvatarProps {
  person: Pick<Person, 'name'> | undefined;
  /** Decides the colour. */
  id: string;
  size?: AvatarSize;
  online?: boolean;
}

/** Up to nine people in one picture, for a discussion. */
export function GroupAvatar({ people, size = 'm' }: { people: { id: string; name?: string }[]; size?: AvatarSize }) {
  const shown = people.slice(0, 4);
  return (
    <span className={styles['group']} data-size={size} data-count={shown.length} aria-hidden="true">
      {shown.map(({ id, name }) => (
        <span
          key={id}
          data-letters={name ? shortName(name, 'xs') : ''}
          style={{ background: `var(--person-${colourOf(id)})` }}
        />
      ))}
    </span>
  );
}

export function colourOf(id: string): number {
  let sum = 0;
  for (let i = 0; i < id.length; i += 1) sum = (sum * 31 + id.charCodeAt(i)) % 65_521;
  return sum % PERSON_COLOURS;
}

export function shortName(name: string, size: AvatarSize = 'm'): string {
  const letters = [...name.trim()];
  const count = size === 'xs' ? 1 : 2;
  if (/\p{Script=Han}/u.test(name)) return letters.slice(-count).join('');
  const words = name.trim().split(/\s+/);
  const initials = words.length > 1 ? words.map((word) => [...word][0] ?? '') : letters;
  return initials.slice(0, count).join('').toUpperCase();
}
