// The client opens without a network: its own files come from a cache that belongs to one version. What is
// said and read never passes through here.

const CACHE = 'chaoke-__VERSION__';
const FILES = ['__FILES__'].flat();
/** A server that does not answer a page in this time is as good as none. */
const PAGE_DEADLINE_MS = 3_000;

self.addEventListener('install', (event) => {
  event.waitUntil(
    (async () => {
      const cache = await caches.open(CACHE);
      await cache.addAll(FILES.map((path) => new Request(path, { cache: 'reload' })));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
      await self.clients.claim();
    })(),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  // A file that is saved looks like a page, and takes longer than one.
  if (url.pathname.startsWith('/files/')) return;
  if (request.mode === 'navigate') event.respondWith(page(request));
  else if (FILES.includes(url.pathname)) event.respondWith(file(request, url.pathname));
});

/** The newest page when the server is there, else the one that was kept. */
async function page(request) {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PAGE_DEADLINE_MS) });
    if (answer.ok) return answer;
  } catch {
    // Falls through to what was kept.
  }
  return (await caches.match('/', { cacheName: CACHE })) ?? Response.error();
}

async function file(request, path) {
  return (await caches.match(path, { cacheName: CACHE })) ?? fetch(request);
}
