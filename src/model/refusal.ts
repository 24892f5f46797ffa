import type { RgbImage } from '../image/types.ts';
import { imageQuality, QUALITY_LIMITS, qualityProblem } from './quality.ts';
import type { Settled } from './settled.ts';

/**
 * Why a model should not be asked about an image: the picture itself is not good enough, or it is unlike everything the model
 * was trained on. What is refused for its likeness is about one in a hundred of the images that the model was made for, and
 * what is not refused may still be another thing: the answer of a model is no proof that the question made sense.
 *
 * @param oodScore the model's own, or undefined where it has none
 * @returns undefined for an image that is accepted
 */
export function refusalOf(
  { quality, ood }: Pick<Settled, 'quality' | 'ood'>,
  image: RgbImage,
  oodScore: number | undefined,
): string | undefined {
  const problem = qualityProblem(imageQuality(image), quality ?? QUALITY_LIMITS);
  if (problem !== undefined) return problem;
  if (ood === undefined || oodScore === undefined || oodScore <= ood.threshold) return undefined;
  return `unlike the training images: score ${oodScore.toPrecision(3)}, expected ${ood.threshold.toPrecision(3)} at most`;
}
