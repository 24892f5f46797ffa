/** Gradients of a classifier's loss, through the library's own differentiation. */
import { differentiate, gradientName } from '../../../src/autodiff/index.ts';
import { LOGITS } from '../../../src/backbone/architectures/build.ts';
import { graphBuilder } from '../../../src/onnx/builder.ts';
import { float32, int, type Model, type Tensor } from '../../../src/onnx/model.ts';
import { openSession } from '../../../src/onnx/session.ts';

export interface Answers {
  readonly logits: Float32Array;
  readonly loss: number;
  /** By name of the weight. */
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** Mean cross-entropy of a batch, −Σ log softmax(logits)[n, target n] / N, and its gradients by weights. */
export async function lossAndGradients(
  { graph, ...model }: Model,
  images: Tensor,
  targets: readonly number[],
  classes: number,
  wrt: readonly string[],
): Promise<Answers> {
  const n = targets.length;
  const picked = new Float32Array(n * classes);
  targets.forEach((t, i) => {
    picked[i * classes + t] = -1 / n;
  });
  const builder = graphBuilder(graph);
  const logs = builder.add('LogSoftmax', [LOGITS], { axis: int(-1) });
  const terms = builder.add('Mul', [logs, builder.constant(float32(picked, [n, classes]))]);
  const loss = builder.add('ReduceSum', [terms], { keepdims: int(0) });
  const input = graph.inputs[0]!;
  const outputs = [...graph.outputs, { name: loss, dtype: 'float32', dims: [] } as const];
  const step = differentiate(
    { ...model, graph: builder.graph(graph.inputs, outputs) },
    { loss, wrt, keep: [LOGITS, loss], inputShapes: { [input.name]: images.dims } },
  );
  const session = await openSession(step);
  try {
    const weights = wrt.map((name) => [name, graph.initializers.get(name)!] as const);
    const results = await session.run({ [input.name]: images, ...Object.fromEntries(weights) });
    const floats = (name: string): Float32Array => Float32Array.from(results[name]!.data, Number);
    return {
      logits: floats(LOGITS),
      loss: floats(loss)[0]!,
      gradients: new Map(wrt.map((name) => [name, floats(gradientName(name))])),
    };
  } finally {
    await session.close();
  }
}

/** The classifier's answers. */
export async function logitsOf(model: Model, images: Tensor): Promise<Float32Array> {
  const session = await openSession(model);
  try {
    const results = await session.run({ [model.graph.inputs[0]!.name]: images });
    return Float32Array.from(results[LOGITS]!.data, Number);
  } finally {
    await session.close();
  }
}
