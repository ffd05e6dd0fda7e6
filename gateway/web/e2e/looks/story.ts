// A sales company on a Thursday morning: who works there, who said what and when. Only data.

/** 2026-03-12 10:26 in Shanghai. */
export const NOW = Date.parse('2026-03-12T10:26:40+08:00');
export const COMPANY = '恒信机电（上海）有限公司';
export const ME = { name: '张伟', login: 'zhangwei' };

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** `at(0, '09:12')` is today, `at(1, …)` yesterday. */
export const at = (daysAgo: number, clock: string) =>
  Date.parse(`2026-03-12T${clock}:00+08:00`) - daysAgo * DAY;

/** Name, login, job; those who write sign in. */
export const PEOPLE: readonly [string, string, string, 'writes'?][] = [
  ['王芳', 'wangfang', '大客户经理', 'writes'],
  ['李娜', 'lina', '法务主管', 'writes'],
  ['陈晨', 'chenchen', '华东区销售', 'writes'],
  ['刘洋', 'liuyang', '财务专员', 'writes'],
  ['赵敏', 'zhaomin', '客户成功经理', 'writes'],
  ['欧阳静', 'ouyangjing', '人事行政经理', 'writes'],
  ['孙磊', 'sunlei', '售前工程师', 'writes'],
  ['周婷', 'zhouting', '市场经理'],
  ['吴强', 'wuqiang', '仓储物流主管'],
  ['郑凯文', 'zhengkaiwen', '华南区销售总监'],
  ['钱小雨', 'qianxiaoyu', '销售助理'],
  ['冯建国', 'fengjianguo', '服务工程师'],
  ['阿卜杜热西提·买买提明', 'abdurishit.memetimin', '西北区渠道与大客户合作高级销售经理'],
  ['Alexander von Hohenstein', 'alexander.von.hohenstein', 'Key Account Manager, Europe and Middle East'],
  ['何雨桐', 'heyutong', '渠道经理'],
  ['林志远', 'linzhiyuan', '产品经理'],
  ['宋佳', 'songjia', '招投标专员'],
  ['唐诗', 'tangshi', '设计师'],
  ['徐曼', 'xuman', '华北区销售'],
  ['曾庆华', 'zengqinghua', '采购主管'],
];

const FAMILY = '白蔡程邓董杜方高韩贾江康黎毛倪潘秦任石田万夏姚叶';
const FAMILY_LATIN =
  'bai cai cheng deng dong du fang gao han jia jiang kang li mao ni pan qin ren shi tian wan xia yao ye'.split(' ');
const GIVEN = ['子涵', '建军', '思远', '丽华', '文博'];
const GIVEN_LATIN = ['zihan', 'jianjun', 'siyuan', 'lihua', 'wenbo'];

/** The rest of a company of a hundred and forty, as pasted from a table. */
export const PASTED = [...FAMILY]
  .flatMap((family, f) =>
    GIVEN.map((given, g) => `${family}${given}\t${FAMILY_LATIN[f] ?? ''}${GIVEN_LATIN[g] ?? ''}`),
  )
  .join('\n');

export interface Line {
  /** A login; who has the story's first person speak writes `zhangwei`. */
  from: string;
  said: string | Sent;
  at: number;
}

/** A file that somebody sends. */
export interface Sent {
  name: string;
  /** What a picture shows; else so many bytes. */
  what: Painting | number;
}

/** Rectangles on a ground. */
export interface Painting {
  width: number;
  height: number;
  ground: number;
  boxes: readonly (readonly [x: number, y: number, width: number, height: number, colour: number])[];
}

export interface Talk {
  /** The name in the stage; a direct chat when it is a login. */
  key: string;
  /** The title of a discussion; empty: none was given. */
  title?: string;
  members?: string[];
  lines: Line[];
  /** Up to which line, counted from one, the first person has read. */
  read: number;
}

const line = (from: string, daysAgo: number, clock: string, said: string | Sent): Line => ({
  from,
  said,
  at: at(daysAgo, clock),
});

