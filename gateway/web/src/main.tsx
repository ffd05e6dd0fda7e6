import './theme/mantine.css';
import './theme/tokens.css';
import './theme/global.css';

// First of all scripts: while what draws is made ready, the server is asked already.
import { client } from './app/boot';

import { registerWorker } from './app/worker';

registerWorker(client);

// What draws is large. Each part of it is made ready in a task of its own, so that a tap in between is not kept waiting.
void import('react-dom/client').then(() => import('./app/draw')).then(({ draw }) => draw());
