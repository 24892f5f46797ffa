import { hash32 } from '../../core/hash.ts';
import { type Rng, rngOf } from '../../core/rng.ts';
import { type Cell, cellNoise, fractalNoise, smoothstep, valueNoise } from './noise.ts';
import { drawOutline, type Outline, radiusAt } from './outline.ts';
import type { Lesion, Pigment } from './plan.ts';
import { type LinearRgb, labToLinear } from './skin-colour.ts';

/** Gives the linear-light colour of the skin at a place, mm from the middle of the lesion, into `out`. */
export type Paint = (u: number, v: number, out: Float32Array) => void;

/**
 * How a pigment changes skin: what it lets through, and how much of it is replaced by a colour of its own. Melanin and
 * blood filter the skin's colour; the blue-grey veil and the white of regression scatter light above it.
 */
const OPTICS: Readonly<
  Record<Pigment, { readonly through: LinearRgb; readonly own: LinearRgb; readonly veil: number }>
> = {
  'light-brown': { through: [0.62, 0.42, 0.27], own: [0, 0, 0], veil: 0 },
  'dark-brown': { through: [0.25, 0.125, 0.075], own: [0, 0, 0], veil: 0 },
  black: { through: [0.035, 0.025, 0.024], own: [0, 0, 0], veil: 0 },
  red: { through: [0.8, 0.36, 0.32], own: [0.4, 0.13, 0.11], veil: 0.2 },
  'blue-grey': { through: [0.3, 0.4, 0.5], own: [0.17, 0.195, 0.235], veil: 0.72 },
  white: { through: [1, 1, 1], own: [0.72, 0.56, 0.51], veil: 0.62 },
};

/** A region of one colour inside the lesion. */
interface Patch {
  readonly colour: LinearRgb;
  /** How much of the dark structure it hides, 0…1. */
  readonly veil: number;
  readonly u: number;
  readonly v: number;
  readonly radius: number;
  /** Strength of its mirror image on the other side, 0…1: what makes a many-coloured lesion symmetric. */
  readonly twin: number;
  readonly salt: number;
}

/**
 * The lesion and the skin around it as a function of the place, so that every picture of a lesion shows the same one.
 * Bigger asymmetry: one-sided colours, darkness and network. Bigger border: notches, an abrupt edge.
 */
export function paintLesion(lesion: Lesion, seed: number): Paint {
  const rng = rngOf(seed, 'phantom', 'paint', lesion.id);
  const salt = hash32(`${seed} ${lesion.id}`);
  const skin = labToLinear(lesion.patient.skin);
  const outline = drawOutline(lesion, seed, lesion.id);
  const radius = lesion.diameter / 2;
  const ground = pigmented(skin, lesion.pigments[0]!);
  const patches = drawPatches(lesion, outline, skin, salt, rng);
  const net = pigmented(skin, 'dark-brown');
  const lean = rng.uniform(0, 2 * Math.PI);
  const leanU = (Math.cos(lean) * lesion.asymmetry) / radius;
  const leanV = (Math.sin(lean) * lesion.asymmetry) / radius;
  const centreDark = rng.uniform(-0.1, 0.3) * (1 - lesion.asymmetry);
  const soft = 0.12 + 0.5 * (1 - lesion.border) * Math.min(1, radius / 3);
  const bend = 0.55 * radius ** 0.5;
  const structure = drawStructure(lesion, rng);
  const cell: Cell = { first: 0, second: 0, value: 0 };

  return (u, v, out) => {
    const mottle = fractalNoise(u * 0.45, v * 0.45, salt, 2);
    const grain = valueNoise(u * 3.1, v * 3.1, salt + 1);
    // Skin: patchy melanin (dims blue most) and blood (dims green and blue), a fine grain of furrows.
    // A place is inside one of the small polygons that the lines of the skin enclose.
    cellNoise(u * 1.7 + 0.15 * grain, v * 1.7, salt + 6, 1, cell);
    const furrow = smoothstep(0.12, 0, cell.second - cell.first);
    const lightness = 1 + 0.05 * mottle + 0.025 * grain - 0.045 * furrow;
    const flush = 1 + 0.06 * valueNoise(u * 0.8, v * 0.8, salt + 2);
    let r = skin[0] * lightness;
    let g = skin[1] * lightness * flush;
    let b = skin[2] * lightness * flush;

    const distance = Math.hypot(u, v);
    if (distance < radius * 1.45) {
      const inside = radiusAt(outline, Math.atan2(v, u)) - distance; // mm, along the ray
      const cover = smoothstep(-soft, soft, inside + soft * (0.25 * grain + 0.5 * mottle));
      if (cover > 0) {
        const blotch = fractalNoise(u * 0.9, v * 0.9, salt + 3, 4);
        let lr = ground[0];
        let lg = ground[1];
        let lb = ground[2];
        let clear = 1;
        const wu = u + bend * fractalNoise(u * 0.75, v * 0.75, salt + 4, 3);
        const wv = v + bend * fractalNoise(u * 0.75, v * 0.75, salt + 5, 3);
        for (const patch of patches) {
          const weight = patchWeight(patch, wu, wv);
          if (weight === 0) continue;
          clear *= 1 - weight * patch.veil;
          lr += weight * (patch.colour[0] - lr);
          lg += weight * (patch.colour[1] - lg);
          lb += weight * (patch.colour[2] - lb);
        }
        // Pigment is denser on one side, in the middle, and in blotches.
        const density =
          0.75 * (u * leanU + v * leanV) + centreDark * (1 - distance / radius) + 0.34 * blotch + 0.1 * grain;
        const dim = Math.exp(-density);
        lr *= dim;
        lg *= dim ** 1.15;
        lb *= dim ** 1.2;

        const line = clear * structure(u, v, inside, cell, salt);
        lr += line * (net[0] * 0.8 - lr);
        lg += line * (net[1] * 0.8 - lg);
        lb += line * (net[2] * 0.8 - lb);

        r += cover * (lr - r);
        g += cover * (lg - g);
        b += cover * (lb - b);
      }
    }
    out[0] = r;
    out[1] = g;
    out[2] = b;
  };
}

