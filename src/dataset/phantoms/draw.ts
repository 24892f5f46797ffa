import { rngOf } from '../../core/rng.ts';
import type { RgbImage } from '../../image/types.ts';
import { takePicture } from './camera.ts';
import { drawHairs, drawRuler } from './overlay.ts';
import { paintLesion } from './paint-lesion.ts';
import { FIELD_MM, type Shot } from './plan.ts';

/**
 * Draws one picture: skin and lesion from this picture's distance and angle, then hairs, then the scale on the glass,
 * then the camera.
 *
 * @param size width and height in pixels
 */
export function drawPhantom(shot: Shot, options: { readonly seed: number; readonly size: number }): RgbImage {
  const { size, seed } = options;
  const rng = rngOf(seed, 'phantom', 'picture', shot.id);
  const paint = paintLesion(shot.lesion, seed);
  const mmPerPixel = FIELD_MM / shot.magnification / size;
  const room = Math.max(0, 0.45 - (0.5 * shot.lesion.diameter * shot.magnification) / FIELD_MM);
  const cx = size * (0.5 + 0.3 * room * rng.normal());
  const cy = size * (0.5 + 0.3 * room * rng.normal());
  const cos = Math.cos(shot.rotation) * mmPerPixel;
  const sin = Math.sin(shot.rotation) * mmPerPixel;

  const scene = new Float32Array(size * size * 3);
  const colour = new Float32Array(3);
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      paint((x - cx) * cos + (y - cy) * sin, (y - cy) * cos - (x - cx) * sin, colour);
      scene[at++] = colour[0]!;
      scene[at++] = colour[1]!;
      scene[at++] = colour[2]!;
    }
  }
  drawHairs(scene, size, shot.hair, rng);
  if (shot.ruler) drawRuler(scene, size, 1 / mmPerPixel, rng);
  return takePicture(scene, size, shot.lesion.patient.source, rng);
}
