import type { Target } from '../autodiff/lower/lower.ts';
import { definedOnly } from '../core/defined-only.ts';
import type { Graph, Tensor, ValueInfo } from '../onnx/model.ts';
import { openSession } from '../onnx/session.ts';
import { fixedBatch, runnable } from './fixed-batch.ts';
import { FEATURES, type Network, PROBABILITIES } from './network.ts';
import { fullBatches, type RowView, type StoredRows } from './rows.ts';

/** Runs tail and head on stored features with weights that change from call to call. */
export interface Scorer {
  /**
   * Class probabilities, averaged over each row's views.
   *
   * @param weights values of the weights the scorer was opened with
   * @param rows indices into `stored.places`
   * @returns float32 [rows × C]
   */
  score(weights: ReadonlyMap<string, Tensor>, stored: StoredRows, rows: readonly number[]): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * @param network built for inference
 * @param varying weights that are given at each call; the others are constants
 */
export async function openScorer(
  network: Network,
  varying: readonly string[],
  classes: number,
  batch: number,
  target: Target,
  threads: number | undefined,
): Promise<Scorer> {
  const session = await openSession(
    runnable(scoringGraph(network, varying, batch, target)),
    definedOnly({ threads, device: target.device }),
  );
  return {
    score: async (weights, stored, rows) => {
      const views: RowView[] = rows.flatMap((row) => stored.places[row]!.map((_, view) => ({ row, view })));
      const each = new Float32Array(views.length * classes);
      const feeds = Object.fromEntries(varying.map((name) => [name, weights.get(name)!]));
      for (const { features, start, count } of fullBatches(stored, views, batch)) {
        const { [PROBABILITIES]: result } = await session.run(
          { [FEATURES]: features, ...feeds },
          { [PROBABILITIES]: null },
        );
        for (let i = 0; i < count * classes; i++) each[start * classes + i] = Number(result!.data[i]);
      }
      return averageViews(
        each,
        rows.map((row) => stored.places[row]!.length),
        classes,
      );
    },
    close: () => session.close(),
  };
}

function scoringGraph({ graph }: Network, varying: readonly string[], batch: number, target: Target): Graph {
  const inputs = [
    ...graph.inputs,
    ...varying.map((name): ValueInfo => ({ name, dtype: 'float32', dims: graph.initializers.get(name)!.dims })),
  ];
  const initializers = new Map([...graph.initializers].filter(([name]) => !varying.includes(name)));
  return fixedBatch({ nodes: graph.nodes, inputs, outputs: graph.outputs, initializers }, batch, target);
}

/** Mean over consecutive groups of rows. */
function averageViews(each: Float32Array, counts: readonly number[], classes: number): Float32Array {
  const out = new Float32Array(counts.length * classes);
  let at = 0;
  counts.forEach((count, i) => {
    for (let c = 0; c < classes; c++) {
      let sum = 0;
      for (let v = 0; v < count; v++) sum += each[(at + v) * classes + c]!;
      out[i * classes + c] = sum / count;
    }
    at += count;
  });
  return out;
}
