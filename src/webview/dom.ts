import type { Table } from '../shared/dashboard.ts';
import { cellClass } from './cells.ts';

type Child = Node | string;

/** An element. Strings become text: nothing that a log or server wrote is ever markup. */
export function el<K extends keyof HTMLElementTagNameMap>(name: K, attributes: Readonly<Record<string, string>> = {}, ...children: readonly Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(name: string, attributes: Readonly<Record<string, string | number>>, ...children: readonly Node[]): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

export function button(id: string, label: string, run: () => void, title = label): HTMLButtonElement {
  const element = el('button', { type: 'button', id, title }, label);
  element.addEventListener('click', run);
  return element;
}

function cellOf(text: string): Node {
  const name = cellClass(text);
  return el('td', name === undefined ? {} : { class: name }, text);
}

/** A table that scrolls by itself and can be reached by keyboard. `extra`: one more column. */
export function tableOf({ title, columns, rows }: Table, extra?: { readonly column: string; readonly cell: (row: number) => Node }): HTMLElement {
  const head = [...columns, ...(extra === undefined ? [] : [extra.column])].map((column) => el('th', { scope: 'col' }, column));
  const body = rows.map((row, index) => {
    const [first = '', ...rest] = row;
    const cells: Node[] = [el('th', { scope: 'row' }, first), ...rest.map(cellOf)];
    if (extra !== undefined) cells.push(el('td', {}, extra.cell(index)));
    return el('tr', {}, ...cells);
  });
  const table = el('table', {}, el('caption', {}, title), el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...body));
  return el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title }, table);
}

export function list(lines: readonly string[], className: string): HTMLElement {
  return el('ul', { class: className }, ...lines.map((line) => el('li', {}, line)));
}
