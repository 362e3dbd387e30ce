import assert from 'node:assert/strict';

/** Waits until a condition holds; fails when it does not within `withinMs`. A generous deadline for what takes as long as it takes. */
export async function eventually(condition: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!await condition()) {
    if (Date.now() > deadline) assert.fail(`did not become true within ${withinMs / 1000} s: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
