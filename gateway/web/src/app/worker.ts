// The service worker, and pages of an older version: what they would still load may be gone.

import type { Client } from '../core/client';

const RELOADED_AT = 'chaoke.reloaded_at';
/** A page that asks for a missing file again right after reloading has another trouble. */
const RELOAD_EVERY_MS = 30_000;

/** Once somebody is inside: the worker fetches all files, which should not be in the way of the door. */
export function registerWorker(client: Client): void {
  // Missing on plain HTTP with another address than this machine's.
  if (import.meta.env.PROD && 'serviceWorker' in navigator) {
    const stop = client.connection.state.subscribe(() => {
      if (client.connection.state.get().kind !== 'open') return;
      stop();
      // Safari had no moment of rest to wait for until lately.
      const soon = window.requestIdleCallback ?? setTimeout;
      soon(() => {
        navigator.serviceWorker.register('/worker.js').catch(() => {
          // Without it the page works as well, only not without a network.
        });
      });
    });
  }
  window.addEventListener('vite:preloadError', () => void reloadOnce());
}

/**
 * After an upgrade of the server the files of this page's version are gone; drafts are stored. Where only the network is
 * away the page stays: what is behind it would be the browser's own.
 */
async function reloadOnce(): Promise<void> {
  try {
    const { ok } = await fetch('/healthz', { cache: 'no-store' });
    if (!ok) return;
    const last = Number(sessionStorage.getItem(RELOADED_AT));
    if (Date.now() - last < RELOAD_EVERY_MS) return;
    sessionStorage.setItem(RELOADED_AT, String(Date.now()));
    location.reload();
  } catch {
    // No server, or no storage and so no proof against reloading for ever: the error is shown instead.
  }
}
