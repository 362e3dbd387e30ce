/** What is new each time as a whole: a canvas is not told by its attributes. */
const WHOLE = 'plot';

/** What is the same part at two times: the element with the same id or name, the row with the same head, or else one of the same kind at the same place. */
function keyOf(node: Node): string {
  if (!(node instanceof Element)) return node.nodeName;
  const { id, localName, className } = node;
  const head = node instanceof HTMLTableRowElement ? (node.querySelector('th[scope="row"]')?.textContent ?? '') : '';
  return [localName, id, node.getAttribute('data-part') ?? '', typeof className === 'string' ? className : '', head].join('\n');
}

function matchAttributes(old: Element, fresh: Element): void {
  // Whether details are open is what a person wants, not what is drawn.
  const kept = old instanceof HTMLDetailsElement ? 'open' : '';
  for (const { name } of [...old.attributes]) if (name !== kept && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (name !== kept && old.getAttribute(name) !== value) old.setAttribute(name, value);
}

function become(old: Node, fresh: Node): Node {
  if (old instanceof Element && fresh instanceof Element) {
    if (fresh.classList.contains(WHOLE)) return fresh;
    matchAttributes(old, fresh);
    matchChildren(old, [...fresh.childNodes]);
    if (old instanceof HTMLSelectElement && fresh instanceof HTMLSelectElement) old.value = fresh.value;
  } else if (old.nodeValue !== fresh.nodeValue) {
    old.nodeValue = fresh.nodeValue;
  }
  return old;
}

/**
 * Makes the children of `parent` those of `wanted`, and keeps each that is there already: with it stay its scroll position, the focus, and what is selected in it. What listens to an element that is kept goes on doing so, so that
 * elements with one id must always do the same.
 */
export function matchChildren(parent: Element, wanted: readonly Node[]): void {
  const known = new Map<string, Node[]>();
  for (const child of parent.childNodes) {
    const key = keyOf(child);
    known.set(key, [...known.get(key) ?? [], child]);
  }
  const children = wanted.map((fresh) => {
    const old = known.get(keyOf(fresh))?.shift();
    return old === undefined ? fresh : become(old, fresh);
  });
  const kept = new Set(children);
  for (const child of [...parent.childNodes]) if (!kept.has(child)) child.remove();
  // What is moved loses its scroll position: only what is not where it shall be is put there.
  for (const [at, child] of children.entries()) if (parent.childNodes[at] !== child) parent.insertBefore(child, parent.childNodes[at] ?? null);
}

/** Remembers which row is the first to be seen in each table that is scrolled down. What is given puts it there again: new rows above would push it away. */
export function keepRows(root: Element): () => void {
  const seen = [...root.querySelectorAll('.scroll')].filter(({ scrollTop }) => scrollTop > 0).flatMap((scroll) => {
    const top = scroll.getBoundingClientRect().top;
    // The head stays where it is, over the rows.
    const head = scroll.querySelector('thead')?.getBoundingClientRect().height ?? 0;
    const row = [...scroll.querySelectorAll('tbody tr')].find((each) => each.getBoundingClientRect().bottom > top + head);
    return row === undefined ? [] : [{ scroll, row, place: row.getBoundingClientRect().top - top }];
  });
  return () => {
    for (const { scroll, row, place } of seen) if (scroll.isConnected && row.isConnected) scroll.scrollTop += row.getBoundingClientRect().top - scroll.getBoundingClientRect().top - place;
  };
}
