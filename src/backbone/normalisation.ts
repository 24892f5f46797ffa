/** How pixels become numbers: named conventions, and those of known files. */
import { UsageError } from '../core/errors.ts';
import type { InputSpec } from './types.ts';

/** `x = u8 · scale + offset` per channel, in the network's channel order. */
export type Pixels = Pick<InputSpec, 'channels' | 'scale' | 'offset'>;

/**
 * A named convention, or explicit numbers.
 *
 * - `unit`: u8 / 255
 * - `symmetric`: (u8 − 127.5) / 127.5, from −1 to 1
 * - `imagenet`: (u8 / 255 − mean) / deviation with the usual statistics of ImageNet
 */
export type Normalisation =
  | (typeof NORMALISATIONS)[number]
  | {
      readonly scale: readonly [number, number, number];
      readonly offset: readonly [number, number, number];
      /** Default RGB. */
      readonly channels?: 'RGB' | 'BGR';
    };

export const NORMALISATIONS = ['unit', 'symmetric', 'imagenet'] as const;

const MEAN = [0.485, 0.456, 0.406] as const;
const DEVIATION = [0.229, 0.224, 0.225] as const;

/** @throws {UsageError} a name that is none of the conventions, or numbers that are not finite */
export function pixelsOf(normalisation: Normalisation): Pixels {
  if (typeof normalisation === 'object') {
    const { scale, offset, channels = 'RGB' } = normalisation;
    if (![...scale, ...offset].every(Number.isFinite) || scale.some((s) => s === 0))
      throw new UsageError('backbone/normalisation', 'normalisation: expected finite numbers and scales other than 0');
    return { channels, scale, offset };
  }
  switch (normalisation) {
    case 'unit':
      return { channels: 'RGB', scale: [1 / 255, 1 / 255, 1 / 255], offset: [0, 0, 0] };
    case 'symmetric':
      return { channels: 'RGB', scale: [1 / 127.5, 1 / 127.5, 1 / 127.5], offset: [-1, -1, -1] };
    case 'imagenet': {
      const [r, g, b] = DEVIATION;
      return {
        channels: 'RGB',
        scale: [1 / (255 * r), 1 / (255 * g), 1 / (255 * b)],
        offset: [-MEAN[0] / r, -MEAN[1] / g, -MEAN[2] / b],
      };
    }
    default:
      throw new UsageError(
        'backbone/normalisation',
        `normalisation: expected one of ${NORMALISATIONS.join(', ')}, got ${String(normalisation)}`,
      );
  }
}

/** What is known of files that do not say it themselves, by SHA-256. */
export interface KnownFile {
  readonly normalisation: Normalisation;
  readonly licence: string;
  readonly origin: string;
}

export const KNOWN_FILES: ReadonlyMap<string, KnownFile> = new Map([
  [
    '62b89a0d70a47fefc0faa3e5504f89c80e8f78113b821d94ab8d8b6aa58ff02f',
    {
      normalisation: 'symmetric',
      licence: 'Apache-2.0',
      origin: 'MobileNetV2 1.0 at 224, trained on ImageNet; weights on an 8-bit grid',
    },
  ],
]);
