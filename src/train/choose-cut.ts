import type { Backbone } from '../backbone/types.ts';
import type { Config } from './config.ts';
import type { OnTrainEvent } from './events.ts';
import type { PreparedData } from './prepare.ts';

export interface CutContext {
  readonly cache: string;
  readonly threads: number | undefined;
  readonly onEvent: OnTrainEvent;
  readonly signal: AbortSignal | undefined;
}

export async function chooseCut(
  backbone: Backbone,
  config: Config,
  _data: PreparedData,
  _context: CutContext,
): Promise<{ readonly backbone: Backbone; readonly cut: string }> {
  return { backbone, cut: config.cut === 'auto' ? 'features' : config.cut };
}
