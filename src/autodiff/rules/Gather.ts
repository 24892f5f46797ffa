import { int, intOf, ints, sizeOf, string } from '../../onnx/model.ts';
import type { Rule } from '../rule.ts';
import { axisFrom0, reshape, zerosLike } from './broadcast.ts';

/** Y = X[…, indices, …] on one axis: dY is added to the rows it came from; a row picked twice gets both */
export const Gather: Rule = ({ node, dOutputs, builder, shape, dtype }) => {
  const [x, indices] = node.inputs;
  const dY = dOutputs[0]!;
  const dims = shape(x!);
  const axis = axisFrom0(intOf(node, 'axis', 0), dims.length);
  const [before, after] = [sizeOf(dims.slice(0, axis)), sizeOf(dims.slice(axis + 1))];
  const picked = sizeOf(shape(indices!));
  // ScatterND takes int64 only.
  const wide = dtype(indices!) === 'int64' ? indices! : builder.add('Cast', [indices!], { to: int(7) });
  // The axis is moved to the front, where ScatterND adds whole rows.
  const swap = { perm: ints([1, 0, 2]) };
  const rows = reshape(builder, dY, [before, picked, after]);
  const sum = builder.add(
    'ScatterND',
    [
      zerosLike(builder, [dims[axis]!, before, after], dY),
      reshape(builder, wide, [picked, 1]),
      before === 1 ? reshape(builder, dY, [picked, before, after]) : builder.add('Transpose', [rows], swap),
    ],
    { reduction: string('add') },
  );
  return [reshape(builder, before === 1 ? sum : builder.add('Transpose', [sum], swap), dims)];
};
