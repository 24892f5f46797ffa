/** One vector from the tokens of a transformer. */
import { graphBuilder } from '../../onnx/builder.ts';
import { type Graph, int, int64, ints } from '../../onnx/model.ts';

/** The token that stands for the image, or the mean of those that stand for its patches. */
export type TokenPick = 'class' | 'mean';

/** The name of a tensor, and what the user wrote behind it: `name:class`, `name:mean`, or nothing. */
export function parsePick(text: string): { readonly tensor: string; readonly pick: TokenPick | undefined } {
  const [, tensor, pick] = /^(.+):(class|mean)$/.exec(text) ?? [];
  if (tensor === undefined || (pick !== 'class' && pick !== 'mean')) return { tensor: text, pick: undefined };
  return { tensor, pick };
}

/** Since this version of the operator set, ReduceMean takes its axes as an input. */
const AXES_AS_INPUT = 18;

/**
 * Adds the nodes that make one vector of tokens [N, T, C].
 *
 * @param dims [T, C]
 * @param pick default `class`, which is the first, where there are more tokens than patches: patches fill a square, so
 *   where T is a square number there is no other token, and the mean is taken
 */
export function oneOfTokens(
  graph: Graph,
  opset: number,
  tokens: string,
  dims: readonly number[],
  pick: TokenPick | undefined,
): { readonly graph: Graph; readonly tensor: string; readonly dims: readonly number[] } {
  const [count = 0, channels = 0] = dims;
  const others = count - Math.floor(Math.sqrt(count)) ** 2;
  const how = pick ?? (others > 0 ? 'class' : 'mean');
  const builder = graphBuilder(graph);
  const output = `${tokens}_${how}`;
  if (how === 'class') {
    builder.add('Gather', [tokens, builder.constant(int64([0], []))], { axis: int(1) }, { output });
  } else {
    const [from, to, axis] = [[others], [count], [1]].map((v) => builder.ints(v));
    const patches = others === 0 ? tokens : builder.add('Slice', [tokens, from!, to!, axis!]);
    if (opset >= AXES_AS_INPUT)
      builder.add('ReduceMean', [patches, builder.ints([1])], { keepdims: int(0) }, { output });
    else builder.add('ReduceMean', [patches], { axes: ints([1]), keepdims: int(0) }, { output });
  }
  return { graph: builder.graph(graph.inputs, graph.outputs), tensor: output, dims: [channels] };
}
