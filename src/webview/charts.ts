import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Chart, Series } from '../shared/dashboard.ts';
import { el, svg, tableOf } from './dom.ts';
import { alignedSteps } from './steps.ts';
import { timeLabels } from './timeLabels.ts';

const HEIGHT = 190;
const COLOURS: Readonly<Record<Series['arm'], string>> = { candidate: '--vscode-charts-yellow', current: '--vscode-charts-blue', other: '--vscode-charts-green' };
/** Lines differ without their colour, too. */
const DASHES: Readonly<Record<Series['arm'], number[]>> = { candidate: [], current: [6, 4], other: [2, 3] };

/** A colour of the theme, as a canvas takes it. */
function colour(name: string, otherwise: string): string {
  const value = getComputedStyle(document.body).getPropertyValue(name).trim();
  return value === '' ? otherwise : value;
}

function armColour(arm: Series['arm']): string {
  return colour(COLOURS[arm], foreground());
}

function foreground(): string {
  return colour('--vscode-foreground', 'CanvasText');
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function valueWords({ unit }: Chart, value: number): string {
  return unit === 'share' ? `${short(100 * value)} %` : short(value);
}

type Values = (number | null | undefined)[];

interface Drawn {
  readonly data: uPlot.AlignedData;
  readonly series: uPlot.Series[];
  readonly bands: uPlot.Band[];
}

function endOfBars({ x }: Chart): number {
  const last = x.at(-1) ?? 0;
  return last + (last - (x.at(-2) ?? 0));
}

/** Every series with the two ends of its interval, between which a band is filled. */
function drawn(chart: Chart): Drawn {
  // The last bar ends where the next would begin.
  const isBars = chart.kind === 'bars';
  const { x, valuesOf } = alignedSteps(chart);
  const data: [number[], ...Values[]] = [isBars ? [...x, endOfBars(chart)] : x];
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  // A step holds until what is not known begins, and nothing is drawn until something is known again.
  const stepped = uPlot.paths.stepped?.({ align: 1, alignGaps: 1 });
  for (const each of chart.series) {
    const { label, arm, low, high } = each;
    const values = valuesOf(each);
    const stroke = armColour(arm);
    const isStep = isBars || arm === 'other';
    const isSingle = each.values.filter((value) => value !== null).length === 1;
    if (low !== undefined && high !== undefined) {
      data.push([...high], [...low]);
      bands.push({ series: [series.length, series.length + 1], fill: `color-mix(in srgb, ${stroke} 22%, transparent)` });
      const edge: uPlot.Series = { stroke: `color-mix(in srgb, ${stroke} 45%, transparent)`, width: 1, dash: DASHES[arm], points: { show: isSingle, size: 4 } };
      series.push({ ...edge }, { ...edge });
    }
    data.push(isBars ? [...values, values.at(-1)] : [...values]);
    series.push({
      label, stroke, width: 2, dash: DASHES[arm], points: { show: chart.kind === 'steps' || isSingle || (values.length <= 40 && !isBars && each.x === undefined), size: 6, stroke, fill: arm === 'current' ? colour('--vscode-editor-background', 'Canvas') : stroke },
      ...(isStep && stepped !== undefined ? { paths: stepped } : {}),
    });
  }
  return { data, series, bands };
}

function axes(chart: Chart): uPlot.Axis[] {
  const grid = { stroke: `color-mix(in srgb, ${foreground()} 18%, transparent)`, width: 1 };
  const common: uPlot.Axis = { stroke: foreground(), grid, ticks: grid, font: `11px ${colour('--vscode-font-family', 'sans-serif')}` };
  const labels = chart.labels;
  const x: uPlot.Axis = chart.kind === 'steps' ? { ...common, splits: () => [...chart.x], values: (_plot, splits) => splits.map((at) => labels?.[at] ?? '') }
    : chart.kind === 'time' ? { ...common, space: 76, values: (_plot, splits, _axis, _space, step) => timeLabels(splits, step) } : common;
  return [x, { ...common, size: 64, values: (_plot, splits) => splits.map((value) => valueWords(chart, value)) }];
}

function bottomOf({ unit }: Chart, low: number, high: number): [number, number] {
  if (unit === 'number' && low < 0) return [low, high];
  const room = high === low ? Math.max(Math.abs(high) * 0.2, 0.01) : (high - low) * 0.1;
  return unit === 'number' ? [low - room, high + room] : [0, high + room];
}

/** Line under a legend: what each looks like. */
function legend({ series }: Chart): HTMLElement {
  return el('div', { class: 'legend' }, ...series.map(({ label, arm }) => {
    const line = svg('line', { x1: 0, y1: 5, x2: 28, y2: 5, stroke: armColour(arm), 'stroke-width': 2, 'stroke-dasharray': DASHES[arm].join(' ') });
    return el('span', {}, svg('svg', { width: 28, height: 10, 'aria-hidden': 'true' }, line), el('span', {}, label));
  }));
}

/** What a picture says to those who do not see it: the last value of each series; all of them stand in the table beside it. */
function spoken(chart: Chart): string {
  const last = chart.series.map(({ label, values }) => {
    const value = values.findLast((each) => each !== null);
    return `${label} ${typeof value === 'number' ? valueWords(chart, value) : 'no value'}`;
  });
  return `Chart: ${chart.title}. ${chart.kind === 'time' ? `Last: ${last.join(', ')}. ` : ''}The table beside it has the figures.`;
}

/** From the first to the last point of charts over time, so that one below the other they show the same time. */
export function timeSpan(charts: readonly Chart[]): readonly [number, number] | undefined {
  const points = charts.flatMap(({ x, series }) => [x, ...series.map(({ x: own = [] }) => own)]).flatMap((each) => [each[0], each.at(-1)]).filter((each) => each !== undefined);
  const [first, last] = [Math.min(...points), Math.max(...points)];
  return first < last ? [first, last] : undefined;
}

/** A chart with its table beside it. Charts over time share their cursor. */
export class ChartView {
  readonly element: HTMLElement;
  readonly #chart: Chart;
  readonly #span: readonly [number, number] | undefined;
  readonly #place: HTMLElement;
  readonly #observer: ResizeObserver;
  #plot: uPlot | undefined;
  #width = 0;

  /** `span`: what is shown of time, in seconds since 1970; else what the chart has points of. */
  constructor(chart: Chart, span?: readonly [number, number]) {
    this.#chart = chart;
    this.#span = span;
    this.#place = el('div', { class: 'plot', role: 'img', 'aria-label': spoken(chart) });
    this.element = el('section', { class: 'chart', 'data-part': chart.id }, el('h3', {}, chart.kind === 'time' ? `${chart.title} (UTC)` : chart.title), el('div', { class: 'beside' }, el('div', {}, legend(chart), this.#place), tableOf(chart.table)));
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(this.#place);
  }

  destroy(): void {
    this.#observer.disconnect();
    this.#plot?.destroy();
  }

  #fit(): void {
    const width = Math.floor(this.#place.clientWidth);
    if (width === 0 || width === this.#width) return;
    this.#width = width;
    if (this.#plot === undefined) this.#draw(width);
    else this.#plot.setSize({ width, height: HEIGHT });
  }

  #draw(width: number): void {
    const chart = this.#chart;
    if (chart.x.length === 0) {
      this.#place.append(el('p', { class: 'none' }, 'No record yet.'));
      return;
    }
    const { data, series, bands } = drawn(chart);
    this.#plot = new uPlot({
      width, height: HEIGHT, series, bands, axes: axes(chart),
      // As the table has it, and as logs of several places are compared.
      tzDate: (seconds) => uPlot.tzDate(new Date(1000 * seconds), 'Etc/UTC'),
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: false }, ...(chart.kind === 'time' ? { sync: { key: 'time' } } : {}) },
      scales: {
        x: { time: chart.kind === 'time', ...(this.#span !== undefined ? { range: [...this.#span] as [number, number] } : chart.kind === 'steps' ? { range: [-0.3, chart.x.length - 0.7] as [number, number] } : chart.kind === 'bars' ? { range: [chart.x[0] ?? 0, endOfBars(chart)] as [number, number] } : {}) },
        y: { range: (_plot, low, high) => (Number.isFinite(low) && Number.isFinite(high) ? bottomOf(chart, low, high) : [0, 1]) },
      },
    }, data, this.#place);
  }
}
