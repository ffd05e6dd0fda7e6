// One message with the lines that may stand above it.

import { CircleAlert, Clock3, Copy, Download } from 'lucide-react';
import { type KeyboardEvent, memo, type ReactNode, useRef, useState } from 'react';

import { useCell, useClient, useMe, usePerson, useT } from '../../app/hooks';
import { useNow } from '../../app/live';
import { mentioned, systemText } from '../../app/names';
import { paths } from '../../app/paths';
import { clockText, momentText } from '../../app/time';
import type { Message, MessageFile, Person } from '../../core/wire';
import { language } from '../../i18n';
import { Avatar } from '../../parts/Avatar';
import { BotPicture } from '../../parts/BotPicture';
import { Go } from '../../parts/Go';
import { useCopy } from '../../parts/useCopy';
import { type Point, useLongPress } from '../../parts/useLongPress';
import { ICON_SMALL } from '../../theme/theme';
import { DiscardUnsent } from './DiscardUnsent';
import { FilePart } from './FileParts';
import { findLinks } from './links';
import { MessageMenu } from './MessageMenu';
import styles from './MessageRow.module.css';
import type { ChatRow } from './rows';
import { useDownload } from './useDownload';

interface MessageRowProps {
  row: ChatRow;
  /** Its place among the rows, for the arrow keys. */
  index: number;
  /** Names stand above the messages of others where there are more than two people. */
  named: boolean;
  mark: string | undefined;
  /** Nothing older exists. */
  begin: boolean;
}

export const MessageRow = memo(function MessageRow({ row, index, named, mark, begin }: MessageRowProps) {
  const t = useT();
  const first = index === 0 && begin;
  return (
    <div className={styles['row']} data-first={first || undefined}>
      {first && <p className={styles['note']}>{t('chat.begin')}</p>}
      {row.timeAbove !== undefined && <TimeLine at={row.timeAbove} />}
      {row.unreadAbove && (
        <p className={styles['unread']} data-testid="unread-line">
          <span>{t('chat.unread_line')}</span>
        </p>
      )}
      {row.message?.kind === 'system' ? (
        <SystemLine message={row.message} index={index} />
      ) : (
        <Said row={row} index={index} named={named} mark={mark} />
      )}
    </div>
  );
});

function TimeLine({ at }: { at: number }) {
  const t = useT();
  const now = useNow();
  return <p className={styles['note']}>{momentText(t, at, now)}</p>;
}

function SystemLine({ message, index }: { message: Message; index: number }) {
  const t = useT();
  const { people } = useClient();
  const known = useCell(people.known);
  const me = useMe()?.user_id ?? '';
  usePerson(message.author_id);
  for (const id of mentioned(message.system)) if (!known.has(id)) people.want(id);
  if (!message.system) return null;
  return (
    <p className={styles['note']} data-testid="system" data-seq={message.seq} data-index={index} tabIndex={-1}>
      {systemText(t, known, me, message.author_id, message.system)}
    </p>
  );
}

function Said({ row, index, named, mark }: SaidProps) {
  const t = useT();
  const author = usePerson(row.bot === undefined ? row.authorId : undefined);
  const [near, setNear] = useState(false);
  return (
    <div
      className={styles['said']}
      data-mine={row.mine || undefined}
      data-head={row.head || undefined}
      onPointerEnter={() => setNear(true)}
    >
      {!row.mine && <Face row={row} author={author} />}
      <div className={styles['body']}>
        {/* Its line is there before the name is, so that nothing moves when it comes. */}
        {!row.mine && row.head && (named || row.bot !== undefined) && (
          <p className={styles['name']}>
            {row.bot ?? author?.name ?? '\u00a0'}
            {row.bot !== undefined && <span className={styles['tag']}>{t('chat.bot')}</span>}
          </p>
        )}
        <div className={styles['line']}>
          <Bubble row={row} index={index} />
          <div className={styles['side']}>
            {row.pending ? <PendingState row={row} /> : mark !== undefined && <span className={styles['mark']}>{mark}</span>}
            {row.file && row.message && <SaveButton message={row.message} file={row.file.info} near={near} />}
            {!row.file && <CopyButton text={row.text} near={near} />}
          </div>
        </div>
        {row.pending?.state === 'failed' && <Failed row={row} />}
      </div>
    </div>
  );
}

