// The tools that post into a discussion. Everybody in it sees them; its owner and administrators add them, give them
// another address and take them away.

import { Button, Menu } from '@mantine/core';
import { Bot as BotIcon, Ellipsis } from 'lucide-react';
import { lazy, type Ref, Suspense, useCallback, useEffect, useRef, useState } from 'react';

import { useAct, useCell, useClient, useMe, usePart, usePerson, useT } from '../../app/hooks';
import { useNow } from '../../app/live';
import { clockText, daysBetween } from '../../app/time';
import type { Bot, Conversation, ConversationId } from '../../core/wire';
import type { T } from '../../i18n';
import { BotPicture } from '../../parts/BotPicture';
import { IconButton } from '../../parts/IconButton';
import { ErrorBox, Skeletons } from '../../parts/States';
import { ICON_SMALL } from '../../theme/theme';
import { handedAddress } from './botAddress';
import styles from './Bots.module.css';
import details from './Details.module.css';

const BotDialogs = lazy(async () => ({ default: (await import('./BotDialogs')).BotDialogs }));

/** What one asked for: without a bot it is a new one. */
export type Asked = { what: 'add' } | { what: 'renew' | 'remove'; bot: Bot };

export function Bots({ conversation }: { conversation: Conversation }) {
  const t = useT();
  const me = useMe();
  const id = conversation.conversation_id;
  const { bots, error, load } = useBots(id);
  const [asked, setAsked] = useState<Asked>();
  const handed = useCell(handedAddress);
  const made = handed?.conversationId === id && handed.userId === me?.user_id ? handed.made : undefined;
  const addButton = useRef<HTMLButtonElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const manages = conversation.state !== 'dissolved' && (conversation.owner_id === me?.user_id || me?.role === 'admin');
  const nothing = bots ? bots.length === 0 : !error;
  // Most discussions have none, and who can't add one need not hear of it: nothing comes for them and goes again.
  if (!manages && nothing) return null;
  const ask = (next: Asked, button: HTMLButtonElement | null) => {
    opener.current = button;
    setAsked(next);
  };
  const close = () => {
    setAsked(undefined);
    handedAddress.set(undefined);
    // Once the dialog has gone. The row of a bot that was taken away goes too.
    requestAnimationFrame(() => (opener.current?.isConnected ? opener.current : addButton.current)?.focus());
  };
  return (
    <section className={styles['bots']} aria-label={t('details.bots')}>
      <h2 className={details['heading']}>{t('details.bots')}</h2>
      {manages && (
        <Button
          ref={addButton}
          variant="default"
          leftSection={<BotIcon {...ICON_SMALL} />}
          onClick={(event) => ask({ what: 'add' }, event.currentTarget)}
        >
          {t('details.add_bot')}
        </Button>
      )}
      {!bots && (error ? <ErrorBox title={t('details.bots_failed')} error={error} onRetry={load} /> : <Skeletons rows={1} kind="inner" />)}
      {bots?.length === 0 && <p className={styles['hint']}>{t('details.bots_hint')}</p>}
      {bots && bots.length > 0 && (
        <ul>
          {bots.map((bot) => (
            <BotRow key={bot.bot_id} bot={bot} onAsk={manages ? ask : undefined} />
          ))}
        </ul>
      )}
      <Suspense fallback={null}>
        {(made ?? asked) && (
          <BotDialogs
            conversationId={id}
            asked={asked}
            made={made}
            onChanged={() => {
              if (asked?.what === 'remove') opener.current = null;
              load();
            }}
            onClose={close}
          />
        )}
      </Suspense>
    </section>
  );
}

/** The list, asked for again when somebody added or removed one. */
function useBots(id: ConversationId) {
  const client = useClient();
  const { conversations, connection } = client;
  const open = usePart(connection.state, ({ kind }) => kind === 'open');
  const [bots, setBots] = useState<readonly Bot[]>();
  const asked = useRef(0);
  const { run, error } = useAct(
    useCallback(async () => {
      asked.current += 1;
      const mine = asked.current;
      const { items } = await client.call('bot.list', { conversation_id: id });
      // An answer that travelled longer than a later one does not take that back.
      if (mine === asked.current) setBots(items);
    }, [client, id]),
  );
  // Without a line nothing comes, and that is said elsewhere; after such a time something may have happened.
  useEffect(() => {
    if (open) void run();
  }, [open, run]);
  useEffect(() => {
    let seen = conversations.row(id)?.head_seq ?? 0;
    return conversations.view.subscribe(() => {
      const last = conversations.row(id)?.last;
      if (!last || last.seq <= seen) return;
      const missed = last.seq > seen + 1;
      seen = last.seq;
      if (missed || last.system?.what.startsWith('bot_')) void run();
    });
  }, [conversations, id, run]);
  return { bots, error, load: () => void run() };
}

interface BotRowProps {
  bot: Bot;
  onAsk: ((asked: Asked, button: HTMLButtonElement | null) => void) | undefined;
}

function BotRow({ bot, onAsk }: BotRowProps) {
  const t = useT();
  const now = useNow();
  const maker = usePerson(bot.created_by);
  const acts = useRef<HTMLButtonElement>(null);
  const { name, old_until: oldUntil = 0 } = bot;
  const by = maker ? t('details.bot_by', { name: maker.name }) : '\u00a0';
  return (
    <li className={`${details['member']} ${styles['bot']}`}>
      <BotPicture />
      <span className={styles['text']}>
        <span className={styles['name']}>{name}</span>
        <span className={styles['sub']}>{bot.signed ? `${by} · ${t('details.bot_signed')}` : by}</span>
        {oldUntil > now && <span className={styles['sub']}>{t('details.bot_old', { when: endText(t, oldUntil, now) })}</span>}
      </span>
      {onAsk && <BotActs button={acts} name={name} onAsk={(what) => onAsk({ what, bot }, acts.current)} />}
    </li>
  );
}

function BotActs({ button, name, onAsk }: { button: Ref<HTMLButtonElement>; name: string; onAsk: (what: 'renew' | 'remove') => void }) {
  const t = useT();
  return (
    <Menu position="bottom-end" withinPortal withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <IconButton ref={button} label={t('details.member_actions', { name })}>
          <Ellipsis {...ICON_SMALL} />
        </IconButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => onAsk('renew')}>{t('details.bot_renew')}</Menu.Item>
        <Menu.Item color="var(--danger)" onClick={() => onAsk('remove')}>
          {t('details.bot_remove')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

/** Within a day: today or tomorrow. */
function endText(t: T, at: number, now: number): string {
  return t('time.at', { day: t(daysBetween(at, now) < 0 ? 'time.tomorrow' : 'time.today'), time: clockText(at) });
}
