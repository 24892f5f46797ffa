import type { GraphBuilder } from './builder.ts';
import { int } from './model.ts';

/** Global average pooling: [N, C, H, W] to [N, C]. */
export function addPooling(builder: GraphBuilder, spatial: string): string {
  const pooled = builder.add('GlobalAveragePool', [spatial], {}, { name: 'pool' });
  return builder.add('Flatten', [pooled], { axis: int(1) }, { name: 'pooled' });
}
