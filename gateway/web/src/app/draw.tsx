// Draws the page, and what goes on beside the screens as long as it is open.

import { MantineProvider } from '@mantine/core';
import { startTransition, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { navigate } from 'wouter/use-browser-location';

import { heardLanguage } from '../i18n';
import { cssVariables, SKELETON_AFTER_MS, theme } from '../theme/theme';
import { App } from './App';
import { loadShell } from './behind';
import { chatOfAddress, client } from './boot';
import { heardSound, watchUnread } from './chime';
import { ClientContext } from './hooks';
import { heardNotices, watchConversations } from './notices';
import { schemeManager } from './scheme';
import { joinTabs } from './tabs';
import { watchWidth } from './width';

/** The first drawing waits this long for the session and for the script behind the door. */
const FIRST_DRAWING_MS = 500;

/** What is chosen in one tab holds in all of them. */
function followChoices(): void {
  window.addEventListener('storage', ({ key }) => {
    for (const hear of [heardLanguage, heardSound, heardNotices]) hear(key);
  });
}

export function draw(): void {
  watchWidth();
  joinTabs();
  followChoices();
  watchUnread(client);
  watchConversations(client, (path) => navigate(path));
  const root = document.getElementById('root');
  // In small pieces, for the same reason as the parts of `main.tsx`.
  const render = () => {
    if (root) startTransition(() => createRoot(root).render(<Page />));
  };
  if (client.mayHaveSession()) void somethingToShow().then(render);
  else render();
}

/**
 * Until then the page stays as the server sent it, and is drawn once instead of three times. Nothing that is slow is
 * waited for: the page can say so itself.
 */
async function somethingToShow(): Promise<void> {
  const known = client.session.until(({ kind }) => kind !== 'starting');
  await Promise.race([Promise.all([known, loadShell()]).catch(() => {}), after(FIRST_DRAWING_MS)]);
  const id = chatOfAddress();
  if (id === undefined || client.session.get().kind !== 'ready') return;
  const chat = client.conversations.details.until((details) => details.has(id));
  const messages = client.timeline(id).view.until(({ phase }) => phase === 'ready');
  await Promise.race([Promise.all([chat, messages]), after(SKELETON_AFTER_MS)]);
}

function after(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

function Page() {
  return (
    <StrictMode>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={cssVariables}
        defaultColorScheme="auto"
        colorSchemeManager={schemeManager}
      >
        <ClientContext value={client}>
          <App />
        </ClientContext>
      </MantineProvider>
    </StrictMode>
  );
}
