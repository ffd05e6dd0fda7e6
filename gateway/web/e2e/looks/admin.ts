// What an administrator looks at. Figures and times are a story's, as the server's own are others each time.
import type { Page } from '@playwright/test';

import { BROKEN, seen, type State, type WidthName } from './state';
import type { Stage } from './stage';

/** Messages of each hour of two days, up to half past ten. */
const NIGHT = [0, 0, 0, 0, 0, 1, 4, 22];
const DAY = [96, 184, 210, 148, 60, 132, 205, 190, 162, 88, 41, 26, 18, 9, 2, 0];
const YESTERDAY = [...DAY, ...NIGHT];
const HOURS = [...YESTERDAY.slice(3), ...YESTERDAY, ...YESTERDAY.slice(0, 3)].slice(0, 48);

/** Runs in the page, behind the lens. */
function tell({ hours, nodes }: { hours: number[]; nodes: object[] }): void {
  const { parse } = JSON;
  const HOUR = 3_600_000;
  const told = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(told);
    if (typeof value !== 'object' || value === null) return value;
    const record = value as Record<string, unknown>;
    if (Array.isArray(record['hours'])) {
      const now = record['looked_at'] as number;
      const first = Math.floor(now / HOUR) * HOUR - (hours.length - 1) * HOUR;
      return {
        ...record,
        version: '1.0.0',
        started_at: now - 293 * HOUR,
        people: 139,
        online: 87,
        sockets: 141,
        hours: hours.map((messages, at) => ({ began_at: first + at * HOUR, messages })),
        disk: { store_bytes: 3.4 * 1024 ** 3, free_bytes: 182 * 1024 ** 3, least_bytes: 256 * 1024 ** 2 },
        journals: [{ name: 'main', position: 1_284_907, ...(nodes.length > 0 ? { owner: 'sh-1' } : {}) }],
        work: nodes.length > 0 ? { jobs: 1, jobs_given_up: 1, parked: 0, dead: 2 } : { jobs: 0, jobs_given_up: 0, parked: 0, dead: 0 },
        nodes,
      };
    }
    if (Array.isArray(record['items']) && record['items'].some((one) => typeof one === 'object' && one && 'entry_id' in one)) {
      const items = (record['items'] as Record<string, unknown>[]).map((entry, at) => ({
        ...entry,
        noted_at: (entry['noted_at'] as number) - at * at * 97_000,
        address: `192.168.3.${20 + (at % 7)}`,
      }));
      return { ...record, items };
    }
    return record;
  };
  JSON.parse = (text: string) => {
    const value: unknown = parse(text);
    return Array.isArray(value) && value.length === 3 ? [value[0], value[1], told(value[2])] : value;
  };
}

const NODES = [
  { name: 'sh-1', owner: true, here: false },
  { name: 'sh-2', owner: false, here: true },
  { name: 'sh-3', owner: false, here: false },
];

/** The page that hears the story; with servers, if it is told of a cluster. */
async function open(stage: Stage, path: string, nodes: object[] = []): Promise<Page> {
  const { page } = stage.me;
  // Told again and again, it is told after what the lens has changed.
  await page.addInitScript(tell, { hours: HOURS, nodes });
  return stage.open(path);
}

