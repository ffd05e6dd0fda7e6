// Who someone is, and the way to write to them.

import { Button } from '@mantine/core';
import { MessageCircle, SearchX, Users } from 'lucide-react';
import { useCallback, useState } from 'react';
import { Link, useLocation, useSearch } from 'wouter';

import { useAct, useClient, useMe, usePart, usePerson, useT, useWidth } from '../../app/hooks';
import { useLive, useNow, usePresence, useWatch } from '../../app/live';
import { paths, placeOf } from '../../app/paths';
import { agoText } from '../../app/time';
import type { Person, UserId } from '../../core/wire';
import { Avatar } from '../../parts/Avatar';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { PaneHead } from '../../parts/PaneHead';
import { Empty, ErrorBox, FormError, Skeletons } from '../../parts/States';
import { ICON_SMALL, ICON_STATE } from '../../theme/theme';
import { handOut } from './credentials';
import { DisableMember, EnableMember } from './Disabling';
import styles from './PersonCard.module.css';

/** On the desk, before someone is chosen. */
export function NoPerson() {
  const t = useT();
  return (
    <Empty
      title={t('directory.pick')}
      hint={t('directory.pick_hint')}
      icon={<Users {...ICON_STATE} />}
    />
  );
}

export function PersonCard({ userId }: { userId: UserId }) {
  const t = useT();
  const width = useWidth();
  const person = usePerson(userId);
  const back = cameFrom(useSearch());
  return (
    <div className={styles['page']}>
      {width === 'phone' && <PaneHead title={t('me.profile')} back={back} />}
      {person ? (
        <div className={styles['scroll']}>
          <Card person={person} />
        </div>
      ) : (
        <Absent userId={userId} />
      )}
    </div>
  );
}

/** The name is on its way, did not come, or belongs to nobody. */
function Absent({ userId }: { userId: UserId }) {
  const t = useT();
  const { people } = useClient();
  const why = usePart(people.absent, (absent) => absent.get(userId));
  if (why === undefined) {
    return (
      <div className={styles['card']}>
        <Skeletons rows={2} kind="inner" />
      </div>
    );
  }
  if (why === 'nobody') {
    return <Empty title={t('directory.nobody')} hint={t('directory.nobody_hint')} icon={<SearchX {...ICON_STATE} />} />;
  }
  return <ErrorBox title={t('directory.person_failed')} error={why} onRetry={() => people.wantNow(userId)} />;
}

/** Only a place of our own. */
function cameFrom(search: string): string {
  const from = new URLSearchParams(search).get('from') ?? '';
  return placeOf(from).area === 'unknown' ? paths.directory : from;
}

function Card({ person }: { person: Person }) {
  const t = useT();
  const client = useClient();
  const me = useMe();
  const [, navigate] = useLocation();
  const own = person.user_id === me?.user_id;
  const open = useAct(
    useCallback(async () => {
      const params = { user_id: person.user_id };
      const conversation = await client.call('conversation.open_direct', params);
      client.conversations.put(conversation);
      const unwritten = conversation.head_seq === 0 ? person.user_id : undefined;
      navigate(paths.chat(conversation.conversation_id, unwritten));
    }, [client, navigate, person.user_id]),
  );
  return (
    <article className={styles['card']}>
      <div className={styles['top']}>
        <Avatar person={person} id={person.user_id} size="l" />
        <div className={styles['who']}>
          <h2 className={styles['name']}>{person.name}</h2>
          {person.disabled ? (
            <p className={styles['sub']}>{t('directory.disabled')}</p>
          ) : (
            <PresenceLine person={person} own={own} />
          )}
        </div>
      </div>
      <dl className={styles['facts']}>
        <Fact label={t('field.login')} value={person.login} />
        {person.title !== undefined && <Fact label={t('field.title')} value={person.title} />}
        <Fact label={t('me.role')} value={person.role === 'admin' ? t('me.role_admin') : t('me.role_member')} />
      </dl>
      <FormError error={open.error} />
      <div className={styles['acts']}>
        {!own && !person.disabled && (
          <Button
            leftSection={<MessageCircle {...ICON_SMALL} />}
            loading={open.running}
            onClick={() => void open.run()}
          >
            {t('directory.message')}
          </Button>
        )}
        {!own && me?.role === 'admin' && <Managing person={person} />}
        {me?.role === 'admin' && (
          <Button component={Link} href={paths.adminPerson(person.user_id)} variant="default">
            {t('admin.person')}
          </Button>
        )}
      </div>
    </article>
  );
}

function Managing({ person }: { person: Person }) {
  if (person.disabled) return <EnableMember person={person} />;
  return (
    <>
      <ResetPassword person={person} />
      <DisableMember person={person} />
    </>
  );
}

function Fact({ label, value }: { label: string; value: string }) {
  return (
    <div className={styles['fact']}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function PresenceLine({ person, own }: { person: Person; own: boolean }) {
  const t = useT();
  const now = useNow();
  const presence = usePresence(person.user_id);
  const live = useLive();
  useWatch(own ? [] : [person.user_id]);
  if (own) return <p className={styles['sub']}>{t('directory.this_is_you')}</p>;
  // The line stays, so that nothing below it moves.
  if (!live) return <p className={styles['sub']}>{'\u00a0'}</p>;
  const online = presence?.online ?? person.online;
  const seenAt = presence?.last_seen_at;
  if (online) {
    return (
      <p className={styles['sub']} data-online="true">
        {t('chat.online')}
      </p>
    );
  }
  return (
    <p className={styles['sub']}>
      {seenAt === undefined ? t('chat.offline') : t('chat.last_seen', { when: agoText(t, seenAt, now) })}
    </p>
  );
}

export function ResetPassword({ person }: { person: Person }) {
  const t = useT();
  const client = useClient();
  const [, navigate] = useLocation();
  const [asking, setAsking] = useState(false);
  const reset = useCallback(async () => {
    const answer = await client.write('space.reset_credential', {
      user_id: person.user_id,
    });
    handOut({ people: [{ name: person.name, login: answer.login, credential: answer.credential }], skipped: [] });
    navigate(paths.credentials);
  }, [client, navigate, person]);
  return (
    <>
      <Button variant="default" onClick={() => setAsking(true)}>
        {t('directory.reset')}
      </Button>
      {asking && (
        <ConfirmDialog
          title={t('directory.reset_title', { name: person.name })}
          text={t('directory.reset_text')}
          action={t('directory.reset')}
          run={reset}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
