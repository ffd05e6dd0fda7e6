// Where one writes. Safe for Chinese input methods, keeps its draft, never cuts a text.

import { Popover } from '@mantine/core';
import { Paperclip, SendHorizontal, Smile } from 'lucide-react';
import { type CompositionEvent, type KeyboardEvent, type RefObject, useEffect, useRef, useState } from 'react';

import { useClient, usePart, useT, useWidth } from '../../app/hooks';
import { type Conversation, charCount, MESSAGE_TEXT_MAX_CHARS } from '../../core/wire';
import { IconButton } from '../../parts/IconButton';
import { say } from '../../parts/toast';
import { ICON } from '../../theme/theme';
import styles from './Composer.module.css';
import { EMOJI } from './emoji';
import { sends } from './enter';
import { useAttach } from './useAttach';
import { useGrow } from './useGrow';

/** The count is shown from here on. */
const COUNT_FROM_LEFT = 500;

interface ComposerProps {
  conversation: Conversation;
  /** Its field, for whoever leads back to writing. */
  area: RefObject<HTMLTextAreaElement | null>;
}

export function Composer({ conversation, area }: ComposerProps) {
  const t = useT();
  if (conversation.state === 'dissolved') return <p className={styles['closed']}>{t('chat.dissolved')}</p>;
  return <Writing conversation={conversation} area={area} />;
}

function Writing({ conversation, area }: ComposerProps) {
  const t = useT();
  const client = useClient();
  const width = useWidth();
  const { onPaste } = useAttach(conversation);
  const id = conversation.conversation_id;
  const text = usePart(client.drafts.all, (all) => all.get(id) ?? '');
  const left = MESSAGE_TEXT_MAX_CHARS - charCount(text.trim());
  const ready = text.trim() !== '' && left >= 0;
  useGrow(area, text);
  useEffect(() => {
    // On the phone the keyboard would cover what one came to read.
    if (width !== 'phone') area.current?.focus();
  }, [area, id, width]);

  const write = (value: string) => {
    client.drafts.set(id, value);
    if (value !== '') client.typed(id);
  };
  const send = () => {
    if (!ready) return;
    const target = { conversation_id: id, ...(conversation.peer_id === undefined ? {} : { peer_id: conversation.peer_id }) };
    if (!client.outbox.add(target, text.trim())) {
      say(t('chat.outbox_full'), 'danger');
      return;
    }
    client.drafts.set(id, '');
    area.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (!sends(event.nativeEvent)) return;
    event.preventDefault();
    send();
  };
  const insert = (emoji: string) => {
    const field = area.current;
    const from = field?.selectionStart ?? text.length;
    const to = field?.selectionEnd ?? text.length;
    write(text.slice(0, from) + emoji + text.slice(to));
    requestAnimationFrame(() => {
      field?.focus();
      field?.setSelectionRange(from + emoji.length, from + emoji.length);
    });
  };

  return (
    <div className={styles['composer']}>
      <div className={styles['box']}>
        <textarea
          ref={area}
          className={styles['area']}
          rows={1}
          value={text}
          aria-label={t('chat.compose')}
          placeholder={t('chat.compose')}
          enterKeyHint="send"
          onChange={(event) => write(event.currentTarget.value)}
          onCompositionEnd={(event: CompositionEvent<HTMLTextAreaElement>) => write(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
        />
        <AttachButton conversation={conversation} area={area} />
        <EmojiButton onPick={insert} />
        <IconButton label={t('chat.send')} tone="accent" disabled={!ready} onClick={send}>
          <SendHorizontal {...ICON} />
        </IconButton>
      </div>
      <Foot left={left} />
    </div>
  );
}

function Foot({ left }: { left: number }) {
  const t = useT();
  const width = useWidth();
  return (
    <p className={styles['foot']} data-over={left < 0 || undefined}>
      {left < 0 && t('chat.too_long', { count: -left })}
      {left >= 0 && left <= COUNT_FROM_LEFT && t('chat.left_chars', { count: left })}
      {left > COUNT_FROM_LEFT && width !== 'phone' && t('chat.compose_hint')}
    </p>
  );
}

function AttachButton({ conversation, area }: ComposerProps) {
  const t = useT();
  const width = useWidth();
  const attach = useAttach(conversation);
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton label={t('file.attach')} onClick={() => input.current?.click()}>
        <Paperclip {...ICON} />
      </IconButton>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={t('file.attach')}
        onChange={(event) => {
          const field = event.currentTarget;
          attach.send({ files: [...(field.files ?? [])], folder: false });
          // The same one may be chosen again.
          field.value = '';
          if (width !== 'phone') area.current?.focus();
        }}
      />
    </>
  );
}

function EmojiButton({ onPick }: { onPick: (emoji: string) => void }) {
  const t = useT();
  const [opened, setOpened] = useState(false);
  return (
    <Popover opened={opened} onChange={setOpened} position="top-end" trapFocus withinPortal>
      <Popover.Target>
        <IconButton label={t('chat.emoji')} onClick={() => setOpened((now) => !now)}>
          <Smile {...ICON} />
        </IconButton>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('chat.emoji_list')}>
        <div className={styles['emoji']}>
          {EMOJI.map((emoji) => (
            <button
              key={emoji}
              type="button"
              onClick={() => {
                setOpened(false);
                onPick(emoji);
              }}
            >
              {emoji}
            </button>
          ))}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
