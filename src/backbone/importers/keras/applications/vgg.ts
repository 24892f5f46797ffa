/** VGG: Simonyan and Zisserman 2014, arXiv:1409.1556. */
import { type KerasNetwork, networkWriter } from './writer.ts';

/** @param convolutions of each of the five blocks: 2, 2, 3, 3, 3 is VGG16 */
export function vgg(size: number, convolutions: readonly number[]): KerasNetwork {
  const n = networkWriter(size);
  let x = n.input;
  convolutions.forEach((count, i) => {
    const filters = Math.min(64 * 2 ** i, 512);
    for (let k = 1; k <= count; k++)
      x = n.conv(`block${i + 1}_conv${k}`, x, filters, 3, { padding: 'same', activation: 'relu' });
    x = n.maxPool(`block${i + 1}_pool`, x, 2, 2);
  });
  return n.network(x);
}
