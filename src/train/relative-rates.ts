import type { Graph, Tensor } from '../onnx/model.ts';

/** Root mean square of a kernel that moves at the plain rate. */
const REFERENCE = 0.1;
/** Factors beyond this either way are cut off. */
const MOST = 30;

/**
 * Factor on the learning rate of each kernel: its root mean square as the backbone had it, over 0.1.
 *
 * AdamW moves every weight by about the rate, whatever the weight's size. Where normalisation has been folded into the
 * kernels, as in exported networks, those sizes differ a hundredfold from layer to layer (0.02 in MobileNetV2's
 * expansions, 0.7 in its depthwise kernels), and one rate is too low for some layers and destroys others. Relative to
 * its size, every kernel moves alike (You et al. 2017, arXiv:1708.03888, for SGD; Shazeer and Stern 2018,
 * arXiv:1804.04235, section 8, for Adam). Vectors, biases and normalisation, keep the plain rate.
 */
export function relativeRates(graph: Graph, names: readonly string[]): Map<string, number> {
  return new Map(
    names.flatMap((name): [string, number][] => {
      const tensor = graph.initializers.get(name);
      if (tensor === undefined || tensor.dims.length < 2) return [];
      const factor = rootMeanSquare(tensor) / REFERENCE;
      return [[name, Math.min(MOST, Math.max(1 / MOST, factor))]];
    }),
  );
}

function rootMeanSquare({ data }: Tensor): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += Number(data[i]) ** 2;
  return Math.sqrt(sum / Math.max(1, data.length));
}
