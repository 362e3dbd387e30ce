import * as z from 'zod';
import { dashboardState, toDashboard, type DashboardModel, type DashboardState, type FromDashboard } from '../shared/dashboard.ts';
import type { ChartView } from './charts.ts';
import './dashboard.css';
import { button, el, list } from './dom.ts';
import { keepRows, matchChildren } from './morph.ts';
import { alarmsOf, News } from './news.ts';
import { SECTIONS } from './sections.ts';

// Checks that are compiled at run time are what the page's content security policy forbids.
z.config({ jitless: true });

declare function acquireVsCodeApi(): { postMessage(message: FromDashboard): void; getState(): unknown; setState(state: DashboardState): void };

const api = acquireVsCodeApi();
const root = document.getElementById('dashboard') ?? document.body;

function keptState(): DashboardState {
  const kept = dashboardState.safeParse(api.getState());
  if (kept.success) return kept.data;
  const given = dashboardState.safeParse(JSON.parse(document.body.dataset['state'] ?? '{}'));
  return given.success ? given.data : { folder: '', model: '' };
}

let state = keptState();
let model: DashboardModel | undefined;
let shown = '';
/** Why there is nothing to show yet. */
let nothing = '';
let percent: number | null = null;
let charts: readonly ChartView[] = [];
const news = new News();

function keep(change: Partial<DashboardState>): void {
  state = { ...state, ...change };
  api.setState(state);
}

/** Draws what is there now. What was there before stays, with its new figures: focus, scrolling, selection and what was opened are kept. */
function draw(): void {
  for (const chart of charts) chart.destroy();
  charts = [];
  if (model === undefined) {
    if (nothing !== '') drawNothing();
    return;
  }
  const section = SECTIONS.find(({ id }) => id === state.tab) ?? SECTIONS[0];
  const tab = section?.id ?? '';
  const drawn = section?.draw(model, (message) => api.postMessage(message));
  charts = drawn?.charts ?? [];
  const panel = el('div', { role: 'tabpanel', id: 'panel', 'aria-labelledby': `tab-${tab}` }, el('h2', { class: 'unseen' }, section?.title ?? ''), ...drawn?.nodes ?? []);
  // Another tab's tables are others, whatever they have in common.
  if (document.getElementById('panel')?.getAttribute('aria-labelledby') !== `tab-${tab}`) document.getElementById('panel')?.remove();
  const again = keepRows(root);
  matchChildren(root, [header(model), ...notices(model), tabs(tab), panel]);
  again();
}

/** A first reading may take long: it tells how far it is, and can be ended. */
function drawNothing(): void {
  root.replaceChildren(
    el('h1', {}, state.model), el('p', { class: 'none' }, el('span', { role: 'status' }, nothing), progress()),
    el('div', { class: 'actions' }, percent === null ? button('refresh', 'Refresh', () => api.postMessage({ kind: 'refresh' })) : button('cancel', 'Cancel', () => api.postMessage({ kind: 'cancel' }), 'End the reading')));
}

/** As the tables have it, with its date: what is shown may be old. */
function utcTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function header({ model: name, flag, environment, environments, readAt, mayRetrain }: DashboardModel): HTMLElement {
  const choice = el('select', { id: 'environment', 'aria-label': 'Environment' }, ...environments.map((each) => el('option', { value: each, ...(each === environment ? { selected: '' } : {}) }, each === '' ? 'no environment' : each)));
  choice.addEventListener('change', () => {
    keep({ environment: choice.value });
    api.postMessage({ kind: 'environment', environment: choice.value });
  });
  return el('header', {},
    el('h1', {}, name), el('p', { class: 'about' }, `flag ${flag} · read `, el('time', { datetime: new Date(readAt).toISOString() }, utcTime(readAt)), progress()),
    el('div', { class: 'actions' }, choice,
      button('refresh', 'Refresh', () => api.postMessage({ kind: 'refresh' })),
      ...(percent === null ? [] : [button('cancel', 'Cancel', () => api.postMessage({ kind: 'cancel' }), 'End the reading')]),
      button('export-markdown', 'Export Markdown', () => api.postMessage({ kind: 'export', format: 'markdown' })),
      button('export-csv', 'Export CSV', () => api.postMessage({ kind: 'export', format: 'csv' })),
      ...(mayRetrain ? [button('retrain', 'Retrain...', () => api.postMessage({ kind: 'retrain' }), 'Production is not what the model was trained on')] : [])));
}

/** A bar, of which a screen reader says as much as its user wishes: as a live text each per cent would be said. */
function progress(): HTMLElement {
  return percent === null ? el('span', { id: 'progress' }) : el('span', { id: 'progress', role: 'progressbar', 'aria-label': 'Reading', 'aria-valuenow': String(percent) }, ` · reading, ${percent} %`);
}

function notice(id: string, title: string, lines: readonly string[]): HTMLElement[] {
  return lines.length === 0 ? [] : [el('section', { class: id, 'aria-labelledby': `${id}-title` }, el('h2', { id: `${id}-title` }, title), list(lines, ''))];
}

/** What to know first. That nobody could look at something is no alarm. */
function notices(told: DashboardModel): HTMLElement[] {
  return [...notice('alarms', 'Alarms', alarmsOf(told).map(({ words }) => words)), ...notice('insufficient', 'Insufficient data', told.insufficient)];
}

/** Says what is new to those who do not see it. A new element each time, for the same words may be said again. */
function announce(words: string): void {
  if (words !== '') document.getElementById('news')?.replaceChildren(el('p', {}, words));
}

/** One stop of the tab key; arrows, Home and End go from tab to tab (WAI-ARIA's pattern). */
function tabs(selected: string): HTMLElement {
  const bar = el('div', { role: 'tablist', 'aria-label': 'Parts of the dashboard' });
  for (const [index, { id, title }] of SECTIONS.entries()) {
    const isSelected = id === selected;
    const tab = el('button', { type: 'button', role: 'tab', id: `tab-${id}`, 'aria-selected': String(isSelected), 'aria-controls': 'panel', tabindex: isSelected ? '0' : '-1' }, title);
    tab.addEventListener('click', () => choose(id));
    tab.addEventListener('keydown', (event) => {
      const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: SECTIONS.length - 1 }[event.key];
      const next = to === undefined ? undefined : SECTIONS[(to + SECTIONS.length) % SECTIONS.length];
      if (next === undefined) return;
      event.preventDefault();
      choose(next.id);
    });
    bar.append(tab);
  }
  return bar;
}

function choose(tab: string): void {
  keep({ tab });
  draw();
  document.getElementById(`tab-${tab}`)?.focus();
}

window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  const parsed = toDashboard.safeParse(data);
  if (!parsed.success) return;
  const message = parsed.data;
  switch (message.kind) {
    case 'model': {
      const text = JSON.stringify(message.model);
      if (text === shown) return;
      shown = text;
      model = message.model;
      draw();
      announce(news.of(model));
      return;
    }
    case 'empty':
      model = undefined;
      shown = '';
      nothing = message.text;
      draw();
      return;
    case 'progress': {
      const isOther = (percent === null) !== (message.percent === null);
      ({ percent } = message);
      if (isOther) draw();
      else document.getElementById('progress')?.replaceWith(progress());
    }
  }
});

// Canvases do not follow the theme by themselves.
new MutationObserver(() => draw()).observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id'] });

keep({});
api.postMessage({ kind: 'ready' });
