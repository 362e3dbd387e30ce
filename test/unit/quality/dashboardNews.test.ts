import assert from 'node:assert/strict';
import type { DashboardModel } from '../../../src/shared/dashboard.ts';
import { News } from '../../../src/webview/news.ts';

type Told = Parameters<News['of']>[0];

/** A dashboard with alarms, `about: words`, and the verdicts of metrics. */
function told(alarms: Readonly<Record<string, string>> = {}, verdicts: Readonly<Record<string, string>> = {}, more: Partial<Pick<DashboardModel, 'environment' | 'failure'>> = {}): Told {
  return { environment: 'production', alarms: Object.entries(alarms).map(([about, words]) => ({ about, words })), verdicts: Object.entries(verdicts).map(([metric, verdict]) => ({ metric, verdict })), ...more };
}

/** What is said of one dashboard after the other. */
function said(...all: readonly Told[]): string[] {
  const news = new News();
  return all.map((each) => news.of(each));
}

describe('what the dashboard says to those who do not see it', () => {
  it('is a new alarm, once: neither what was there nor other figures of it', () => {
    const there = { 'silence current': 'current: no data for 3 min.' };
    assert.deepEqual(said(
      told(there), told({ 'silence current': 'current: no data for 4 min.' }), told({ ...there, 'drift income': 'income drifted: PSI 0.3.' }), told({ ...there, 'drift income': 'income drifted: PSI 0.4.' }), told(there), told({ ...there, 'drift income': 'income drifted: PSI 0.3.' }),
    ), ['', '', 'New alarm: income drifted: PSI 0.3.', '', '', 'New alarm: income drifted: PSI 0.3.']);
  });

  it('is a verdict that changed, and not twice where an alarm says it', () => {
    assert.deepEqual(said(
      told({}, { errors: 'insufficient data', score: 'undecided' }), told({}, { errors: 'undecided', score: 'undecided' }), told({}, { errors: 'undecided', score: 'worse' }), told({ 'metric errors': 'errors is worse: evidence 50.' }, { errors: 'worse', score: 'worse' }),
      told({ 'metric errors': 'errors is worse: evidence 60.' }, { errors: 'worse', score: 'worse' }), told({}, { errors: 'not worse', score: 'worse' }), told({}, { errors: 'not worse', score: 'worse', slow: 'undecided' }),
    ), ['', 'errors: undecided, before insufficient data.', 'score: worse, before undecided.', 'New alarm: errors is worse: evidence 50.', '', 'errors: not worse, before worse.', '']);
  });

  it('is a reading that failed, once however often it fails', () => {
    assert.deepEqual(said(told(), told({}, {}, { failure: 'The log is gone.' }), told({}, {}, { failure: 'The log is still gone.' })), ['', 'New alarm: Shown is what was read before. The log is gone.', '']);
  });

  it('is by environment: what was there in one that is chosen is read, not said', () => {
    const [staging, production] = [(words?: string): Told => told(words === undefined ? {} : { 'drift age': words }, {}, { environment: 'staging' }), told({ joint: 'All alarm.' })];
    assert.deepEqual(said(production, staging('age drifted.'), production, staging('age drifted.'), staging(), production, staging('age drifted.')), ['', '', '', '', '', '', 'New alarm: age drifted.']);
  });

  it('is short where much comes at once', () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`drift f${at}`, `f${at} drifted.`]));
    assert.deepEqual(said(told(), told(many)), ['', '20 new alarms: f0 drifted. f1 drifted. f2 drifted. And 17 more.']);
  });
});
