// The roster of a discussion. The owner can pass it on and remove people.

import { Button, Menu } from '@mantine/core';
import { Ellipsis } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { Link } from 'wouter';

import { useAct, useCell, useClient, useMe, usePerson, useT } from '../../app/hooks';
import { useWatch } from '../../app/live';
import { nameOf, titleOf } from '../../app/names';
import { paths } from '../../app/paths';
import { type Conversation, type Member, PAGE_MAX } from '../../core/wire';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { IconButton } from '../../parts/IconButton';
import { PersonRow } from '../../parts/PersonRow';
import { ErrorBox, Skeletons } from '../../parts/States';
import { ICON_SMALL } from '../../theme/theme';
import styles from './Details.module.css';

/** A sight of a screen; a discussion has up to 500. */
const WATCHED = 100;

export function Members({ conversation, owner }: { conversation: Conversation; owner: boolean }) {
  const t = useT();
  const { paged, next, load, error } = useMembers(conversation);
  const members = conversation.members ?? paged;
  useWatch((members ?? []).slice(0, WATCHED).map((member) => member.user_id));
  if (!members) {
    if (error) return <ErrorBox title={t('details.failed')} error={error} onRetry={() => void load(undefined)} />;
    return <Skeletons rows={3} kind="inner" />;
  }
  return (
    <section aria-label={t('details.members')}>
      <h2 className={styles['heading']}>{t('details.members')}</h2>
      <ul>
        {members.map((member) => (
          <MemberRow key={member.user_id} member={member} conversation={conversation} owner={owner} />
        ))}
      </ul>
      {!conversation.members && next !== undefined && (
        <Button variant="subtle" size="xs" fullWidth onClick={() => void load(next)}>
          {t('details.more_members')}
        </Button>
      )}
    </section>
  );
}

/** Large rosters do not come with the conversation: they are paged. */
function useMembers(conversation: Conversation) {
  const client = useClient();
  const id = conversation.conversation_id;
  const [paged, setPaged] = useState<Member[]>();
  const [next, setNext] = useState<string>();
  const { run, error } = useAct(
    useCallback(
      async (cursor: string | undefined) => {
        const page = await client.call('conversation.members', {
          conversation_id: id,
          limit: PAGE_MAX,
          ...(cursor === undefined ? {} : { cursor }),
        });
        setPaged((before) => (cursor === undefined ? page.items : [...(before ?? []), ...page.items]));
        setNext(page.next);
      },
      [client, id],
    ),
  );
  const large = conversation.members === undefined;
  useEffect(() => {
    if (large) void run(undefined);
  }, [large, run, conversation.member_count]);
  return { paged, next, load: run, error };
}

interface MemberRowProps {
  member: Member;
  conversation: Conversation;
  owner: boolean;
}

function MemberRow({ member, conversation, owner }: MemberRowProps) {
  const t = useT();
  const me = useMe();
  const person = usePerson(member.user_id);
  const own = member.user_id === me?.user_id;
  const isOwner = conversation.owner_id === member.user_id;
  return (
    <li className={styles['member']}>
      <Link href={paths.person(member.user_id, paths.details(conversation.conversation_id))} className={styles['memberLink']}>
        <PersonRow
          person={person ?? { user_id: member.user_id, name: '', login: '', role: 'member', initial: '#', online: false }}
          sub={own ? t('system.you') : ''}
        >
          {isOwner && <span className={styles['mark']}>{t('details.owner')}</span>}
        </PersonRow>
      </Link>
      {owner && !own && <MemberActs member={member} conversation={conversation} />}
    </li>
  );
}

function MemberActs({ member, conversation }: { member: Member; conversation: Conversation }) {
  const t = useT();
  const client = useClient();
  const me = useMe()?.user_id ?? '';
  const known = useCell(client.people.known);
  const [asking, setAsking] = useState<'transfer' | 'remove'>();
  const id = conversation.conversation_id;
  const userId = member.user_id;
  const name = nameOf(t, known, userId);
  const act = (method: 'conversation.transfer' | 'conversation.remove_member') => async () => {
    await client.write(method, { conversation_id: id, user_id: userId });
    await client.conversations.fetch(id);
  };
  return (
    <>
      <Menu position="bottom-end" withinPortal withInitialFocusPlaceholder={false}>
        <Menu.Target>
          <IconButton label={t('details.member_actions', { name })}>
            <Ellipsis {...ICON_SMALL} />
          </IconButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => setAsking('transfer')}>{t('details.transfer')}</Menu.Item>
          <Menu.Item color="var(--danger)" onClick={() => setAsking('remove')}>
            {t('details.remove')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {asking === 'transfer' && (
        <ConfirmDialog
          title={t('details.transfer_title', { name })}
          text={t('details.transfer_text')}
          action={t('details.transfer')}
          run={act('conversation.transfer')}
          onClose={() => setAsking(undefined)}
          danger={false}
        />
      )}
      {asking === 'remove' && (
        <ConfirmDialog
          title={t('details.remove_title', { name, where: titleOf(t, known, conversation, me) })}
          text={t('details.remove_text')}
          action={t('details.remove')}
          run={act('conversation.remove_member')}
          onClose={() => setAsking(undefined)}
        />
      )}
    </>
  );
}
