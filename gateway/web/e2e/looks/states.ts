// Every screen in every state, in the order in which they are visited. A new screen adds a row to its part;
// `make shots` photographs each row, `make test` audits it.
import { ADMIN_STATES } from './admin';
import { CHATS, DETAILS } from './chats';
import { DOOR } from './door';
import { ME_STATES } from './me';
import { PEOPLE_STATES } from './people';
import type { State, WidthName } from './state';
import { UPKEEP_STATES } from './upkeep';

export const STATES: readonly State[] = [...CHATS, ...DETAILS, ...DOOR, ...PEOPLE_STATES, ...ADMIN_STATES, ...UPKEEP_STATES, ...ME_STATES];

export const WIDTHS: Record<WidthName, { width: number; height: number }> = {
  phone: { width: 390, height: 844 },
  desk: { width: 1280, height: 800 },
};

export const SCHEMES = ['light', 'dark'] as const;

export function statesOn(width: WidthName): State[] {
  return STATES.filter(({ on }) => on === undefined || on === width);
}
