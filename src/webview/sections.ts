import type { DashboardModel, DriftTable, FromDashboard } from '../shared/dashboard.ts';
import { ChartView, timeSpan } from './charts.ts';
import { button, el, list, svg, tableOf } from './dom.ts';

export interface Drawn {
  readonly nodes: readonly Node[];
  readonly charts: readonly ChartView[];
}

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly draw: (model: DashboardModel, post: (message: FromDashboard) => void) => Drawn;
}

const none = (text: string): Node => el('p', { class: 'none' }, text);

function absentNodes(why: string | undefined): Node[] {
  return why === undefined ? [] : [none(why)];
}

function overview({ comparison, rollout, metrics, arms, summary }: DashboardModel): Drawn {
  const span = timeSpan([rollout, ...metrics]);
  const charts = [rollout, ...metrics].map((chart) => new ChartView(chart, span));
  const [first, ...others] = charts;
  return { charts, nodes: [tableOf(comparison), list(summary, 'summary'), ...(first === undefined ? [] : [first.element]), ...others.map(({ element }) => element), tableOf(arms)] };
}

/** Two bars a bin, the reference's hollow: what production has more of, and less. */
function histogram(row: DriftTable['rows'][number], reference: string, production: string): Node {
  const [width, height] = [8, 34];
  const most = Math.max(1e-9, ...row.bins.flatMap((bin) => [bin.reference, bin.production]));
  const bars = row.bins.flatMap((bin, at) => {
    const [a, b] = [height * bin.reference / most, height * bin.production / most];
    return [
      svg('rect', { class: 'bar reference', x: at * (width + 4) + 0.5, y: height - a + 0.5, width: width / 2, height: Math.max(0.5, a) }),
      svg('rect', { class: 'bar production', x: at * (width + 4) + width / 2 + 1, y: height - b + 0.5, width: width / 2, height: Math.max(0.5, b) }),
    ];
  });
  const words = row.bins.map(({ label, reference: a, production: b }) => `${label}: ${(100 * a).toFixed(1)} % and ${(100 * b).toFixed(1)} %`).join('; ');
  const size = row.bins.length * (width + 4) + 2;
  return svg('svg', { class: 'histogram', width: size, height: height + 2, viewBox: `0 0 ${size} ${height + 2}`, role: 'img', 'aria-label': `Shares of ${reference} and ${production}: ${words}` }, ...bars);
}

function driftKey(): Node {
  const box = (kind: string): Node => svg('svg', { width: 12, height: 12, 'aria-hidden': 'true' }, svg('rect', { class: `bar ${kind}`, x: 1, y: 1, width: 10, height: 10 }));
  return el('div', { class: 'legend' }, el('span', {}, box('reference'), 'reference'), el('span', {}, box('production'), 'production'));
}

/** Features as logged against those that a command recomputes, when it is asked to. */
function skewNodes({ skew }: DashboardModel, post: (message: FromDashboard) => void): Node[] {
  if (skew === undefined) return [];
  return [el('h3', {}, 'Feature skew'), button('check-skew', 'Recompute Features', () => post({ kind: 'skew' })), ...(skew.table === undefined ? [] : [tableOf(skew.table)]), list(skew.lines, 'summary')];
}

function drift(model: DashboardModel, post: (message: FromDashboard) => void): Drawn {
  const { drift: findings, driftDefinitions, absent } = model;
  if (findings.length === 0) return { charts: [], nodes: [...skewNodes(model, post), ...absentNodes(absent.drift)] };
  const nodes = findings.flatMap((finding) => {
    const { production, reference } = finding;
    const bins = finding.rows.map((row) => {
      const shares = row.bins.map(({ label, reference: a, production: b }) => [label, `${(100 * a).toFixed(1)} %`, `${(100 * b).toFixed(1)} %`]);
      const name = row.cells[0] ?? '';
      return el('details', {}, el('summary', {}, `${name}, bin by bin`), tableOf({ title: `${name}: shares by bin`, columns: ['bin', reference, production], rows: shares }));
    });
    const table = tableOf({ title: finding.title, columns: finding.columns, rows: finding.rows.map(({ cells }) => cells) }, { column: 'shares by bin', cell: (row) => { const found = finding.rows[row]; return found === undefined ? document.createTextNode('') : histogram(found, reference, production); } });
    return [driftKey(), table, list(finding.notes, 'summary'), ...bins];
  });
  return { charts: [], nodes: [...nodes, el('details', { id: 'drift-definitions' }, el('summary', {}, 'What the numbers are'), list(driftDefinitions, 'summary')), ...skewNodes(model, post)] };
}

function distributions({ scores, latency, undrawn }: DashboardModel): Drawn {
  const charts = [scores, latency].flatMap((chart) => (chart === undefined ? [] : [new ChartView(chart)]));
  return { charts, nodes: [...charts.map(({ element }) => element), ...undrawn.map(none)] };
}

function slices({ slices: table, absent }: DashboardModel): Drawn {
  return { charts: [], nodes: table === undefined ? absentNodes(absent.slices) : [tableOf(table)] };
}

function shadow({ shadow: found, shadowState, absent }: DashboardModel, post: (message: FromDashboard) => void): Drawn {
  const control = (wish: 'on' | 'off' | 'sampling', label: string): Node => button(`shadow-${wish}`, label, () => post({ kind: 'shadow', wish }));
  const controls = [el('p', { class: 'about' }, shadowState), el('div', { class: 'actions' }, control('on', 'Shadow On...'), control('sampling', 'Set Sampling...'), control('off', 'Shadow Off...'))];
  if (found === undefined) return { charts: [], nodes: [...controls, ...absentNodes(absent.shadow)] };
  const charts = found.scores === undefined ? [] : [new ChartView(found.scores)];
  return { charts, nodes: [...controls, ...found.tables.slice(0, 1).map((table) => tableOf(table)), list(found.lines, 'summary'), ...charts.map(({ element }) => element), ...found.tables.slice(1).map((table) => tableOf(table))] };
}

/** The event log as a table; what the guard did stands in a column of its own, in words. */
function timeline({ timeline: found }: DashboardModel): Drawn {
  if (found === undefined) return { charts: [], nodes: [none('The history needs Unleash: connect, or see the log for why its events could not be read.')] };
  return { charts: [], nodes: [el('div', { class: 'timeline' }, tableOf(found.table)), list(found.lines, 'summary')] };
}

function source({ notes }: DashboardModel): Drawn {
  return { charts: [], nodes: [notes.length === 0 ? none('Nothing about the source to tell: every record was read.') : list(notes, 'summary')] };
}

/** The tabs, in order. */
export const SECTIONS: readonly Section[] = [
  { id: 'overview', title: 'Overview', draw: overview },
  { id: 'drift', title: 'Drift', draw: drift },
  { id: 'distributions', title: 'Confidence and latency', draw: distributions },
  { id: 'slices', title: 'Slices', draw: slices },
  { id: 'shadow', title: 'Shadow', draw: shadow },
  { id: 'timeline', title: 'History', draw: timeline },
  { id: 'source', title: 'Source', draw: source },
];
