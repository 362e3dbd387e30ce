/** What a token may look like anywhere in a text: Unleash's two forms, and what follows a header's or field's name. */
const TOKEN = /(user:[\w-]{8,}|[\w*-]+:[\w*-]+\.[\w-]{16,})|((?:authorization|token)["']?\s*[:=]\s*["']?(?:bearer |basic )?)[^\s"',]+/gi;

/** Takes anything that looks like a credential out of a text. */
export function redact(text: string): string {
  return text.replace(TOKEN, (_match, _token: string | undefined, label: string | undefined) => `${label ?? ''}[redacted]`);
}
