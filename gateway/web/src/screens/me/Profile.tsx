import { useClient, useMe, usePart, useT } from '../../app/hooks';
import styles from './Me.module.css';

export function Profile() {
  const t = useT();
  const client = useClient();
  const me = useMe();
  const company = usePart(client.session, (session) => (session.kind === 'ready' ? session.space.name : ''));
  if (!me) return null;
  const facts: [string, string][] = [
    [t('field.name'), me.name],
    [t('field.login'), me.login],
    ...(me.title === undefined ? [] : [[t('field.title'), me.title] as [string, string]]),
    [t('me.role'), me.role === 'admin' ? t('me.role_admin') : t('me.role_member')],
    [t('me.company'), company],
  ];
  return (
    <dl className={styles['facts']}>
      {facts.map(([label, value]) => (
        <div key={label} className={styles['fact']}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
