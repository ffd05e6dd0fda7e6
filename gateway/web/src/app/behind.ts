// What stands behind the door: loaded apart, as whoever stands at it need not wait for it.

import { type ComponentType, createElement, type ReactNode, useEffect, useState } from 'react';

let loading: Promise<ComponentType> | undefined;
let loaded: ComponentType | undefined;

/** Begins to load it; once. When it does not come, entering asks again. */
export function loadShell(): Promise<ComponentType> {
  loading ??= import('./Shell').then(
    ({ Shell }) => (loaded = Shell),
    (thrown: unknown) => {
      loading = undefined;
      throw thrown;
    },
  );
  return loading;
}

/**
 * The shell once it is there. Not `lazy`: that shows what stands in for it at least 0.3 s, also where it comes in 10 ms.
 * Throws where it can not be loaded.
 */
export function useShell(): ReactNode {
  const [state, setState] = useState<{ shell: ReactNode } | { thrown: unknown } | undefined>(
    () => loaded && { shell: createElement(loaded) },
  );
  useEffect(() => {
    if (state) return undefined;
    let wanted = true;
    loadShell().then(
      (Shell) => wanted && setState({ shell: createElement(Shell) }),
      (thrown: unknown) => wanted && setState({ thrown }),
    );
    return () => {
      wanted = false;
    };
  }, [state]);
  if (state && 'thrown' in state) throw state.thrown;
  return state?.shell;
}