/** The longest texts that people really send. */
export const LONG_TEXT =
  '关于恒通二期的报价，我把几点说明写在这里，方便大家核对：\n' +
  '1. 设备价按去年框架协议执行，安装调试费单列，含两次上门培训；\n' +
  '2. 付款分三期：签约 30%，到货 60%，验收后 10%，质保金不另扣；\n' +
  '3. 交货期以收到首付款之日起 45 个自然日计，节假日顺延；\n' +
  '4. 备件清单见附件第三页，和技术协议不一致的地方以技术协议为准。\n' +
  '对方法务希望把违约金上限写成合同总额的 5%，李娜觉得可以接受，但需要总经理书面确认。';
export const LONG_LINK =
  'https://docs.example.com/quotation/2026/hengtong-phase-two?version=7&from=chat&token=4f9c1b7a8d2e4c6f9a0b1c2d3e4f5a6b7c8d9e0f';

export const WANGFANG: Talk = {
  key: 'wangfang',
  lines: [
    line('wangfang', 1, '17:42', '恒通的李总刚来电话，明天上午想再谈一次付款方式。'),
    line('zhangwei', 1, '17:45', '可以，我十点以后有空。'),
    line('zhangwei', 1, '17:46', '你先把我们能让的底线理一理，晚上发我。'),
    line('wangfang', 1, '21:08', '发您邮箱了，三套方案，我倾向第二套。'),
    line('zhangwei', 0, '09:12', '看了，第二套可以。首付能到 40% 就签。'),
    line('wangfang', 0, '09:15', '好的 👍'),
    line('wangfang', 0, '10:02', '谈好了，价格按我们上周定的。\n对方希望分两次付款，首付 40%，验收后付清。'),
    line('wangfang', 0, '10:03', '合同草稿在这里：https://docs.example.com/contracts/hengtong'),
    line('zhangwei', 0, '10:09', '漂亮。法务今天能看完吗？'),
    line('wangfang', 0, '10:11', '已经发给李娜了，下班前给结果。'),
    line('zhangwei', 0, '10:24', '辛苦了，签下来请大家吃饭。'),
  ],
  read: 10,
};

export const EAST: Talk = {
  key: 'east',
  title: '华东区新客户',
  members: [
    'wangfang', 'lina', 'chenchen', 'liuyang', 'zhaomin', 'ouyangjing', 'sunlei', 'abdurishit.memetimin',
    'alexander.von.hohenstein',
  ],
  lines: [
    line('zhangwei', 2, '16:30', '这个月的目标是八家，大家把在谈的客户都同步到这里。'),
    line('chenchen', 2, '16:34', '苏州精工、无锡华光在谈，精工周五复访。'),
    line('sunlei', 2, '16:40', '精工的技术方案我今晚出，明早发群里。'),
    line('zhaomin', 0, '09:31', '华光那边说下周一可以安排试用。'),
    line('chenchen', 0, '09:33', '太好了！试用名单我来收集。'),
    line('zhangwei', 0, '09:40', '试用期控制在两周，别拖。'),
    line('liuyang', 0, '10:05', '提醒：试用设备出库要先走押金单。'),
    line('sunlei', 0, '10:18', LONG_TEXT),
    line('chenchen', 0, '10:20', LONG_LINK),
    line('chenchen', 0, '10:21', '报价单最新版在上面这个链接，大家以这版为准。'),
  ],
  read: 7,
};

/** A parcel with its label on a table. */
const PARCEL: Sent = {
  name: '快递面单.png',
  what: {
    width: 960,
    height: 600,
    ground: 0x6f_7a_86,
    boxes: [
      [110, 60, 740, 480, 0xb9_8d_5e],
      [110, 270, 740, 48, 0xd8_b8_88],
      [300, 130, 420, 330, 0xf7_f7_f2],
      [330, 160, 180, 22, 0x2b_2f_36],
      [330, 200, 280, 12, 0x9a_a0_a8],
      [330, 224, 250, 12, 0x9a_a0_a8],
      ...Array.from({ length: 20 }, (_, n) => [330 + n * 18, 270, 4 + ((n * 7) % 5) * 2, 110, 0x1b_1e_24] as const),
      [330, 400, 220, 12, 0x9a_a0_a8],
      [630, 150, 64, 64, 0xc4_3d_33],
    ],
  },
};

