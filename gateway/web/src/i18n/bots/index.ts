// Texts of adding a bot and of its address. They come with the dialogs: few people see them, and everybody waits for the
// first load.

import { addTexts } from '..';
import { en } from './en';
import { zhCN } from './zh-CN';

addTexts({ 'zh-CN': zhCN, en });
