import type { Target } from '../autodiff/lower/lower.ts';
import { definedOnly } from '../core/defined-only.ts';
import { openSession } from '../onnx/session.ts';
import { fixedBatch, runnable } from './fixed-batch.ts';
import { FEATURES, LOGITS, type Network } from './network.ts';
import { fullBatches, type RowView, type StoredRows } from './rows.ts';

/** What the finished weights say of stored features, before any probability: logits, and the vector given to the head. */
export interface Answers {
  /** F, the length of the vector. */
  readonly width: number;
  /**
   * @param visit is told of each view in turn; its arrays are used again for the next
   */
  each(
    stored: StoredRows,
    views: readonly RowView[],
    visit: (view: number, logits: Float32Array, vector: Float32Array) => void,
  ): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param network built for inference, its weights in it
 * @param width F
 */
export async function openAnswers(
  { graph, vector }: Network,
  classes: number,
  width: number,
  batch: number,
  target: Target,
  threads: number | undefined,
): Promise<Answers> {
  const outputs = graph.outputs.filter((o) => o.name === LOGITS);
  const both = {
    ...graph,
    outputs: [...outputs, { name: vector, dtype: 'float32' as const, dims: ['N', width] }],
  };
  const session = await openSession(
    runnable(fixedBatch(both, batch, target)),
    definedOnly({ threads, device: target.device }),
  );
  const logits = new Float32Array(classes);
  const features = new Float32Array(width);
  return {
    width,
    each: async (stored, views, visit) => {
      for (const { features: input, start, count } of fullBatches(stored, views, batch)) {
        const result = await session.run({ [FEATURES]: input });
        for (let i = 0; i < count; i++) {
          for (let c = 0; c < classes; c++) logits[c] = Number(result[LOGITS]!.data[i * classes + c]);
          for (let f = 0; f < width; f++) features[f] = Number(result[vector]!.data[i * width + f]);
          visit(start + i, logits, features);
        }
      }
    },
    close: () => session.close(),
  };
}
