// The service worker, and pages of an older version: what they would still load may be gone.

const RELOADED_AT = 'chaoke.reloaded_at';
/** The worker fetches all files; it should not be in the way of what the page itself needs first. */
const REGISTER_AFTER_MS = 3_000;
/** A page that asks for a missing file again right after reloading has another trouble. */
const RELOAD_EVERY_MS = 30_000;

export function registerWorker(): void {
  // Missing on plain HTTP with another address than this machine's.
  if (import.meta.env.PROD && 'serviceWorker' in navigator) {
    setTimeout(() => {
      navigator.serviceWorker.register('/worker.js').catch(() => {
        // Without it the page works as well, only not without a network.
      });
    }, REGISTER_AFTER_MS);
  }
  window.addEventListener('vite:preloadError', () => reloadOnce());
}

/** After an upgrade of the server the files of this page's version are gone; drafts are stored. */
function reloadOnce(): void {
  try {
    const last = Number(sessionStorage.getItem(RELOADED_AT));
    if (Date.now() - last < RELOAD_EVERY_MS) return;
    sessionStorage.setItem(RELOADED_AT, String(Date.now()));
    location.reload();
  } catch {
    // No storage, no proof against reloading for ever: the error is shown instead.
  }
}
