// The client of this page, and its first question. Nothing here may draw, so that it is asked before anything does.

import { browserClient } from '../core/browser';
import { chooseLanguage, language } from '../i18n';
import { paths } from './paths';

chooseLanguage(language.get());
export const client = browserClient(() => language.get());
void client.start(location.pathname === paths.setup);
