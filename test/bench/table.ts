/** One measured figure. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Another way of doing the same, measured in the same run, in the same unit. */
  readonly baseline?: { readonly name: string; readonly value: number };
  /** What the figure should be, such as `<= 50`. */
  readonly target?: string;
}

const COLUMNS = ['measured', 'value', 'target', 'baseline'] as const;

/** Prints rows as a Markdown table, so that it can go into a document as it is. */
export function printTable(rows: readonly BenchRow[]): void {
  const cells = rows.map(({ name, value, unit, target, baseline }) => [
    name,
    `${figure(value)} ${unit}`.trim(),
    target === undefined ? '' : `${target} ${unit}`.trim(),
    baseline ? `${figure(baseline.value)} ${unit}`.trim() + ` (${baseline.name})` : '',
  ]);
  const widths = COLUMNS.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  for (const text of [line(COLUMNS), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...cells.map(line)]) console.log(text);
}

/** Three digits are all that a measurement of time is good for. */
function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The smallest of the values that at least this share of them does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