/** A skin colour under a pigment. */
function pigmented(skin: LinearRgb, pigment: Pigment): LinearRgb {
  const { through, own, veil } = OPTICS[pigment];
  const mixed = (c: 0 | 1 | 2): number =>
    (1 - veil) * skin[c] * through[c] + veil * own[c] * (0.45 + 0.55 * skin[0] ** 0.5);
  return [mixed(0), mixed(1), mixed(2)];
}

/** One region per colour after the ground colour: concentric in a symmetric lesion, scattered in an asymmetric one. */
function drawPatches(lesion: Lesion, outline: Outline, skin: LinearRgb, salt: number, rng: Rng): Patch[] {
  const colours = lesion.pigments.slice(1);
  const start = rng.uniform(0, 2 * Math.PI);
  return colours.map((pigment, index) => {
    const angle = start + (2 * Math.PI * (index + rng.uniform(-0.15, 0.15))) / colours.length;
    const reach = radiusAt(outline, angle);
    const alone = colours.length === 1 ? 0.75 * lesion.asymmetry : 0.35 + 0.25 * lesion.asymmetry;
    const size = colours.length === 1 ? 0.62 : 0.52 - 0.035 * colours.length;
    return {
      colour: pigmented(skin, pigment),
      veil: OPTICS[pigment].veil,
      u: Math.cos(angle) * reach * alone,
      v: Math.sin(angle) * reach * alone,
      radius: (lesion.diameter / 2) * size * rng.uniform(0.9, 1.15),
      twin: 1 - smoothstep(0.2, 0.55, lesion.asymmetry),
      salt: salt + 100 * (index + 1),
    };
  });
}

function patchWeight(patch: Patch, u: number, v: number): number {
  const here = Math.hypot(u - patch.u, v - patch.v) / patch.radius;
  const there = patch.twin > 0 ? Math.hypot(u + patch.u, v + patch.v) / patch.radius : 9;
  if (here > 1.6 && there > 1.6) return 0;
  const wobble = 0.35 * valueNoise(u * 1.1, v * 1.1, patch.salt);
  const own = smoothstep(1.25, 0.7, here + wobble);
  return 0.94 * Math.max(own, patch.twin * smoothstep(1.25, 0.7, there + wobble));
}

/** Strength of the dark structure at a place, 0…1: the pigment network, globules, or none. */
type Structure = (u: number, v: number, inside: number, cell: Cell, salt: number) => number;

function drawStructure(lesion: Lesion, rng: Rng): Structure {
  const side = rng.uniform(0, 2 * Math.PI);
  const [su, sv] = [Math.cos(side) / lesion.diameter, Math.sin(side) / lesion.diameter];
  if (lesion.network !== 'none') {
    const atypical = lesion.network === 'atypical';
    const pitch = 1 / (atypical ? rng.uniform(0.45, 0.65) : rng.uniform(0.36, 0.46)); // meshes per mm
    const jitter = atypical ? 0.95 : 0.35;
    const strength = atypical ? 0.8 : 0.62;
    return (u, v, inside, cell, salt) => {
      const sway = 0.3 * valueNoise(u * 2.2, v * 2.2, salt + 14);
      const { first, second } = cellNoise(u * pitch + sway, v * pitch - sway, salt + 11, jitter, cell);
      const thick = atypical ? 0.2 + 0.14 * valueNoise(u, v, salt + 12) : 0.16;
      const line = smoothstep(thick, thick * 0.25, second - first);
      // A typical net thins out at the edge; an atypical one stops there, and covers one side only.
      const where = atypical
        ? smoothstep(-0.1, 0.25, u * su + v * sv + 0.12 + 0.2 * valueNoise(u * 0.7, v * 0.7, salt + 13))
        : smoothstep(0, 0.9, inside);
      return strength * line * where;
    };
  }
  if (lesion.globules) {
    const pitch = 1 / rng.uniform(0.42, 0.65);
    const jitter = 0.3 + 0.7 * lesion.asymmetry;
    return (u, v, inside, cell, salt) => {
      const { first, value } = cellNoise(u * pitch, v * pitch, salt + 21, jitter, cell);
      const size = 0.16 + 0.2 * value;
      return 0.75 * smoothstep(size + 0.07, size - 0.07, first) * smoothstep(0, 0.4, inside) * (value > 0.25 ? 1 : 0);
    };
  }
  return () => 0;
}
