// Where the choice of light or dark is kept. `public/early.js` reads the same key before the first paint.

import type { MantineColorScheme, MantineColorSchemeManager } from '@mantine/core';

const KEY = 'chaoke.scheme';

let hear: ((event: StorageEvent) => void) | undefined;

export const schemeManager: MantineColorSchemeManager = {
  get: (fallback) => {
    try {
      const value = localStorage.getItem(KEY);
      return value === 'light' || value === 'dark' || value === 'auto' ? value : fallback;
    } catch {
      return fallback;
    }
  },
  set: (value) => {
    try {
      localStorage.setItem(KEY, value);
    } catch {
      // Lives as long as the page.
    }
  },
  subscribe: (onUpdate) => {
    hear = (event) => {
      if (event.key === KEY && event.newValue) onUpdate(event.newValue as MantineColorScheme);
    };
    window.addEventListener('storage', hear);
  },
  unsubscribe: () => {
    if (hear) window.removeEventListener('storage', hear);
  },
  clear: () => {
    try {
      localStorage.removeItem(KEY);
    } catch {
      // Nothing was kept.
    }
  },
};
