// Adding a bot, giving it another address, taking it away. What the first two end with is an address that the server
// shows once: it stands in the same dialog until it is put away.

import { Button, Checkbox, Group, Modal, TextInput } from '@mantine/core';
import { Copy, TriangleAlert } from 'lucide-react';
import { useCallback, useRef, useState } from 'react';

import { BOT_NAME_MAX, checkText } from '../../app/check';
import { useForm } from '../../app/form';
import { useAct, useClient, useT, useWidth } from '../../app/hooks';
import type { Client, SessionState } from '../../core/client';
import { newId } from '../../core/ids';
import type { Bot, ConversationId, MadeBot } from '../../core/wire';
import { Choice } from '../../parts/Choice';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { FormError } from '../../parts/States';
import { useCopy } from '../../parts/useCopy';
import { ICON_SMALL } from '../../theme/theme';
import { handedAddress } from './botAddress';
import styles from './BotDialogs.module.css';
import type { Asked } from './Bots';
import '../../i18n/bots';

/** The address is nowhere else: the browser asks before the page with it is closed or loaded anew. */
const ask = (event: BeforeUnloadEvent) => event.preventDefault();
handedAddress.subscribe(() => {
  if (handedAddress.get()) window.addEventListener('beforeunload', ask);
  else window.removeEventListener('beforeunload', ask);
});

/** It ends with the session of whoever asked for it. */
function hand(client: Client, conversationId: ConversationId, made: MadeBot): void {
  const userId = client.me();
  handedAddress.set({ conversationId, userId, made });
  const isOver = (session: SessionState) => !('user' in session) || session.user.user_id !== userId;
  void client.session.until(isOver).then(() => handedAddress.set(undefined));
}

interface BotDialogsProps {
  conversationId: ConversationId;
  asked: Asked | undefined;
  /** What was made and is not put away yet. */
  made: MadeBot | undefined;
  onChanged: () => void;
  onClose: () => void;
}

export function BotDialogs({ conversationId, asked, made, onChanged, onClose }: BotDialogsProps) {
  const t = useT();
  const client = useClient();
  const width = useWidth();
  const [leaving, setLeaving] = useState(false);
  const bot = asked && asked.what !== 'add' ? asked.bot : undefined;
  if (bot && asked?.what === 'remove') {
    return <RemoveBot conversationId={conversationId} bot={bot} onChanged={onChanged} onClose={onClose} />;
  }
  const onMade = (made: MadeBot) => {
    hand(client, conversationId, made);
    onChanged();
  };
  const title = made
    ? t('bots.sheet_title', { name: made.bot.name })
    : bot
      ? t('bots.renew_title', { name: bot.name })
      : t('details.add_bot');
  return (
    <Modal
      opened
      // Escape or a click beside it may come by accident: the address would be lost.
      onClose={made ? () => setLeaving((now) => !now) : onClose}
      title={title}
      size="var(--dialog)"
      fullScreen={width === 'phone'}
      closeButtonProps={{ 'aria-label': t('common.close') }}
    >
      {made ? (
        <AddressSheet made={made} leaving={leaving} onStay={() => setLeaving(false)} onClose={onClose} />
      ) : bot ? (
        <RenewForm conversationId={conversationId} bot={bot} onMade={onMade} onClose={onClose} />
      ) : (
        <AddForm conversationId={conversationId} onMade={onMade} />
      )}
    </Modal>
  );
}

/** The same asked for again, because the answer was lost, is one and the same: it gives the address made before. */
function useKeyOf(): (params: object) => string {
  const last = useRef({ of: '', key: '' });
  return useCallback((params) => {
    const of = JSON.stringify(params);
    if (last.current.of !== of) last.current = { of, key: newId() };
    return last.current.key;
  }, []);
}

function AddForm({ conversationId, onMade }: { conversationId: ConversationId; onMade: (made: MadeBot) => void }) {
  const t = useT();
  const client = useClient();
  const keyOf = useKeyOf();
  const [signed, setSigned] = useState(false);
  const add = useAct(
    useCallback(
      async (name: string) => {
        const params = { conversation_id: conversationId, name, signed };
        onMade(await client.write('bot.create', params, keyOf(params)));
      },
      [client, conversationId, signed, keyOf, onMade],
    ),
  );
  const form = useForm({
    initial: { name: '' },
    check: ({ name }) => ({ name: checkText(name, BOT_NAME_MAX) }),
    submit: ({ name }) => add.run(name.trim()),
    error: add.error,
    running: add.running,
  });
  return (
    <form className={styles['form']} onSubmit={form.onSubmit} noValidate>
      <p className={styles['lead']}>{t('details.bots_hint')}</p>
      <TextInput {...form.field('name')} label={t('bots.name')} description={t('bots.name_hint')} autoComplete="off" data-autofocus />
      <Checkbox
        label={t('details.bot_signed')}
        description={t('bots.signed_hint')}
        checked={signed}
        onChange={(event) => setSigned(event.currentTarget.checked)}
      />
      <FormError error={form.restError} />
      <Group justify="flex-end">
        <Button type="submit" loading={add.running}>
          {t('pick.add')}
        </Button>
      </Group>
    </form>
  );
}