/** What was sold, month by month. */
const SALES: Sent = {
  name: '一季度回款.png',
  what: {
    width: 480,
    height: 240,
    ground: 0xff_ff_ff,
    boxes: [
      ...[50, 95, 140].map((y) => [40, y, 400, 1, 0xdd_e3_e9] as const),
      ...[78, 104, 131, 92, 146, 118].map((high, n) => [56 + n * 66, 190 - high, 36, high, n === 4 ? 0xe0_8a_2e : 0x2f_8f_8a] as const),
      [40, 190, 400, 2, 0x8a_96_a3],
    ],
  },
};

export const LIUYANG: Talk = {
  key: 'liuyang',
  lines: [
    line('liuyang', 0, '08:58', '发票已经寄出，单号晚点发您'),
    line('zhangwei', 0, '09:02', '收到，谢谢'),
    line('liuyang', 0, '09:04', PARCEL),
    line('liuyang', 0, '09:05', { name: '二〇二六年二月华东区回款与开票明细表（财务复核版）第二稿.xlsx', what: 48_213 }),
    line('zhangwei', 0, '09:08', SALES),
    line('zhangwei', 0, '09:08', { name: '盖章合同.pdf', what: 1_288_490 }),
  ],
  read: 6,
};

export const TALKS: readonly Talk[] = [
  WANGFANG,
  EAST,
  { key: 'chenchen', lines: [line('chenchen', 0, '10:13', '周五的拜访路线我排好了，您看一下')], read: 0 },
  LIUYANG,
  {
    key: 'hengtong',
    title: '恒通二期项目组（技术、商务、法务与售后联合推进）',
    members: ['wangfang', 'lina', 'sunlei'],
    lines: [line('lina', 1, '18:20', '违约金条款我改好了，大家看第七条')],
    read: 1,
  },
  { key: 'zhaomin', lines: [line('zhaomin', 1, '15:06', '收到，谢谢！')], read: 1 },
  {
    key: 'unnamed',
    title: '',
    members: ['ouyangjing', 'zhouting', 'qianxiaoyu'],
    lines: [line('ouyangjing', 2, '11:47', '年会场地定在浦东，三月二十号前报人数')],
    read: 1,
  },
  { key: 'ouyangjing', lines: [line('ouyangjing', 3, '14:30', '新同事明天九点到，我去接')], read: 1 },
  {
    key: 'closed',
    title: '春节值班',
    members: ['wuqiang', 'fengjianguo', 'ouyangjing'],
    lines: [
      line('ouyangjing', 30, '09:00', '值班表已经发出，有调班的今天说'),
      line('zhangwei', 30, '09:20', '辛苦大家，新年快乐！'),
    ],
    read: 2,
  },
  { key: 'sunlei', lines: [line('zhangwei', 8, '16:12', '演示环境的账号给我一个')], read: 1 },
];

/** Follows up every order: very many conversations, a long history. */
export const BUSY = 'linzhiyuan';
export const TRADE = {
  title: '全国渠道周报',
  members: 60,
  lines: 130,
  text: (n: number) => ORDERS[n % ORDERS.length] ?? '',
};
const ORDERS = [
  '本周新签两家，合同已归档',
  '样机周三到，请安排收货和验机，有问题当天反馈',
  '回款已到账',
  '客户要求把交期提前一周，我先和工厂确认排产，下午给大家答复',
  '报价已发，等对方回复',
];
export const tradeTitle = (n: number) => `订单 ${2026_0300 + n} 跟进`;

/** Written by the first person and never sent. */
export const DRAFT = '明天的评审会改到下午两点，地点还是三楼会议室，请把材料提前发给我';

/** Refused by the server. */
export const UNSENT = '附件里的参数表少一页，麻烦补一下再发给客户';
