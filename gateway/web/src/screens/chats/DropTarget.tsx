// Files that are dragged over the window: the conversation says that it takes them. Dropped beside it they do
// nothing: the browser would open them in place of the page.

import { type RefObject, useEffect, useEffectEvent, useState } from 'react';

import { useCell, useClient, useMe, useT } from '../../app/hooks';
import { titleOf } from '../../app/names';
import type { Conversation } from '../../core/wire';
import styles from './DropTarget.module.css';
import { filesOf } from './file';
import { useAttach } from './useAttach';

/** While something is dragged here the browser says so more often than this. */
const GONE_AFTER_MS = 800;

interface DropTargetProps {
  conversation: Conversation;
  /** What takes the files. */
  area: RefObject<HTMLElement | null>;
}

export function DropTarget({ conversation, area }: DropTargetProps) {
  const t = useT();
  const { people } = useClient();
  const me = useMe()?.user_id ?? '';
  const known = useCell(people.known);
  const attach = useAttach(conversation);
  const over = useDrag(area, (transfer) => attach.send(filesOf(transfer)));
  if (!over) return null;
  return (
    <div className={styles['target']} data-testid="drop-target">
      <p>{t('file.drop', { name: titleOf(t, known, conversation, me) })}</p>
    </div>
  );
}

/** Whether files are dragged over the window just now. */
function useDrag(area: RefObject<HTMLElement | null>, onDrop: (transfer: DataTransfer) => void): boolean {
  const [over, setOver] = useState(false);
  const drop = useEffectEvent(onDrop);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = () => {
      clearTimeout(timer);
      setOver(false);
    };
    const isInside = (event: DragEvent) => area.current?.contains(event.target as Node) === true;
    const onDragOver = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = isInside(event) ? 'copy' : 'none';
      clearTimeout(timer);
      timer = setTimeout(end, GONE_AFTER_MS);
      setOver(true);
    };
    const onDropped = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes('Files')) return;
      event.preventDefault();
      end();
      if (isInside(event)) drop(event.dataTransfer);
    };
    const onDragLeave = (event: DragEvent) => {
      // Out of the window.
      if (event.relatedTarget === null) end();
    };
    window.addEventListener('dragover', onDragOver);
    window.addEventListener('drop', onDropped);
    window.addEventListener('dragleave', onDragLeave);
    return () => {
      clearTimeout(timer);
      window.removeEventListener('dragover', onDragOver);
      window.removeEventListener('drop', onDropped);
      window.removeEventListener('dragleave', onDragLeave);
    };
  }, [area]);
  return over;
}
