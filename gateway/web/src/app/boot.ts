// The client of this page, and its first question. Nothing here may draw, so that it is asked before anything does.

import { browserClient } from '../core/browser';
import { chooseLanguage, language } from '../i18n';

chooseLanguage(language.get());
export const client = browserClient(() => language.get());
void client.start();
