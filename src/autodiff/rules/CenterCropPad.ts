import type { Rule } from '../rule.ts';
import { pad } from './spread.ts';

/** Y = X cut, or surrounded with zeros, to a size, in the middle: dX = dY surrounded, or cut, to that of X */
export const CenterCropPad: Rule = ({ node, dOutputs, builder, shape }) => {
  const out = shape(node.outputs[0]!);
  const more = shape(node.inputs[0]!).map((d, i) => d - out[i]!);
  // Of an odd difference the smaller half lies at the beginning, for cutting and for surrounding.
  const begins = more.map((m) => Math.sign(m) * Math.floor(Math.abs(m) / 2));
  return [
    pad(
      builder,
      dOutputs[0]!,
      begins,
      more.map((m, i) => m - begins[i]!),
    ),
  ];
};
