/**
 * Running a model into memory that is there. onnxruntime's binding for Node copies every output into new memory after a
 * run, even those that kernels have just written where they were told to; a training step gives back all weights and
 * states, and copying them can take a fifth of its time. It converts outputs in the order of the model, and refuses to
 * convert a sequence, after the run is over and before it has copied anything that follows. So a model whose first
 * output is an empty sequence always "fails", and everything is where it should be.
 */
import { messageOf } from '../core/errors.ts';
import { graphBuilder } from './builder.ts';
import { float32, type Model } from './model.ts';
import { openSession } from './session.ts';

/** Name of the empty sequence; ask for it with null. */
export const NO_COPY = 'nevus:no_copy';

/** The same model with the empty sequence as its first output. */
export function withoutCopies(model: Model): Model {
  const builder = graphBuilder(model.graph);
  builder.add('SequenceEmpty', [], {}, { output: NO_COPY });
  const sequence = { name: NO_COPY, dtype: 'float32', dims: [], sequence: true } as const;
  return { ...model, graph: builder.graph(model.graph.inputs, [sequence, ...model.graph.outputs]) };
}

let known: Promise<string | undefined> | undefined;

/**
 * What the binding says when a run with `NO_COPY` is over and has written all of its outputs, or undefined where it does
 * not behave like that. Found by asking it, once per process.
 */
export function noCopyMessage(): Promise<string | undefined> {
  known ??= ask();
  return known;
}

async function ask(): Promise<string | undefined> {
  const builder = graphBuilder();
  builder.add('Neg', ['x'], {}, { output: 'y' });
  const info = (name: string) => ({ name, dtype: 'float32', dims: [1] }) as const;
  const graph = builder.graph([info('x')], [info('y')]);
  const model: Model = { graph, opset: 17, domains: {}, irVersion: 8, producer: 'nevus', metadata: {} };
  const session = await openSession(withoutCopies(model), { threads: 1 });
  const y = float32([0], [1]);
  try {
    await session.run({ x: float32([-7], [1]) }, { [NO_COPY]: null, y });
    return undefined;
  } catch (error) {
    return y.data[0] === 7 ? messageOf(error) : undefined;
  } finally {
    await session.close();
  }
}
