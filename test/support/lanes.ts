import assert from 'node:assert/strict';

/** Works through cases side by side, one at a time in each lane; fails with all that failed, each with its name. */
export async function inLanes<Lane, Case>(lanes: readonly Lane[], cases: readonly Case[], name: (each: Case) => string, work: (lane: Lane, each: Case) => Promise<void>): Promise<void> {
  const left = [...cases];
  const failures: string[] = [];
  await Promise.all(lanes.map(async (lane) => {
    for (let each = left.shift(); each !== undefined; each = left.shift()) {
      try {
        await work(lane, each);
      } catch (error) {
        failures.push(`${name(each)}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }));
  assert.ok(failures.length === 0, `${failures.length} of ${cases.length} failed:\n${failures.join('\n')}`);
}
