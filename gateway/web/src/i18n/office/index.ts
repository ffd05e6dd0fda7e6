// Texts of the back office. They come with its screens: few people see them, and everybody waits for the first load.

import { addTexts } from '..';
import { en } from './en';
import { zhCN } from './zh-CN';

addTexts({ 'zh-CN': zhCN, en });
