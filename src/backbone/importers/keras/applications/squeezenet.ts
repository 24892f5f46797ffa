/** SqueezeNet 1.1: Iandola et al. 2016, arXiv:1602.07360. */
import { type KerasNetwork, networkWriter } from './writer.ts';

export function squeezenet(size: number): KerasNetwork {
  const n = networkWriter(size);
  const conv = (layer: string, from: string, filters: number, kernel: number, strides = 1): string => {
    const place = layer.lastIndexOf('/') + 1;
    const y = n.conv(layer, from, filters, kernel, { strides, padding: strides === 1 ? 'same' : 'valid' });
    return n.relu(`${layer.slice(0, place)}relu_${layer.slice(place)}`, y);
  };
  /** A narrow 1 × 1 convolution, then a 1 × 1 and a 3 × 3 one side by side. */
  const fire = (index: number, x: string, narrow: number): string => {
    const squeezed = conv(`fire${index}/squeeze1x1`, x, narrow, 1);
    return n.concat(`fire${index}/concat`, [
      conv(`fire${index}/expand1x1`, squeezed, 4 * narrow, 1),
      conv(`fire${index}/expand3x3`, squeezed, 4 * narrow, 3),
    ]);
  };

  let x = n.maxPool('pool1', conv('conv1', n.input, 64, 3, 2), 3, 2);
  x = n.maxPool('pool3', fire(3, fire(2, x, 16), 16), 3, 2);
  x = n.maxPool('pool5', fire(5, fire(4, x, 32), 32), 3, 2);
  x = fire(7, fire(6, x, 48), 48);
  return n.network(fire(9, fire(8, x, 64), 64));
}
