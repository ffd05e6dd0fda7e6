// One message with the lines that may stand above it.

import { CircleAlert, Clock3, Copy } from 'lucide-react';
import { memo, useState } from 'react';
import { Link } from 'wouter';

import { useCell, useClient, useMe, usePerson, useT } from '../../app/hooks';
import { useNow } from '../../app/live';
import { mentioned, systemText } from '../../app/names';
import { paths } from '../../app/paths';
import { clockText, momentText } from '../../app/time';
import type { Message } from '../../core/wire';
import { language } from '../../i18n';
import { Avatar } from '../../parts/Avatar';
import { ConfirmDialog } from '../../parts/ConfirmDialog';
import { useCopy } from '../../parts/useCopy';
import { ICON_SMALL } from '../../theme/theme';
import { findLinks } from './links';
import styles from './MessageRow.module.css';
import type { ChatRow } from './rows';

interface MessageRowProps {
  row: ChatRow;
  /** Names stand above the messages of others where there are more than two people. */
  named: boolean;
  mark: string | undefined;
  first: boolean;
  /** Nothing older exists. */
  begin: boolean;
}

export const MessageRow = memo(function MessageRow({ row, named, mark, first, begin }: MessageRowProps) {
  const t = useT();
  return (
    <div className={styles['row']} data-first={first || undefined}>
      {first && begin && <p className={styles['note']}>{t('chat.begin')}</p>}
      {row.timeAbove !== undefined && <TimeLine at={row.timeAbove} />}
      {row.unreadAbove && (
        <p className={styles['unread']} data-testid="unread-line">
          <span>{t('chat.unread_line')}</span>
        </p>
      )}
      {row.message?.kind === 'system' ? (
        <SystemLine message={row.message} />
      ) : (
        <Said row={row} named={named} mark={mark} />
      )}
    </div>
  );
});

function TimeLine({ at }: { at: number }) {
  const t = useT();
  const now = useNow();
  return <p className={styles['note']}>{momentText(t, at, now)}</p>;
}

function SystemLine({ message }: { message: Message }) {
  const t = useT();
  const { people } = useClient();
  const known = useCell(people.known);
  const me = useMe()?.user_id ?? '';
  usePerson(message.author_id);
  for (const id of mentioned(message.system)) if (!known.has(id)) people.want(id);
  if (!message.system) return null;
  return (
    <p className={styles['note']} data-testid="system" data-seq={message.seq}>
      {systemText(t, known, me, message.author_id, message.system)}
    </p>
  );
}

function Said({ row, named, mark }: { row: ChatRow; named: boolean; mark: string | undefined }) {
  const author = usePerson(row.authorId);
  const state = row.pending ? row.pending.state : 'sent';
  return (
    <div className={styles['said']} data-mine={row.mine || undefined} data-head={row.head || undefined}>
      {!row.mine &&
        (row.head ? (
          // For the mouse: by keyboard the person is reached through the details.
          <Link href={paths.person(row.authorId, row.message && paths.chat(row.message.conversation_id))} className={styles['face']} aria-hidden="true" tabIndex={-1}>
            <Avatar person={author} id={row.authorId} size="s" />
          </Link>
        ) : (
          <span className={styles['face']} />
        ))}
      <div className={styles['body']}>
        {!row.mine && row.head && named && <p className={styles['name']}>{author?.name ?? ''}</p>}
        <div className={styles['line']}>
          <div
            className={styles['bubble']}
            data-testid="message"
            data-seq={row.message?.seq}
            data-state={state}
            data-mine={row.mine || undefined}
            title={clockText(row.at)}
          >
            <Text text={row.text} />
          </div>
          <div className={styles['side']}>
            {row.pending ? <PendingState row={row} /> : mark !== undefined && <span className={styles['mark']}>{mark}</span>}
            <CopyButton text={row.text} />
          </div>
        </div>
        {row.pending?.state === 'failed' && <Failed row={row} />}
      </div>
    </div>
  );
}

/** The text as it was typed; addresses can be followed. */
function Text({ text }: { text: string }) {
  return findLinks(text).map((piece, index) =>
    piece.href === undefined ? (
      piece.text
    ) : (
      // Pieces never change places within one text.
      // oxlint-disable-next-line react/no-array-index-key
      <a key={index} href={piece.href} target="_blank" rel="noopener noreferrer">
        {piece.text}
      </a>
    ),
  );
}

function PendingState({ row }: { row: ChatRow }) {
  const t = useT();
  if (row.pending?.state === 'failed') {
    return (
      <span className={styles['failed']} role="img" aria-label={t('chat.failed')}>
        <CircleAlert {...ICON_SMALL} />
      </span>
    );
  }
  return (
    <span className={styles['mark']} role="img" aria-label={t('chat.sending')}>
      <Clock3 {...ICON_SMALL} />
    </span>
  );
}

function Failed({ row }: { row: ChatRow }) {
  const t = useT();
  const { outbox } = useClient();
  const [asking, setAsking] = useState(false);
  const code = useCell(language);
  const item = row.pending;
  if (!item) return null;
  const reason = (code === 'en' ? item.failure?.en : item.failure?.zh) ?? '';
  return (
    <p className={styles['failedLine']}>
      <span>{reason === '' ? t('chat.failed') : reason}</span>
      <button type="button" onClick={() => void outbox.retry(item.client_msg_id)}>
        {t('chat.resend')}
      </button>
      <button type="button" onClick={() => setAsking(true)}>
        {t('chat.discard')}
      </button>
      {asking && (
        <ConfirmDialog
          title={t('chat.discard_title')}
          text={item.text}
          action={t('chat.discard')}
          run={() => outbox.discard(item.client_msg_id)}
          onClose={() => setAsking(false)}
        />
      )}
    </p>
  );
}

function CopyButton({ text }: { text: string }) {
  const t = useT();
  const copy = useCopy();
  // Not a tab stop: one for each message would bury the composer. The text can be selected by keyboard.
  return (
    <button
      type="button"
      className={styles['copy']}
      tabIndex={-1}
      aria-label={t('chat.copy_text')}
      title={t('chat.copy_text')}
      onClick={() => void copy(text)}
    >
      <Copy {...ICON_SMALL} />
    </button>
  );
}
