// Many people and many messages: made over HTTP, as fast as the server lets them.

import { Api } from './api';
import type { Server } from './server';
import { type Company, PASSWORD } from './world';

const TEXT = (n: number) => `第${n}条 ${'这是一条消息。'.repeat(1 + (n % 5))}`;

export interface Crowd {
  conversationId: string;
  /** Writes the messages `from` to `to`, each author his share in order. */
  write(from: number, to: number): Promise<void>;
  textOf(n: number): string;
}

/** A discussion of 王芳 and as many others. */
export async function crowd(server: Server, company: Company, name: string, size: number, textOf = TEXT): Promise<Crowd> {
  const authors: { id: string; api: Api }[] = [];
  for (let at = 0; at < size; at += 1) {
    const account = await company.api.addColleague(`同事${at}`, `${encodeURIComponent(name).replaceAll('%', '').toLowerCase()}${at}`, PASSWORD);
    const api = new Api(server);
    await api.signIn(account.login, PASSWORD);
    authors.push({ id: account.user_id, api });
  }
  const made = await company.api.call<{ conversation_id: string }>('conversation.create_discussion', {
    name,
    user_ids: [company.wang.user_id, ...authors.map((author) => author.id)],
  });
  const conversation_id = made.conversation_id;
  return {
    conversationId: conversation_id,
    textOf,
    write: async (from, to) => {
      await Promise.all(
        authors.map(async ({ api }, at) => {
          for (let n = from + at; n < to; n += size) {
            await api.patiently('message.send', { conversation_id, client_msg_id: `${name}-${n}`, text: textOf(n) });
          }
        }),
      );
    },
  };
}
