// Every screen's address, in one place.

import type { ConversationId, UserId } from '../core/wire';

export const paths = {
  setup: '/setup',
  signIn: '/sign-in',
  chats: '/chats',
  /** `peer` lets a direct chat that has no message yet be opened again after a reload. */
  chat: (id: ConversationId, peer?: UserId) => `/chats/${id}${peer === undefined ? '' : `?with=${peer}`}`,
  details: (id: ConversationId, peer?: UserId) => `/chats/${id}/details${peer === undefined ? '' : `?with=${peer}`}`,
  directory: '/directory',
  addPeople: '/directory/add',
  credentials: '/directory/added',
  disabled: '/directory/disabled',
  /** `from` is where "back" leads when one came from elsewhere. */
  person: (id: UserId, from?: string) => `/directory/${id}${from === undefined ? '' : `?from=${encodeURIComponent(from)}`}`,
  newDiscussion: '/chats/new',
  newDiscussionWith: (id: UserId) => `/chats/new?with=${id}`,
  me: '/me',
  profile: '/me/profile',
  sessions: '/me/sessions',
  password: '/me/password',
  preferences: '/me/preferences',
  admin: '/admin',
  adminOverview: '/admin/overview',
  adminFailed: '/admin/failed',
  adminPeople: '/admin/people',
  adminPerson: (id: UserId) => `/admin/people/${id}`,
  adminAudit: '/admin/audit',
  adminStorage: '/admin/storage',
  adminRetention: '/admin/retention',
  adminAuditOf: (id: UserId) => `/admin/audit?user=${id}`,
} as const;

export type MeSection = 'profile' | 'sessions' | 'password' | 'preferences';

export type AdminSection = 'overview' | 'failed' | 'people' | 'audit' | 'storage' | 'retention';

export type Place =
  | { area: 'chats'; id: ConversationId | undefined; details: boolean; dialog: boolean }
  | { area: 'directory'; personId: UserId | undefined; dialog: boolean; page: 'credentials' | 'disabled' | undefined }
  | { area: 'me'; section: MeSection | undefined }
  | { area: 'admin'; section: AdminSection | undefined; personId: UserId | undefined }
  | { area: 'unknown' };

const ME_SECTIONS: ReadonlySet<string> = new Set<MeSection>(['profile', 'sessions', 'password', 'preferences']);

const ADMIN_SECTIONS: ReadonlySet<string> = new Set<AdminSection>([
  'overview',
  'failed',
  'people',
  'audit',
  'storage',
  'retention',
]);

const DIRECTORY_PAGES: ReadonlyMap<string, 'credentials' | 'disabled'> = new Map([
  [paths.credentials, 'credentials'],
  [paths.disabled, 'disabled'],
]);

/** What an address shows. */
export function placeOf(path: string): Place {
  const [area, first, second, rest] = path.split('/').filter((part) => part !== '');
  if (rest !== undefined) return { area: 'unknown' };
  if (path === paths.newDiscussion) return { area: 'chats', id: undefined, details: false, dialog: true };
  if (area === 'chats' && (second === undefined || second === 'details')) {
    return { area: 'chats', id: first, details: second === 'details', dialog: false };
  }
  if (area === 'directory' && second === undefined) {
    const dialog = path === paths.addPeople;
    const page = DIRECTORY_PAGES.get(path);
    return { area: 'directory', personId: dialog || page ? undefined : first, dialog, page };
  }
  if (area === 'me' && second === undefined && (first === undefined || ME_SECTIONS.has(first))) {
    return { area: 'me', section: first as MeSection | undefined };
  }
  if (area === 'admin' && (first === undefined || ADMIN_SECTIONS.has(first)) && (second === undefined || first === 'people')) {
    return { area: 'admin', section: first as AdminSection | undefined, personId: second };
  }
  return { area: 'unknown' };
}
