// The devices one is signed in on.

import { Button } from '@mantine/core';
import { MonitorSmartphone } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';

import { useAct, useClient, useT } from '../../app/hooks';
import { useNow } from '../../app/live';
import { agoText } from '../../app/time';
import type { SessionInfo } from '../../core/wire';
import { ErrorBox, FormError, Skeletons } from '../../parts/States';
import { say } from '../../parts/toast';
import { ICON } from '../../theme/theme';
import styles from './Me.module.css';

export function Sessions() {
  const t = useT();
  const client = useClient();
  const [sessions, setSessions] = useState<SessionInfo[]>();
  const { run: load, error } = useAct(
    useCallback(async () => {
      const { items } = await client.call('session.list', {});
      setSessions(items.toSorted((a, b) => Number(b.current) - Number(a.current) || b.last_seen_at - a.last_seen_at));
    }, [client]),
  );
  const end = useAct(
    useCallback(
      async (sessionId: string | undefined) => {
        if (sessionId === undefined) await client.write('session.revoke_others', {});
        else await client.write('session.revoke', { session_id: sessionId });
        say(t('sessions.ended'));
        await load();
      },
      [client, load, t],
    ),
  );
  useEffect(() => {
    void load();
  }, [load]);
  if (!sessions) {
    if (error) return <ErrorBox title={t('sessions.load_failed')} error={error} onRetry={() => void load()} />;
    return <Skeletons rows={3} kind="inner" />;
  }
  return (
    <>
      <ul className={styles['sessions']}>
        {sessions.map((session) => (
          <SessionItem key={session.session_id} session={session} onEnd={() => void end.run(session.session_id)} />
        ))}
      </ul>
      <FormError error={end.error} />
      {sessions.length > 1 ? (
        <Button variant="default" loading={end.running} onClick={() => void end.run(undefined)}>
          {t('sessions.end_others')}
        </Button>
      ) : (
        <p className={styles['sub']}>{t('sessions.only_this')}</p>
      )}
    </>
  );
}

function SessionItem({ session, onEnd }: { session: SessionInfo; onEnd: () => void }) {
  const t = useT();
  const now = useNow();
  const lastSeen = session.last_seen_at;
  const facts = [
    lastSeen === undefined ? undefined : t('sessions.last_seen', { when: agoText(t, lastSeen, now) }),
    t('sessions.signed_in', { when: agoText(t, session.created_at, now) }),
    session.address,
  ];
  return (
    <li className={styles['session']}>
      <MonitorSmartphone {...ICON} />
      <span className={styles['selfText']}>
        <span>{session.device_name === undefined || session.device_name === '' ? t('sessions.unknown_device') : session.device_name}</span>
        <span className={styles['sub']}>
          {facts.filter(Boolean).map((fact) => (
            <span key={fact} className={styles['part']}>
              {fact}
            </span>
          ))}
        </span>
      </span>
      {session.current ? (
        <span className={styles['current']}>{t('sessions.current')}</span>
      ) : (
        <Button size="xs" variant="default" onClick={onEnd}>
          {t('sessions.end')}
        </Button>
      )}
    </li>
  );
}
