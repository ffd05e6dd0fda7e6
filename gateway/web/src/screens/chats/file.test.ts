// What is said and measured of files.

import { expect, test } from 'vitest';

import { failedLine, fileLine, unsentLine } from '../../app/names';
import { readError } from '../../core/errors';
import type { OutboxItem } from '../../core/outbox';
import type { Upload } from '../../core/uploads';
import { translate } from '../../i18n';
import type { TextKey } from '../../i18n';
import { namePasted, pictureBox, sizeText, splitName, whyNotSent } from './file';

const t = (key: TextKey, places?: Record<string, string | number>) => translate('zh-CN', key, places);

test.each([
  [0, '0 B'],
  [812, '812 B'],
  [1_024, '1 KB'],
  [12_595, '12.3 KB'],
  [1_023 * 1_024, '1 MB'],
  [1_288_490, '1.2 MB'],
  [104_857_600, '100 MB'],
])('%i bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});

test.each([
  [{ width: 4_000, height: 3_000 }, { width: 320, height: 240 }],
  [{ width: 1_080, height: 2_400 }, { width: 144, height: 320 }],
  [{ width: 100, height: 60 }, { width: 100, height: 60 }],
  [{ width: 16, height: 16 }, { width: 48, height: 48 }],
  [{ width: 20_000, height: 40 }, { width: 320, height: 48 }],
  [{}, { width: 240, height: 180 }],
  [{ width: 0, height: 0 }, { width: 240, height: 180 }],
])('the box of %o', (size, box) => {
  expect(pictureBox(size)).toEqual(box);
});

test('a long name is cut in its middle, and nothing of it is lost', () => {
  expect(splitName('报价.pdf')).toEqual(['报价.pdf', '']);
  const name = '二〇二六年第四季度华东区销售合同（最终版）😀.docx';
  const [head, tail] = splitName(name);
  expect(head + tail).toBe(name);
  expect([...tail].length).toBe(10);
  expect(tail.endsWith('😀.docx')).toBe(true);
});

test('a pasted picture is named by its time, other files keep their names', () => {
  const files = [new File(['x'], 'image.png', { type: 'image/png' }), new File(['x'], '报价.pdf')];
  const named = namePasted(t, files, new Date(2026, 10, 30, 9, 5, 7));
  expect(named.map((file) => file.name)).toEqual(['截图 2026-11-30 09.05.07.png', '报价.pdf']);
  expect(named[0]?.type).toBe('image/png');
});

test('a file in one line', () => {
  expect(fileLine(t, 'image', 'a.png')).toBe('[图片]');
  expect(fileLine(t, 'file', '报价.pdf')).toBe('[文件] 报价.pdf');
  expect(unsentLine(t, { text: '你好' })).toBe('你好');
});

test('what was not sent is said where conversations are listed: a message first, then a file', () => {
  const item = (state: OutboxItem['state']) => ({ text: '你好', state }) as OutboxItem;
  const upload = (name: string, state: Upload['state']) => ({ file: new File(['1'], name), state }) as Upload;
  expect(failedLine(t)).toBeUndefined();
  expect(failedLine(t, [item('waiting')], [upload('甲.pdf', 'uploading')])).toBeUndefined();
  expect(failedLine(t, [item('waiting')], [upload('甲.pdf', 'uploading'), upload('乙.exe', 'failed')])).toBe('[文件] 乙.exe');
  expect(failedLine(t, [item('failed')], [upload('乙.exe', 'failed')])).toBe('你好');
});

test('why a file was not sent: our words, else those of the server', () => {
  const error = (code: string) => readError({ class: 'invalid', code, message: { zh: '服务器的话', en: 'its words' } });
  expect(whyNotSent(t, 'zh-CN', error('file_too_large'))).toBe('文件超过 100 MB，不能发送');
  expect(whyNotSent(t, 'zh-CN', error('something_new'))).toBe('服务器的话');
  // It knows how much one has and may have.
  for (const code of ['quota_reached', 'too_many_uploads']) {
    const full = readError({ class: 'conflict', code, message: { zh: '服务器的话', en: 'its words' } });
    expect(whyNotSent(t, 'zh-CN', full)).toBe('服务器的话');
    expect(whyNotSent(t, 'en', full)).toBe('its words');
  }
});
