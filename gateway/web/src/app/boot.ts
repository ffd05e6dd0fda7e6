// The client of this page, and its first question. Nothing here may draw, so that it is asked before anything does.

import { browserClient } from '../core/browser';
import type { ConversationId } from '../core/wire';
import { language, showLanguage } from '../i18n';
import { paths, placeOf } from './paths';

showLanguage(language.get());
export const client = browserClient(() => language.get());
void client.start(location.pathname === paths.setup);
void client.session
  .until(({ kind }) => kind === 'ready')
  .then(() => {
    const id = chatOfAddress();
    if (id !== undefined) client.prepare(id);
  });

/** The chat that the address names, where it has messages: one that names its other person has none yet. */
export function chatOfAddress(): ConversationId | undefined {
  const place = placeOf(location.pathname);
  return place.area === 'chats' && location.search === '' ? place.id : undefined;
}
