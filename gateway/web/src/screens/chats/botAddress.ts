// The address of a bot lives in this page's memory until it is put away; the server shows it once. Not in the dialog:
// that goes when the window gets another width, or when one goes back.

import { Cell } from '../../core/cell';
import type { ConversationId, MadeBot, UserId } from '../../core/wire';

export interface HandedAddress {
  conversationId: ConversationId;
  /** Nobody else sees it who signs in here later. */
  userId: UserId;
  made: MadeBot;
}

export const handedAddress = new Cell<HandedAddress | undefined>(undefined);
