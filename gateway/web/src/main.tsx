import './theme/mantine.css';
import './theme/tokens.css';
import './theme/global.css';

// First of all scripts: while what draws is made ready, the server is asked already.
import { client } from './app/boot';

import { MantineProvider } from '@mantine/core';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { navigate } from 'wouter/use-browser-location';

import { App, loadShell } from './app/App';
import { watchUnread } from './app/chime';
import { ClientContext } from './app/hooks';
import { schemeManager } from './app/scheme';
import { watchConversations } from './app/notices';
import { joinTabs } from './app/tabs';
import { registerWorker } from './app/worker';
import { watchWidth } from './app/width';
import { cssVariables, theme } from './theme/theme';

watchWidth();
joinTabs();
watchUnread(client);
watchConversations(client, (path) => navigate(path));
// Beside the question whether the session still holds, not after it.
if (client.mayHaveSession()) loadShell().catch(() => {});

registerWorker();

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
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
    </StrictMode>,
  );
}
