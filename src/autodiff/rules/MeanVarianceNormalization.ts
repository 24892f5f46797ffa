import { intsOf } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { axisFrom0 } from './broadcast.ts';
import { standardize, standardizeGradient } from './standardize.ts';

/** Keeps the deviation off 0; the forward adds its root, 1e-9, to the deviation. */
const EPSILON = 1e-18;

/** Y = (X − μ) / σ over the axes, by default all but the channels: dX as in `standardizeGradient` */
export const MeanVarianceNormalization: Rule = ({ node, dOutputs, builder, shape }) => {
  const x = node.inputs[0]!;
  const dims = shape(x);
  const axes = intsOf(node, 'axes', [0, 2, 3]).map((a) => axisFrom0(a, dims.length));
  const standard = standardize(builder, x, dims, axes, EPSILON);
  return [standardizeGradient(builder, standard, dOutputs[0]!, dims, axes)];
};