/** Beside the first of a run; a bot is no person that one could go to. */
function Face({ row, author }: { row: ChatRow; author: Person | undefined }) {
  if (!row.head) return <span className={styles['face']} />;
  if (row.bot !== undefined) return <BotPicture size="s" />;
  return (
    // For the mouse: by keyboard the person is reached through the details.
    <Go href={paths.person(row.authorId, row.message && paths.chat(row.message.conversation_id))} className={styles['face']} aria-hidden="true" tabIndex={-1}>
      <Avatar person={author} id={row.authorId} size="s" />
    </Go>
  );
}

interface SaidProps {
  row: ChatRow;
  index: number;
  named: boolean;
  mark: string | undefined;
}

/** The message itself; a resting finger, Enter or the menu key opens what can be done with it. */
function Bubble({ row, index }: { row: ChatRow; index: number }) {
  const bubble = useRef<HTMLDivElement>(null);
  const [menuAt, setMenuAt] = useState<Point>();
  const holding = useLongPress(({ x, y }) => {
    const box = bubble.current?.getBoundingClientRect();
    if (box) setMenuAt({ x: x - box.left, y: y - box.top });
  });
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const asks = event.key === 'Enter' || event.key === 'ContextMenu' || (event.shiftKey && event.key === 'F10');
    const box = event.currentTarget;
    if (!asks || event.target !== box) return;
    event.preventDefault();
    const { top, bottom } = box.getBoundingClientRect();
    // Below what can be seen of it, however long it is.
    setMenuAt({ x: 0, y: Math.min(bottom, window.innerHeight) - top });
  };
  return (
    <div
      ref={bubble}
      role="article"
      className={styles['bubble']}
      data-testid="message"
      data-seq={row.message?.seq}
      data-state={row.pending ? row.pending.state : 'sent'}
      data-mine={row.mine || undefined}
      data-kind={row.file?.kind}
      data-index={index}
      tabIndex={-1}
      title={clockText(row.at)}
      onKeyDown={onKeyDown}
      {...holding}
    >
      {row.file ? <FilePart row={row} /> : <Text text={row.text} />}
      {menuAt && (
        <MessageMenu
          row={row}
          at={menuAt}
          onClose={() => {
            setMenuAt(undefined);
            bubble.current?.focus({ preventScroll: true });
          }}
        />
      )}
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
      <DiscardUnsent item={item}>
        {(ask) => (
          <button type="button" onClick={ask}>
            {t('chat.discard')}
          </button>
        )}
      </DiscardUnsent>
    </p>
  );
}

interface SideButtonProps {
  label: string;
  near: boolean;
  children: ReactNode;
  onClick: () => void;
}

/** Its sign is drawn once somebody comes near: nobody sees it before, and there is one for each message. */
function SideButton({ label, near, children, onClick }: SideButtonProps) {
  // Not a tab stop: one for each message would bury the composer. The text can be selected by keyboard.
  return (
    <button type="button" className={styles['copy']} tabIndex={-1} aria-label={label} title={label} onClick={onClick}>
      {near && children}
    </button>
  );
}

function CopyButton({ text, near }: { text: string; near: boolean }) {
  const t = useT();
  const copy = useCopy();
  return (
    <SideButton label={t('chat.copy_text')} near={near} onClick={() => void copy(text)}>
      <Copy {...ICON_SMALL} />
    </SideButton>
  );
}

function SaveButton({ message, file, near }: { message: Message; file: MessageFile; near: boolean }) {
  const t = useT();
  const download = useDownload();
  return (
    <SideButton label={t('file.download')} near={near} onClick={() => void download(message.conversation_id, file)}>
      <Download {...ICON_SMALL} />
    </SideButton>
  );
}
