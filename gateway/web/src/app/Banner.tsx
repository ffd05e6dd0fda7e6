// One line at the top when something about the connection should be known.

import { X } from 'lucide-react';
import { useEffect, useState } from 'react';

import { storage } from '../core/browser';
import type { TextKey } from '../i18n';
import { ICON_SMALL } from '../theme/theme';
import styles from './Banner.module.css';
import { useCell, useClient, useSlow, useT } from './hooks';

/** A short break is nobody's business. */
const RECONNECTING_AFTER_MS = 1_500;
const PLAIN_SEEN = 'chaoke.plain_http_seen';

export function Banner() {
  const t = useT();
  const client = useClient();
  const state = useCell(client.connection.state);
  const durable = useCell(client.outboxDurable);
  const clockWrong = useCell(client.clockWrong);
  const online = useOnline();
  const [clockSeen, setClockSeen] = useState(false);
  const [storageSeen, setStorageSeen] = useState(false);
  const [plainSeen, hidePlain] = usePlainHttp();
  const broken = state.kind === 'connecting' || state.kind === 'waiting' || state.kind === 'offline';
  const slow = useSlow(broken, RECONNECTING_AFTER_MS);
  const hurry = () => client.connection.hurry();

  if (!online && state.kind !== 'open') return <Line tone="warn" text="connection.offline" />;
  if (slow) {
    return (
      <Line tone="warn" text="connection.reconnecting">
        <button type="button" className={styles['action']} onClick={hurry}>
          {t('connection.now')}
        </button>
      </Line>
    );
  }
  if (state.kind === 'refused' && state.why === 'displaced') {
    return (
      <Line tone="warn" text="connection.displaced">
        <button type="button" className={styles['action']} onClick={hurry}>
          {t('connection.here')}
        </button>
      </Line>
    );
  }
  if (state.kind === 'refused' && state.why === 'origin') return <Line tone="danger" text="connection.origin" />;
  if (!durable && !storageSeen) {
    return <Line tone="warn" text="connection.not_durable" onClose={() => setStorageSeen(true)} />;
  }
  if (clockWrong && !clockSeen) return <Line tone="warn" text="connection.clock_wrong" onClose={() => setClockSeen(true)} />;
  if (!plainSeen) return <Line tone="plain" text="connection.plain_http" onClose={hidePlain} />;
  return null;
}

function Line({ tone, text, onClose, children }: LineProps) {
  const t = useT();
  return (
    <div className={styles['banner']} data-tone={tone} role="status">
      <span>{t(text)}</span>
      {children}
      {onClose && (
        <button type="button" className={styles['action']} aria-label={t('common.close')} onClick={onClose}>
          <X {...ICON_SMALL} />
        </button>
      )}
    </div>
  );
}

interface LineProps {
  tone: 'plain' | 'warn' | 'danger';
  text: TextKey;
  onClose?: () => void;
  children?: React.ReactNode;
}

/** On plain HTTP a browser gives less, except to a server on the same machine. Said once on each device. */
function usePlainHttp(): [seen: boolean, hide: () => void] {
  const [seen, setSeen] = useState(() => window.isSecureContext || storage()?.getItem(PLAIN_SEEN) === '1');
  const hide = () => {
    setSeen(true);
    try {
      storage()?.setItem(PLAIN_SEEN, '1');
    } catch {
      // Without storage it is said on every page.
    }
  };
  return [seen, hide];
}

function useOnline(): boolean {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const take = () => setOnline(navigator.onLine);
    window.addEventListener('online', take);
    window.addEventListener('offline', take);
    return () => {
      window.removeEventListener('online', take);
      window.removeEventListener('offline', take);
    };
  }, []);
  return online;
}