interface RenewFormProps {
  conversationId: ConversationId;
  bot: Bot;
  onMade: (made: MadeBot) => void;
  onClose: () => void;
}

function RenewForm({ conversationId, bot, onMade, onClose }: RenewFormProps) {
  const t = useT();
  const client = useClient();
  const keyOf = useKeyOf();
  const [old, setOld] = useState<'later' | 'now'>('later');
  const renew = useAct(
    useCallback(async () => {
      const params = { conversation_id: conversationId, bot_id: bot.bot_id, at_once: old === 'now' };
      onMade(await client.write('bot.renew', params, keyOf(params)));
    }, [client, conversationId, bot, old, keyOf, onMade]),
  );
  return (
    <form
      className={styles['form']}
      onSubmit={(event) => {
        event.preventDefault();
        if (!renew.running) void renew.run();
      }}
    >
      <Choice
        title={t('bots.renew_when')}
        hint={t('bots.renew_hint')}
        value={old}
        onChange={setOld}
        options={[
          ['later', t('bots.renew_later')],
          ['now', t('bots.renew_now')],
        ]}
      />
      <FormError error={renew.error} />
      <Group justify="flex-end">
        <Button variant="default" onClick={onClose}>
          {t('common.cancel')}
        </Button>
        <Button type="submit" loading={renew.running} data-autofocus>
          {t('details.bot_renew')}
        </Button>
      </Group>
    </form>
  );
}

interface RemoveBotProps {
  conversationId: ConversationId;
  bot: Bot;
  onChanged: () => void;
  onClose: () => void;
}

function RemoveBot({ conversationId, bot, onChanged, onClose }: RemoveBotProps) {
  const t = useT();
  const client = useClient();
  return (
    <ConfirmDialog
      title={t('bots.remove_title', { name: bot.name })}
      text={t('bots.remove_text')}
      action={t('details.bot_remove')}
      run={async () => {
        await client.write('bot.remove', { conversation_id: conversationId, bot_id: bot.bot_id });
        onChanged();
      }}
      onClose={onClose}
    />
  );
}

interface AddressSheetProps {
  made: MadeBot;
  /** Whether one is asked before it goes. */
  leaving: boolean;
  onStay: () => void;
  onClose: () => void;
}

function AddressSheet({ made, leaving, onStay, onClose }: AddressSheetProps) {
  const t = useT();
  const address = location.origin + made.path;
  const secret = made.signing_secret;
  const command = `curl -d '{"text":"${t('bots.command_text')}"}' ${address}`;
  return (
    <div className={styles['form']}>
      <p className={styles['once']}>
        <TriangleAlert {...ICON_SMALL} />
        <span>{t('bots.once')}</span>
      </p>
      <Kept label={t('bots.address')} text={address} copy={t('bots.address_copy')} main />
      {secret === undefined ? (
        <Kept label={t('bots.command')} text={command} copy={t('bots.command_copy')} />
      ) : (
        <Kept label={t('bots.secret')} text={secret} copy={t('bots.secret_copy')} />
      )}
      {leaving ? (
        <>
          <p className={styles['leave']} role="alert">
            {t('bots.leave')}
          </p>
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('bots.leave_now')}
            </Button>
            <Button onClick={onStay} autoFocus>
              {t('bots.leave_back')}
            </Button>
          </Group>
        </>
      ) : (
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('add.finish')}
          </Button>
        </Group>
      )}
    </div>
  );
}

/** One of what a tool is to be told. */
function Kept({ label, text, copy, main = false }: { label: string; text: string; copy: string; main?: boolean }) {
  const copyText = useCopy();
  return (
    <div className={styles['kept']}>
      <p className={styles['label']}>{label}</p>
      <p className={styles['text']} data-testid="kept">
        {text}
      </p>
      <Button
        className={styles['copy'] ?? ''}
        size="xs"
        variant={main ? 'filled' : 'default'}
        leftSection={<Copy {...ICON_SMALL} />}
        // What stood here before had the focus and is gone.
        autoFocus={main}
        data-autofocus={main || undefined}
        onClick={() => void copyText(text)}
      >
        {copy}
      </Button>
    </div>
  );
}
