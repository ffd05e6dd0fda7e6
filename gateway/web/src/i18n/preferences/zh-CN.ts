// Texts of looks and language in Chinese.

export const zhCN = {
  'preferences.scheme': '外观',
  'preferences.scheme_auto': '跟随系统',
  'preferences.scheme_light': '浅色',
  'preferences.scheme_dark': '深色',
  'preferences.sound': '提示音',
  'preferences.sound_hint': '窗口不在前面时，新消息会轻响一声。',
  'preferences.language': '语言',
  'preferences.notices': '桌面通知',
  'preferences.notices_off': '不通知',
  'preferences.notices_name': '只显示来自谁',
  'preferences.notices_text': '显示内容',
  'preferences.notices_hint': '窗口不在前面时，每个会话的新消息弹出一条通知。',
  'preferences.notices_missing': '浏览器在此地址不支持桌面通知（需要 HTTPS 或本机地址）。',
  'preferences.notices_refused': '浏览器未允许通知，请在地址栏的网站设置中允许后再试',
} as const;

export type PreferencesKey = keyof typeof zhCN;
