// Draws the page, and what goes on beside the screens as long as it is open.

import { MantineProvider } from '@mantine/core';
import { startTransition, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { navigate } from 'wouter/use-browser-location';

import { cssVariables, theme } from '../theme/theme';
import { App } from './App';
import { loadShell } from './behind';
import { client } from './boot';
import { watchUnread } from './chime';
import { ClientContext } from './hooks';
import { watchConversations } from './notices';
import { schemeManager } from './scheme';
import { joinTabs } from './tabs';
import { watchWidth } from './width';

export function draw(): void {
  watchWidth();
  joinTabs();
  watchUnread(client);
  watchConversations(client, (path) => navigate(path));
  // Beside the question whether the session still holds, not after it.
  if (client.mayHaveSession()) loadShell().catch(() => {});
  const root = document.getElementById('root');
  // In small pieces, for the same reason as the parts of `main.tsx`.
  if (root) startTransition(() => createRoot(root).render(<Page />));
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
