// How the server is, at one look; looked at again every ten seconds while somebody sees it.

import { CircleCheck, TriangleAlert } from 'lucide-react';
import { type ReactNode, useCallback, useState } from 'react';
import { Link } from 'wouter';

import { useClient, useT } from '../../app/hooks';
import { paths } from '../../app/paths';
import type { Result } from '../../core/wire';
import { Choice } from '../../parts/Choice';
import { ErrorBox, Skeletons } from '../../parts/States';
import { ICON_SMALL } from '../../theme/theme';
import styles from './Admin.module.css';
import { Bars } from './Bars';
import { bytesText, countText, hourText, spanText } from './figures';
import { Stale } from './Stale';
import { useFigures } from './useFigures';

type Figures = Result<'admin.overview.get'>;

/** Free room that is worth a word: this many times what the server stops writing at. */
const ROOM = 4;

export function Overview() {
  const t = useT();
  const client = useClient();
  const { value: figures, error, retry } = useFigures(useCallback(() => client.call('admin.overview.get', {}), [client]));
  if (!figures) {
    if (error) return <ErrorBox title={t('admin.overview_failed')} error={error} onRetry={retry} />;
    return <Skeletons rows={4} kind="lines" />;
  }
  return (
    <>
      {error && <Stale error={error} />}
      <Tiles figures={figures} />
      <Messages figures={figures} />
      {figures.nodes.length > 0 && <Servers figures={figures} />}
    </>
  );
}

function Tiles({ figures }: { figures: Figures }) {
  const t = useT();
  const { disk, work } = figures;
  const failed = work.dead + work.parked + work.jobs_given_up;
  const day = figures.hours.slice(-24).reduce((sum, hour) => sum + hour.messages, 0);
  return (
    <dl className={styles['tiles']}>
      <Tile label={t('admin.online')} value={figures.online} sub={t('admin.of_people', { count: figures.people })} />
      <Tile label={t('admin.messages_day')} value={day} sub={t('admin.sockets', { count: figures.sockets })} />
      {disk && (
        <Tile
          label={t('admin.store_size')}
          value={bytesText(disk.store_bytes)}
          sub={t('admin.free', { size: bytesText(disk.free_bytes) })}
          warn={disk.free_bytes < ROOM * disk.least_bytes ? t('admin.free_little') : undefined}
        />
      )}
      <Tile
        label={t('admin.failed')}
        value={countText(failed)}
        sub={t('admin.failed_parts', {
          dead: countText(work.dead),
          parked: countText(work.parked),
          jobs: countText(work.jobs_given_up),
        })}
        warn={failed > 0 ? <Link href={paths.adminFailed}>{t('admin.failed_some')}</Link> : undefined}
        fine={failed === 0 ? t('admin.failed_none') : undefined}
      />
      <Tile label={t('admin.jobs')} value={countText(work.jobs)} sub={t('admin.jobs_sub')} />
      {figures.journals.map(({ name, position, owner }) => (
        <Tile
          key={name}
          label={t('admin.journal', { name })}
          value={position}
          sub={owner === undefined ? t('admin.journal_sub') : t('admin.journal_owner', { owner })}
        />
      ))}
      <Tile
        label={t('admin.running')}
        value={spanText(t, figures.looked_at - figures.started_at)}
        sub={t('admin.version', { version: figures.version })}
      />
    </dl>
  );
}

function Tile({ label, value, sub, warn, fine }: TileProps) {
  return (
    <div className={styles['tile']}>
      <dt>{label}</dt>
      <dd className={styles['value']}>{value}</dd>
      <dd className={styles['sub']}>{sub}</dd>
      {warn !== undefined && (
        <dd className={styles['warn']}>
          <TriangleAlert {...ICON_SMALL} />
          {warn}
        </dd>
      )}
      {fine !== undefined && (
        <dd className={styles['fine']}>
          <CircleCheck {...ICON_SMALL} />
          {fine}
        </dd>
      )}
    </div>
  );
}

interface TileProps {
  label: string;
  value: ReactNode;
  sub: string;
  warn?: ReactNode;
  fine?: string | undefined;
}

function Messages({ figures }: { figures: Figures }) {
  const t = useT();
  const [span, setSpan] = useState<'24' | '48'>('24');
  const bars = figures.hours.slice(-Number(span)).map(({ began_at, messages }) => ({
    label: hourText(t, began_at, figures.looked_at),
    value: messages,
  }));
  return (
    <section className={styles['section']}>
      <Choice
        title={t('admin.messages_hour')}
        value={span}
        onChange={setSpan}
        options={[
          ['24', t('admin.hours', { count: 24 })],
          ['48', t('admin.hours', { count: 48 })],
        ]}
      />
      <Bars title={t('admin.messages_hour')} head={[t('admin.hour'), t('admin.messages')]} bars={bars} />
    </section>
  );
}

function Servers({ figures }: { figures: Figures }) {
  const t = useT();
  return (
    <section className={styles['section']}>
      <h2 className={styles['heading']}>{t('admin.servers')}</h2>
      <ul className={styles['rows']}>
        {figures.nodes.map(({ name, owner, here }) => (
          <li key={name} className={styles['row']}>
            <span className={styles['grow']}>{name}</span>
            {owner && <span className={styles['mark']}>{t('admin.owner')}</span>}
            {here && <span className={styles['sub']}>{t('admin.here')}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}
