import { intsOf, stringOf } from '../model.ts';
import { axisOf, inputOf, mismatch, type ShapeContext, type ShapeRule, show, valuesIf, valuesOf } from './context.ts';

/** One axis of a Resize. */
export interface ResizedAxis {
  readonly axis: number;
  readonly input: number;
  readonly output: number;
  /** Output positions per input position; not always output / input, which is rounded. */
  readonly scale: number;
}

/**
 * The axes that a Resize names, all by default, from `sizes`, or from `scales` with sizes rounded down.
 *
 * @throws {ShapeError} if sizes and scales are only known when the graph runs, or are not one per axis
 */
export function resizedAxes(c: ShapeContext): readonly ResizedAxis[] {
  const { dims } = inputOf(c, 0);
  const axes = intsOf(c.node, 'axes', undefined)?.map((a) => axisOf(c, a, dims.length)) ?? dims.map((_, i) => i);
  const sizes = valuesIf(c, 3);
  // Before operator set 11 the scales were the second input.
  const scales = sizes === undefined || sizes.length === 0 ? valuesOf(c, c.inputs.length === 2 ? 1 : 2) : undefined;
  const given = scales ?? sizes ?? [];
  if (given.length !== axes.length) throw mismatch(c, `${axes.length} sizes or scales`, show(given));
  const policy = stringOf(c.node, 'keep_aspect_ratio_policy', 'stretch');
  const ratios = axes.map((axis, i) => given[i]! / dims[axis]!);
  const common = Math.fround(policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios));
  return axes.map((axis, i) => {
    const input = dims[axis]!;
    if (scales !== undefined)
      return { axis, input, output: Math.floor(Math.fround(input * scales[i]!)), scale: scales[i]! };
    if (policy === 'stretch') return { axis, input, output: given[i]!, scale: ratios[i]! };
    return { axis, input, output: Math.round(Math.fround(common * input)), scale: common };
  });
}

export const Resize: ShapeRule = (c) => {
  const { dtype, dims } = inputOf(c, 0);
  const out = [...dims];
  for (const { axis, output } of resizedAxes(c)) out[axis] = output;
  return [{ dtype, dims: out }];
};
