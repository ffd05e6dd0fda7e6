// What an administrator sees is looked at again while somebody sees it.

import { useCallback, useEffect, useRef, useState } from 'react';

import { type ApiError, asApiError } from '../../core/errors';

const AGAIN_MS = 10_000;

export interface Figures<V> {
  value: V | undefined;
  /** Of the last look: with a value, that is not new. */
  error: ApiError | undefined;
  look: () => Promise<void>;
  /** After an error, with nothing to show: waits as at first. */
  retry: () => void;
}

/** What was seen last stays until something newer is there. */
export function useFigures<V>(load: () => Promise<V>): Figures<V> {
  const [value, setValue] = useState<V>();
  const [error, setError] = useState<ApiError>();
  const asked = useRef(0);
  const look = useCallback(async () => {
    asked.current += 1;
    const own = asked.current;
    // An answer that was overtaken may be from before what one decided since.
    const isNewest = () => own === asked.current;
    try {
      const next = await load();
      if (!isNewest()) return;
      setValue(next);
      setError(undefined);
    } catch (thrown) {
      if (isNewest()) setError(asApiError(thrown));
    }
  }, [load]);
  useEffect(() => {
    void look();
    const again = () => {
      if (document.visibilityState === 'visible') void look();
    };
    const timer = setInterval(again, AGAIN_MS);
    document.addEventListener('visibilitychange', again);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', again);
    };
  }, [look]);
  const retry = useCallback(() => {
    setError(undefined);
    void look();
  }, [look]);
  return { value, error, look, retry };
}
