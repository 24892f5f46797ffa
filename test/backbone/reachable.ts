import { loadBackbone } from '../../src/backbone/registry.ts';
import type { Backbone } from '../../src/backbone/types.ts';
import { EnvironmentError } from '../../src/core/errors.ts';

/** The backbone, or undefined where its weights are neither cached nor reachable. */
export async function loadIfReachable(name: string): Promise<Backbone | undefined> {
  try {
    return await loadBackbone(name);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    console.warn(`SKIPPED: ${error.message}`);
    return undefined;
  }
}
