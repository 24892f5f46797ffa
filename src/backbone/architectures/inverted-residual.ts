/** What MobileNets and EfficientNets have in common: narrow, wide, narrow again. */
import { batchNorm, type ConvOptions, conv } from './layers.ts';
import type { Net, Value } from './net.ts';
import { type Activation, activate, add, gate, weigh } from './operations.ts';

export interface Style {
  readonly activation: Activation;
  /** ε of the normalisations. */
  readonly epsilon: number;
}

/** Convolution, normalisation, activation: modules `.0` and `.1` of the prefix. */
export function convNorm(net: Net, x: Value, prefix: string, options: ConvOptions, style: Style): Value {
  const y = batchNorm(net, conv(net, x, `${prefix}.0`, options), `${prefix}.1`, style.epsilon);
  return activate(net, y, style.activation, prefix);
}

/**
 * x · g(W₂ a(W₁ mean(x))) per channel: Hu et al. 2017, arXiv:1709.01507
 *
 * @param kinds a and g
 */
export function squeezeExcite(
  net: Net,
  x: Value,
  prefix: string,
  kinds: readonly [Activation, 'sigmoid' | 'hardsigmoid'],
): Value {
  const [inner, outer] = kinds;
  const pooled = net.builder.add('GlobalAveragePool', [x.name], {}, { name: `${prefix}/mean` });
  const reduced = conv(net, { name: pooled, channels: x.channels }, `${prefix}.fc1`, { kernel: 1, bias: true });
  const restored = conv(net, activate(net, reduced, inner), `${prefix}.fc2`, { kernel: 1, bias: true });
  if (restored.channels !== undefined && x.channels !== undefined && restored.channels !== x.channels)
    net.problem(`${prefix}.fc2.weight: expected ${x.channels} filters, got ${restored.channels}`);
  return weigh(net, x, gate(net, restored, outer), prefix);
}

/** Side of a convolution's window, from its weights. */
export function kernelOf(net: Net, prefix: string): number {
  const side = net.state.get(`${prefix}.weight`)?.dims[2] ?? 3;
  if (side % 2 === 1) return side;
  net.problem(`${prefix}.weight: expected an odd window, got ${side}`);
  return 3;
}

/** y, and x added to it where both have one shape. */
export function residual(net: Net, x: Value, y: Value, stride: number, output: string): Value {
  return stride === 1 && x.channels === y.channels ? add(net, x, y, output) : y;
}
