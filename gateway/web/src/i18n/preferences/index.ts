// Texts of looks and language. They come with their page, and the first load goes without them.

import { addTexts } from '..';
import { en } from './en';
import { zhCN } from './zh-CN';

addTexts({ 'zh-CN': zhCN, en });
