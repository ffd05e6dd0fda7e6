// A colleague as an administrator looks after him: his name, what he may do, his devices, his password, what the audit knows of him.

import { Button } from '@mantine/core';
import { MonitorSmartphone } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { Link } from 'wouter';

import { useAct, useClient, useMe, usePart, usePerson, useT } from '../../app/hooks';
import { useNow } from '../../app/live';
import { paths } from '../../app/paths';
import { agoText } from '../../app/time';
import type { Person, SessionInfo, UserId } from '../../core/wire';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { PersonRow } from '../../parts/PersonRow';
import { Empty, ErrorBox, FormError, Skeletons } from '../../parts/States';
import { say } from '../../parts/toast';
import { ICON, ICON_STATE } from '../../theme/theme';
import { DisableMember, EnableMember } from '../directory/Disabling';
import { ResetPassword } from '../directory/PersonCard';
import styles from './Admin.module.css';
import { ChangeRole, EditPerson } from './EditPerson';

export function PersonAdmin({ userId }: { userId: UserId }) {
  const t = useT();
  const me = useMe();
  const { people } = useClient();
  const person = usePerson(userId);
  const why = usePart(people.absent, (absent) => absent.get(userId));
  if (!person) {
    if (why === undefined) return <Skeletons rows={3} kind="list" />;
    if (why === 'nobody') return <Empty title={t('directory.nobody')} hint={t('directory.nobody_hint')} />;
    return <ErrorBox title={t('directory.person_failed')} error={why} onRetry={() => people.wantNow(userId)} />;
  }
  const own = userId === me?.user_id;
  const sub = person.role === 'admin' ? `${person.login} · ${t('me.role_admin')}` : person.login;
  return (
    <>
      <Link href={paths.person(userId, paths.adminPerson(userId))} className={styles['who']}>
        <PersonRow person={person} sub={person.disabled ? t('directory.disabled') : sub} />
      </Link>
      <div className={styles['acts']}>
        {!person.disabled && <EditPerson person={person} />}
        {!person.disabled && <ChangeRole person={person} own={own} />}
        {!own && !person.disabled && <ResetPassword person={person} />}
        {!own && (person.disabled ? <EnableMember person={person} /> : <DisableMember person={person} />)}
        <Button component={Link} href={paths.adminAuditOf(userId)} variant="default">
          {t('admin.audit_of')}
        </Button>
      </div>
      <section className={styles['section']}>
        <h2 className={styles['heading']}>{t('me.sessions')}</h2>
        <Devices person={person} own={own} />
      </section>
    </>
  );
}

function Devices({ person, own }: { person: Person; own: boolean }) {
  const t = useT();
  const client = useClient();
  const userId = person.user_id;
  const [sessions, setSessions] = useState<SessionInfo[]>();
  const [asking, setAsking] = useState(false);
  const { run: load, error } = useAct(
    useCallback(async () => {
      const { items } = await client.call('admin.session.list', { user_id: userId });
      setSessions(items);
    }, [client, userId]),
  );
  const end = useAct(
    useCallback(
      async (sessionId: string) => {
        await client.write('admin.session.revoke', { user_id: userId, session_id: sessionId });
        say(t('sessions.ended'));
        await load();
      },
      [client, load, t, userId],
    ),
  );
  const endAll = useCallback(async () => {
    await client.write('admin.session.revoke_all', { user_id: userId });
    say(t('sessions.ended'));
    await load();
  }, [client, load, t, userId]);
  useEffect(() => {
    void load();
  }, [load, person.disabled]);
  if (!sessions) {
    if (error) return <ErrorBox title={t('sessions.load_failed')} error={error} onRetry={() => void load()} />;
    return <Skeletons rows={2} kind="list" />;
  }
  if (sessions.length === 0) {
    return <Empty title={t('admin.no_devices')} icon={<MonitorSmartphone {...ICON_STATE} />} />;
  }
  const others = sessions.filter(({ current }) => !current);
  return (
    <>
      <ul className={styles['rows']}>
        {sessions.map((session) => (
          <Device
            key={session.session_id}
            session={session}
            busy={end.running}
            onEnd={() => void end.run(session.session_id)}
          />
        ))}
      </ul>
      <FormError error={end.error} />
      {others.length > 1 && (
        <Button variant="default" onClick={() => setAsking(true)}>
          {t(own ? 'sessions.end_others' : 'admin.end_all')}
        </Button>
      )}
      {asking && (
        <ConfirmDialog
          title={t('admin.end_all_title', { name: person.name })}
          text={t('admin.end_all_text', { count: others.length })}
          action={t(own ? 'sessions.end_others' : 'admin.end_all')}
          run={endAll}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}

function Device({ session, busy, onEnd }: { session: SessionInfo; busy: boolean; onEnd: () => void }) {
  const t = useT();
  const now = useNow();
  const facts = [
    t('sessions.last_seen', { when: agoText(t, session.last_seen_at, now) }),
    t('sessions.signed_in', { when: agoText(t, session.created_at, now) }),
    session.address,
  ];
  return (
    <li className={styles['row']}>
      <MonitorSmartphone {...ICON} />
      <span className={styles['grow']}>
        <span className={styles['block']}>{session.device_name || t('sessions.unknown_device')}</span>
        <span className={styles['sub']}>{facts.filter(Boolean).join(' · ')}</span>
      </span>
      {session.current ? (
        <span className={styles['mark']}>{t('sessions.current')}</span>
      ) : (
        <Button size="xs" variant="default" disabled={busy} onClick={onEnd}>
          {t('sessions.end')}
        </Button>
      )}
    </li>
  );
}
