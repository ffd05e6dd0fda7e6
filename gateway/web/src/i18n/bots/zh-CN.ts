// Texts of the dialogs of bots in Chinese.

export const zhCN = {
  'bots.name': '名称',
  'bots.name_hint': '1 到 30 个字，显示在它的每条消息上方',
  'bots.signed_hint': '工具须按 Standard Webhooks 签名，多数工具不支持时不要选',
  'bots.renew_title': '更换“{name}”的地址',
  'bots.renew_when': '更换之后',
  'bots.renew_later': '旧地址再用 24 小时',
  'bots.renew_now': '旧地址立即失效',
  'bots.renew_hint': '24 小时内把新地址填进工具，消息就不会中断。地址可能已泄露时，请选立即失效。',
  'bots.remove_title': '移除机器人“{name}”？',
  'bots.remove_text': '它的地址立即失效，发过的消息会保留。',
  'bots.sheet_title': '“{name}”的地址',
  'bots.once': '地址只显示这一次，知道它的人都能在这里发消息',
  'bots.address': '地址',
  'bots.address_copy': '复制地址',
  'bots.secret': '签名密钥',
  'bots.secret_copy': '复制密钥',
  'bots.command': '用一条命令试试',
  'bots.command_copy': '复制命令',
  'bots.command_text': '你好',
  'bots.leave': '关闭后就看不到这个地址了，请先复制。',
  'bots.leave_back': '继续查看',
  'bots.leave_now': '仍然关闭',
} as const;

export type BotsKey = keyof typeof zhCN;
