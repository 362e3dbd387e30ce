import { plainLine } from '../base/words.ts';

/** An address that can be used, or what is wrong with it and the mend. */
export type CheckedUrl = { readonly url: string; readonly advice?: string } | { readonly problem: string };

/**
 * The address of an Unleash server as `origin/path` without a trailing slash. A path that the SDKs or the API add
 * themselves (`/api`, `/api/admin`, `/api/client`) is taken off, with advice.
 */
export function checkServerUrl(text: string): CheckedUrl {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return { problem: `is not an address: write it with its scheme, such as https://unleash.example.com` };
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return { problem: 'must start with http:// or https://' };
  // The secrets check has said what to do about it; here it only must not be used.
  if (url.username !== '' || url.password !== '') return { problem: 'must not hold credentials: remove what stands before the @' };
  if (url.search !== '' || url.hash !== '') return { problem: 'must be the address of the server only: remove what follows ? or #' };
  const path = url.pathname.replace(/\/+$/, '');
  const base = path.replace(/\/api(?:\/(?:admin|client|frontend|proxy))?$/, '');
  const normal = `${url.origin}${base}`;
  return base === path ? { url: normal } : { url: normal, advice: `is taken as ${plainLine(normal, 200)}: leave out ${path.slice(base.length)}, it is added where it is needed` };
}
