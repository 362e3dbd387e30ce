/** MLflow's filters know two quotes and no escape. */
function quoted(text: string): string | undefined {
  if (!text.includes("'")) return `'${text}'`;
  return text.includes('"') ? undefined : `"${text}"`;
}

/** In a pattern, `_` stands for any one character, so for a quote too. */
function pattern(text: string): string {
  return `'${text.replaceAll("'", '_')}'`;
}

/** The filter for versions of one model; it may let others with a similar name through. */
export function nameFilter(name: string): string {
  const exact = quoted(name);
  return exact === undefined ? `name LIKE ${pattern(name)}` : `name = ${exact}`;
}

/** The filter for models whose name contains a text, upper and lower case alike. */
export function likeName(text: string): string {
  return `name ILIKE ${pattern(`%${text}%`)}`;
}
