import { useT } from '../app/hooks';
import { copyText } from './copy';
import { say } from './toast';

/** Copies and says whether it worked. */
export function useCopy(): (text: string) => Promise<void> {
  const t = useT();
  return async (text) => {
    const done = await copyText(text);
    say(t(done ? 'common.copied' : 'common.copy_failed'), done ? 'plain' : 'danger');
  };
}
