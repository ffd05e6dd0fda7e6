// The same texts in English.

import type { BotsKey } from './zh-CN';

export const en: Record<BotsKey, string> = {
  'bots.name': 'Name',
  'bots.name_hint': '1 to 30 characters, shown above each of its messages',
  'bots.signed_hint': 'The tool has to sign as Standard Webhooks says; leave it off where yours can’t',
  'bots.renew_title': 'New address for “{name}”',
  'bots.renew_when': 'From then on',
  'bots.renew_later': 'Old one works 24 hours more',
  'bots.renew_now': 'Old one ends at once',
  'bots.renew_hint': 'Give the tool its new address within 24 hours and no message is lost. End the old one at once if others may know it.',
  'bots.remove_title': 'Remove the bot “{name}”?',
  'bots.remove_text': 'Its address ends at once; what it said stays.',
  'bots.sheet_title': 'Address of “{name}”',
  'bots.once': 'The address is shown only this once. Whoever knows it can post here.',
  'bots.address': 'Address',
  'bots.address_copy': 'Copy address',
  'bots.secret': 'Signing secret',
  'bots.secret_copy': 'Copy secret',
  'bots.command': 'Try it with one command',
  'bots.command_copy': 'Copy command',
  'bots.command_text': 'Hello',
  'bots.leave': 'Once closed, this address can’t be seen again. Copy it first.',
  'bots.leave_back': 'Keep looking',
  'bots.leave_now': 'Close anyway',
};
