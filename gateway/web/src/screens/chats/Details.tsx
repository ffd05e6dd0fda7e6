// What a conversation is and who is in it; for discussions also what can be done with it.

import { Button, TextInput } from '@mantine/core';
import { MessagesSquare, Pencil, UserPlus, X } from 'lucide-react';
import { lazy, Suspense, useCallback, useState } from 'react';
import { Link, useLocation } from 'wouter';

import { checkText, DISCUSSION_NAME_MAX } from '../../app/check';
import { useForm } from '../../app/form';
import { useAct, useCell, useClient, useMe, usePerson, useT, useWidth } from '../../app/hooks';
import { titleOf } from '../../app/names';
import { paths } from '../../app/paths';
import type { Conversation } from '../../core/wire';
import { Avatar } from '../../parts/Avatar';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { IconButton } from '../../parts/IconButton';
import { PaneHead } from '../../parts/PaneHead';
import { ICON, ICON_SMALL } from '../../theme/theme';
import { Bots } from './Bots';
import { ConversationPicture } from './ConversationPicture';
import styles from './Details.module.css';
import { Members } from './Members';

const AddMembers = lazy(async () => ({ default: (await import('./AddMembers')).AddMembers }));

export function Details({ conversation, onClose }: { conversation: Conversation; onClose: () => void }) {
  const t = useT();
  const width = useWidth();
  return (
    <div
      className={styles['page']}
      onKeyDown={(event) => {
        // Menus and dialogs are drawn elsewhere and close themselves; their keys arrive here all the same.
        const inside = event.currentTarget.contains(event.target as Node);
        if (event.key === 'Escape' && inside && !event.defaultPrevented) onClose();
      }}
      role="presentation"
      // A click beside what can be pressed leads here, where Escape is heard.
      tabIndex={-1}
    >
      <PaneHead title={t('details.title')} back={paths.chat(conversation.conversation_id)}>
        {width !== 'phone' && (
          <IconButton label={t('common.close')} onClick={onClose}>
            <X {...ICON} />
          </IconButton>
        )}
      </PaneHead>
      <div className={styles['scroll']}>
        {conversation.kind === 'direct' ? (
          <Direct conversation={conversation} />
        ) : (
          <Discussion conversation={conversation} />
        )}
      </div>
    </div>
  );
}

function Direct({ conversation }: { conversation: Conversation }) {
  const t = useT();
  const [, navigate] = useLocation();
  const person = usePerson(conversation.peer_id);
  if (!person) return null;
  return (
    <>
      <Link href={paths.person(person.user_id, paths.details(conversation.conversation_id))} className={styles['person']}>
        <Avatar person={person} id={person.user_id} size="l" />
        <span className={styles['name']}>{person.name}</span>
        {person.title !== undefined && <span className={styles['sub']}>{person.title}</span>}
      </Link>
      <Button
        variant="default"
        leftSection={<MessagesSquare {...ICON_SMALL} />}
        onClick={() => navigate(paths.newDiscussionWith(person.user_id))}
      >
        {t('details.start_discussion')}
      </Button>
    </>
  );
}

function Discussion({ conversation }: { conversation: Conversation }) {
  const t = useT();
  const { people } = useClient();
  const me = useMe()?.user_id ?? '';
  const known = useCell(people.known);
  const [renaming, setRenaming] = useState(false);
  const [adding, setAdding] = useState(false);
  const owner = conversation.owner_id === me;
  const alive = conversation.state !== 'dissolved';
  return (
    <>
      <div className={styles['person']}>
        <ConversationPicture row={conversation} size="l" />
        {renaming ? (
          <Rename conversation={conversation} onDone={() => setRenaming(false)} />
        ) : (
          <span className={styles['title']}>
            <span className={styles['name']}>{titleOf(t, known, conversation, me)}</span>
            {owner && alive && (
              <IconButton label={t('details.rename')} onClick={() => setRenaming(true)}>
                <Pencil {...ICON_SMALL} />
              </IconButton>
            )}
          </span>
        )}
        <span className={styles['sub']}>{t('chat.members_count', { count: conversation.member_count })}</span>
      </div>
      {alive && (
        <Button variant="default" leftSection={<UserPlus {...ICON_SMALL} />} onClick={() => setAdding(true)}>
          {t('details.add_members')}
        </Button>
      )}
      <Members conversation={conversation} owner={owner && alive} />
      <Bots conversation={conversation} />
      {alive && <Leaving conversation={conversation} owner={owner} />}
      <Suspense fallback={null}>
        {adding && <AddMembers conversation={conversation} onClose={() => setAdding(false)} />}
      </Suspense>
    </>
  );
}

function Rename({ conversation, onDone }: { conversation: Conversation; onDone: () => void }) {
  const t = useT();
  const client = useClient();
  const id = conversation.conversation_id;
  const rename = useAct(
    useCallback(
      async (name: string) => {
        await client.write('conversation.rename', { conversation_id: id, name });
        await client.conversations.fetch(id);
      },
      [client, id],
    ),
  );
  const form = useForm({
    initial: { name: conversation.name ?? '' },
    check: (values) => ({ name: checkText(values.name, DISCUSSION_NAME_MAX) }),
    submit: async (values) => {
      if (await rename.run(values.name.trim())) onDone();
    },
    error: rename.error && { ...rename.error, field: 'name' },
    running: rename.running,
  });
  return (
    <form className={styles['rename']} onSubmit={form.onSubmit} noValidate>
      <TextInput {...form.field('name')} label={t('details.name')} description={t('details.name_hint')} autoFocus />
      <div className={styles['acts']}>
        <Button type="submit" size="xs" loading={rename.running}>
          {t('common.save')}
        </Button>
        <Button size="xs" variant="default" onClick={onDone}>
          {t('common.cancel')}
        </Button>
      </div>
    </form>
  );
}

function Leaving({ conversation, owner }: { conversation: Conversation; owner: boolean }) {
  const t = useT();
  const client = useClient();
  const me = useMe()?.user_id ?? '';
  const known = useCell(client.people.known);
  const [, navigate] = useLocation();
  const [asking, setAsking] = useState<'leave' | 'dissolve'>();
  const id = conversation.conversation_id;
  const name = titleOf(t, known, conversation, me);
  const leave = useCallback(async () => {
    await client.write('conversation.leave', { conversation_id: id });
    navigate(paths.chats, { replace: true });
    client.conversations.remove(id);
  }, [client, id, navigate]);
  const dissolve = useCallback(async () => {
    await client.write('conversation.dissolve', { conversation_id: id });
    await client.conversations.fetch(id);
  }, [client, id]);
  return (
    <div className={styles['leaving']}>
      <Button variant="subtle" color="red" onClick={() => setAsking('leave')}>
        {t('details.leave')}
      </Button>
      {owner && (
        <Button variant="subtle" color="red" onClick={() => setAsking('dissolve')}>
          {t('details.dissolve')}
        </Button>
      )}
      {asking === 'leave' && (
        <ConfirmDialog
          title={t('details.leave_title', { name })}
          text={owner ? t('details.leave_owner') : t('details.leave_text')}
          action={t('details.leave')}
          run={leave}
          onClose={() => setAsking(undefined)}
        />
      )}
      {asking === 'dissolve' && (
        <ConfirmDialog
          title={t('details.dissolve_title', { name })}
          text={t('details.dissolve_text')}
          action={t('details.dissolve')}
          run={dissolve}
          onClose={() => setAsking(undefined)}
        />
      )}
    </div>
  );
}
