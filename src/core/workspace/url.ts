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

/** The address of an MLflow server as `origin/prefix` without a trailing slash; what follows the UI's `#` is taken off. */
export function checkTrackingUrl(text: string): { readonly url: string } | { readonly problem: string } {
  const url = URL.parse(text.trim());
  if (url === null) return { problem: 'is not an address: write it with its scheme, such as http://localhost:5000' };
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    const mend = url.protocol === 'sqlite:' ? ': use sqlite: with the path of the database' : '';
    return { problem: `must start with http:// or https://, not ${url.protocol}//${mend}` };
  }
  if (url.username !== '' || url.password !== '') return { problem: 'must not hold credentials: remove what stands before the @ and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD instead' };
  if (url.search !== '') return { problem: 'must be the address of the server only: remove what follows ?' };
  const path = url.pathname.replace(/\/+$/, '').replace(/\/(?:ajax-)?api(?:\/2\.0(?:\/mlflow)?)?$/, '');
  return { url: `${url.origin}${path}` };
}

/** What is wrong with the address of a Prometheus server, whose API is added to it; undefined where nothing is. Credentials in it are for the secrets check to tell. */
export function prometheusUrlProblem(text: string): string | undefined {
  const url = URL.parse(text.trim());
  const mend = 'write it with its scheme, such as http://localhost:9090';
  if (url === null) return `is not an address: ${mend}`;
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `must start with http:// or https://: ${mend}`;
  return url.search === '' && url.hash === '' ? undefined : 'must be the address of the server only: remove what follows ? or #';
}
