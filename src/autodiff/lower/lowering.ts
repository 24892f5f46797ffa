import type { GraphBuilder } from '../../onnx/builder.ts';
import type { Blocked } from './blocked.ts';

/** What the forms of one graph write to and share. */
export interface Lowering {
  readonly builder: GraphBuilder;
  /** The blocked layout, where the target has one. */
  readonly blocked: Blocked | undefined;
  /** Channels per block; 0 where there is no blocked layout. */
  readonly block: number;
}

/** Whether a count fills whole blocks. */
export function fills({ block }: Lowering, count: number): boolean {
  return block > 0 && count % block === 0;
}
