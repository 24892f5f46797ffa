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
 * - `clip`: the same with the statistics that CLIP's image towers were trained with (Radford et al. 2021, arXiv:2103.00020)
 * - `caffe`: u8 − mean, channels BGR: Keras' ResNet50, VGG16 and VGG19
 * - `raw`: u8 as it is, for networks that normalise themselves, such as Keras' EfficientNet
 */
export type Normalisation =
  | (typeof NORMALISATIONS)[number]
  | {
      readonly scale: readonly [number, number, number];
      readonly offset: readonly [number, number, number];
      /** Default RGB. */
      readonly channels?: 'RGB' | 'BGR';
    };

export const NORMALISATIONS = ['unit', 'symmetric', 'imagenet', 'clip', 'caffe', 'raw'] as const;

/** What each convention is, in a few words for messages and help. */
export const NORMALISATION_WORDS =
  'unit is u8 / 255; symmetric is −1 to 1; imagenet and clip are mean and deviation of those; caffe is BGR − mean; raw is 0 to 255';

type Triple = readonly [number, number, number];
const IMAGENET: Statistics = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };
const CLIP: Statistics = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  deviation: [0.26862954, 0.26130258, 0.27577711],
};
/** ImageNet's mean in 0 to 255, blue first. */
const CAFFE_MEAN: Triple = [103.939, 116.779, 123.68];

/** Of RGB / 255. */
interface Statistics {
  readonly mean: Triple;
  readonly deviation: Triple;
}

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
    case 'imagenet':
      return standardised(IMAGENET);
    case 'clip':
      return standardised(CLIP);
    case 'caffe': {
      const [b, g, r] = CAFFE_MEAN;
      return { channels: 'BGR', scale: [1, 1, 1], offset: [-b, -g, -r] };
    }
    case 'raw':
      return { channels: 'RGB', scale: [1, 1, 1], offset: [0, 0, 0] };
    default:
      throw new UsageError(
        'backbone/normalisation',
        `normalisation: expected one of ${NORMALISATIONS.join(', ')}, got ${String(normalisation)}`,
      );
  }
}

/** (u8 / 255 − mean) / deviation = u8 · 1 / (255 · deviation) − mean / deviation */
function standardised({ mean, deviation: [r, g, b] }: Statistics): Pixels {
  return {
    channels: 'RGB',
    scale: [1 / (255 * r), 1 / (255 * g), 1 / (255 * b)],
    offset: [-mean[0] / r, -mean[1] / g, -mean[2] / b],
  };
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
  [
    '17154246284f555591549ac2c83e127abfbf4307dc4b0060fdaa2931d0fa38da',
    { normalisation: 'caffe', licence: 'MIT', origin: 'SqueezeNet 1.1 at 227, trained on ImageNet' },
  ],
]);