export const ADMIN_STATES: readonly State[] = [
  {
    name: 'admin',
    show: async (stage) => seen((await open(stage, '/admin')).getByRole('link', { name: '审计日志' })),
  },
  {
    name: 'admin-overview',
    main: true,
    show: async (stage) => seen((await open(stage, '/admin/overview')).getByText('每小时消息数').first()),
  },
  {
    name: 'admin-overview-table',
    show: async (stage) => {
      const page = await open(stage, '/admin/overview');
      await page.getByText('以表格查看').click();
      await page.getByRole('row').nth(8).scrollIntoViewIfNeeded();
      return seen(page.getByRole('table'));
    },
  },
  {
    name: 'admin-overview-loading',
    show: async (stage) => {
      stage.me.wire.hold('admin.overview.get');
      return seen((await open(stage, '/admin/overview')).getByRole('status', { name: '正在加载' }));
    },
  },
  {
    name: 'admin-overview-error',
    show: async (stage) => {
      stage.me.wire.fail('admin.overview.get', BROKEN);
      return seen((await open(stage, '/admin/overview')).getByRole('button', { name: '重试' }));
    },
  },
  {
    name: 'admin-audit',
    main: true,
    show: async (stage) => seen((await open(stage, '/admin/audit')).getByTestId('audit')),
  },
  {
    name: 'admin-audit-none',
    show: async (stage) => seen((await open(stage, '/admin/audit?to=2020-01-01')).getByText('没有符合条件的记录')),
  },
  {
    name: 'admin-audit-loading',
    show: async (stage) => {
      stage.me.wire.hold('admin.audit.list');
      return seen((await open(stage, '/admin/audit')).getByRole('status', { name: '正在加载' }));
    },
  },
  {
    name: 'admin-audit-error',
    show: async (stage) => {
      stage.me.wire.fail('admin.audit.list', BROKEN);
      return seen((await open(stage, '/admin/audit')).getByRole('button', { name: '重试' }));
    },
  },
  {
    name: 'admin-people',
    show: async (stage) => seen((await open(stage, '/admin/people')).getByRole('link', { name: /王芳/ })),
  },
  {
    name: 'admin-person',
    main: true,
    show: async (stage) => {
      const page = await open(stage, `/admin/people/${stage.person('wangfang')}`);
      return seen(page.getByRole('button', { name: '退出该设备' }));
    },
  },
  {
    name: 'admin-person-none',
    show: async (stage) => {
      const page = await open(stage, `/admin/people/${stage.person('zhouting')}`);
      return seen(page.getByText('没有登录的设备'));
    },
  },
  {
    name: 'admin-retention',
    show: async (stage) => seen((await open(stage, '/admin/retention')).getByLabel('审计日志')),
  },
  {
    name: 'admin-no-right',
    show: async (stage) => {
      const page = await stage.open('/admin/overview', await stage.seat('chenchen'));
      return seen(page.getByText('只有管理员可以查看'));
    },
  },
  {
    // The last of these: the story has servers from here on.
    name: 'admin-overview-cluster',
    show: async (stage) => {
      const page = await open(stage, '/admin/overview', NODES);
      await page.getByText('当前连接的服务器').scrollIntoViewIfNeeded();
      return seen(page.getByText('当前连接的服务器'));
    },
  },
];

/** What one sees on each picture, looked at by a person. */
export const ADMIN_CRITIQUES: Record<string, Partial<Record<WidthName, string>>> = {
  admin: {
    phone: 'Six rows a finger high and the way back. Nothing says yet that something waits behind one of them.',
    desk: 'The list at the left, the overview beside it at once.',
  },
  'admin-overview': {
    phone: 'Two tiles in a row, then the chart; one sees whether all is well without scrolling.',
    desk: 'Figures first, the shape of the day below. The last row of tiles is not full.',
  },
  'admin-overview-table': {
    phone: 'The same figures to be read, newest first; long for a thumb.',
    desk: 'Two columns far apart; the lines between them lead the eye.',
  },
  'admin-overview-loading': {
    phone: 'Grey lines where the tiles will stand, no jump of the head.',
    desk: 'The same; the list at the left is there already.',
  },
  'admin-overview-error': {
    phone: 'What, why, and one way on, with the number for the log.',
    desk: 'The same in the middle of the pane.',
  },
  'admin-overview-cluster': {
    phone: 'What needs a look is amber with a sign and words that lead to it; servers say who writes.',
    desk: 'The warning makes its row higher than the next one. Servers could say since when they live.',
  },
  'admin-audit': {
    phone: 'A card an entry: what, when, who, whom. Filters take the first third; a drawer would give it back.',
    desk: 'A calm table; names are the way to one person. The export stands in a row of its own.',
  },
  'admin-audit-none': {
    phone: 'Says what to change; the filters stay where they are.',
    desk: 'The same; the table’s head is not shown over nothing.',
  },
  'admin-audit-loading': {
    phone: 'Filters can be used while the entries come.',
    desk: 'The same.',
  },
  'admin-audit-error': {
    phone: 'One way on; the filters are kept.',
    desk: 'The same.',
  },
  'admin-people': {
    phone: 'Everybody, or the administrators alone; a search below. No letters at the side.',
    desk: 'One column in the middle; who is online shows at the picture.',
  },
  'admin-person': {
    phone: 'Five acts in two rows, then the devices, each with its own way out. A sixth would want a menu.',
    desk: 'The same with room; a lost device is found by its name and time.',
  },
  'admin-person-none': {
    phone: 'One sentence where devices would stand.',
    desk: 'The same.',
  },
  'admin-retention': {
    phone: 'One choice and what it does; what is kept for ever is said too, and where files are decided.',
    desk: 'The same in the middle of a large pane.',
  },
  'admin-no-right': {
    phone: 'Says who may and who can give it.',
    desk: 'The list of pages is shown to one who may see none of them.',
  },
};
