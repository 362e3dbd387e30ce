/** Paths of a pipeline: relative to its folder, with forward slashes. */

const REMOTE = /^[a-z][a-z0-9+.-]+:\/\//i;

export function isRemote(path: string): boolean {
  return REMOTE.test(path);
}

/** `folder/path` without `.` and inner `..`; `..` at the beginning stay. Remote and absolute paths stay as they are. */
export function joinPath(folder: string, path: string): string {
  if (isRemote(path) || path.startsWith('/') || /^[a-z]:[\\/]/i.test(path)) return path;
  const steps: string[] = [];
  for (const step of `${folder}/${path}`.split('/')) {
    if (step === '' || step === '.') continue;
    if (step === '..' && steps.length > 0 && steps.at(-1) !== '..') steps.pop();
    else steps.push(step);
  }
  return steps.length === 0 ? '.' : steps.join('/');
}

/** The folder of a path; empty for one without. */
export function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}
