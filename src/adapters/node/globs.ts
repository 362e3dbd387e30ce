/** `*` and `?` within a folder, `**` across folders; paths relative with forward slashes. */
export function globExpression(pattern: string): RegExp {
  const source = pattern.replace(/^\.\//, '').replace(/[.+^${}()|[\]\\]/g, '\\$&').replace(/\*\*\/|\*\*|\*|\?/g, (wild) => ({ '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*' })[wild] ?? '[^/]');
  return new RegExp(`^${source}$`);
}
