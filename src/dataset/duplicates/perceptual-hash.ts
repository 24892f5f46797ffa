/** One number of a perceptual hash: a coefficient of a plane, and how much copies of an image differ in it. */
interface Coefficient {
  readonly plane: 'luma' | 'red' | 'blue' | 'contrast';
  /** Frequency downwards and to the right, in half waves per window. */
  readonly u: number;
  readonly v: number;
  /** What the number is divided by. */
  readonly noise: number;
}

/**
 * Root mean square change of each coefficient [u][v] when an image loses up to 10 % of its sides, measured on 400 HAM10000
 * images and made symmetric. Low frequencies of luma and mean colours differ most between lesions for the noise they have, which
 * is why this is the unit of distance.
 */
const NOISE = {
  luma: [
    [1, 0.067, 0.057, 0.054],
    [0.067, 0.034, 0.047, 0.028],
    [0.057, 0.047, 0.064, 0.05],
    [0.054, 0.028, 0.05, 0.032],
  ],
  red: [
    [0.0151, 0.0049, 0.0033],
    [0.0049, 0.0022, 0.0029],
    [0.0033, 0.0029, 0.0037],
  ],
  blue: [
    [0.0094, 0.0045, 0.0035],
    [0.0045, 0.0024, 0.0029],
    [0.0035, 0.0029, 0.0041],
  ],
  contrast: [[0.06]],
} as const;
const ORDER = NOISE.luma.length;

/** The most telling first, so that a distance that grows too large is given up early; the mean of luma is 0. */
const COEFFICIENTS: readonly Coefficient[] = (['red', 'blue', 'contrast', 'luma'] as const).flatMap((plane) =>
  NOISE[plane].flatMap((row, u) =>
    row.flatMap((noise, v) => (plane === 'luma' && u + v === 0 ? [] : [{ plane, u, v, noise }])),
  ),
);

/** Part of an image: left, top, width and height as fractions of its sides. */
export interface Window {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The planes that a hash is made of, each [side × side]. */
export interface Planes {
  readonly side: number;
  readonly luma: Float32Array;
  /** Luma squared. */
  readonly squares: Float32Array;
  /** Red less luma. */
  readonly red: Float32Array;
  /** Blue less luma. */
  readonly blue: Float32Array;
}

/** Added to mean luma and contrast (0…255), to keep noise in black or flat pictures from becoming colour or structure. */
const FLOOR = { mean: 8, contrast: 2 };

/**
 * Perceptual hashes of windows of an image: the lowest coefficients of a cosine transform, as in the DCT hash but kept as
 * numbers and not as signs. Of luma, divided by its contrast; of the two colour differences, divided by mean luma; and
 * the logarithm of contrast by mean. Neither size, compression, brightness nor a change of aspect moves them much.
 *
 *   c_uv = k_u k_v mean over the window of z cos(π y u) cos(π x v), with k_0 = 1, else √2, and x, y in 0…1 across the window
 *
 * @returns one hash a window, in units of the noise of copies
 * @see Zauner 2010, Implementation and benchmarking of perceptual image hash functions, section 3.1
 */
export function hashesOf(planes: Planes, windows: readonly Window[]): Float32Array[] {
  const { side } = planes;
  // Windows share their columns: each plane is projected on them once.
  const rowsOf = new Map<string, Record<'luma' | 'squares' | 'red' | 'blue', Float32Array[]>>();
  const rows = (x: number, width: number) => {
    const key = `${x} ${width}`;
    const known = rowsOf.get(key);
    if (known !== undefined) return known;
    const waves = wavesOf(x, width, side);
    const colour = waves.slice(0, NOISE.red.length);
    const made = {
      luma: waves.map((wave) => project(planes.luma, wave)),
      squares: waves.slice(0, 1).map((wave) => project(planes.squares, wave)),
      red: colour.map((wave) => project(planes.red, wave)),
      blue: colour.map((wave) => project(planes.blue, wave)),
    };
    rowsOf.set(key, made);
    return made;
  };
  return windows.map(({ x, y, width, height }) => {
    const columns = rows(x, width);
    const waves = wavesOf(y, height, side);
    const mean = dot(columns.luma[0]!, waves[0]!) + FLOOR.mean;
    const variance = dot(columns.squares[0]!, waves[0]!) - (mean - FLOOR.mean) ** 2;
    const contrast = Math.sqrt(Math.max(0, variance)) + FLOOR.contrast;
    return Float32Array.from(COEFFICIENTS, ({ plane, u, v, noise }) => {
      if (plane === 'contrast') return Math.log(contrast / mean) / noise;
      return dot(columns[plane][v]!, waves[u]!) / (plane === 'luma' ? contrast : mean) / noise;
    });
  });
}

/** Cosine waves across a window, times each pixel's share of it: the weights of a mean. Pixels outside weigh nothing. */
function wavesOf(from: number, length: number, side: number): Float32Array[] {
  const [start, span] = [from * side, length * side];
  return Array.from({ length: ORDER }, (_, u) =>
    Float32Array.from({ length: side }, (_, i) => {
      const share = Math.max(0, Math.min(i + 1, start + span) - Math.max(i, start)) / span;
      return share * (u === 0 ? 1 : Math.SQRT2) * Math.cos((Math.PI * u * (i + 0.5 - start)) / span);
    }),
  );
}

/** A plane's rows, each times the wave and summed. */
function project(plane: Float32Array, wave: Float32Array): Float32Array {
  const side = wave.length;
  const out = new Float32Array(side);
  for (let y = 0; y < side; y++) {
    let sum = 0;
    for (let x = 0; x < side; x++) sum += plane[y * side + x]! * wave[x]!;
    out[y] = sum;
  }
  return out;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** One of the eight symmetries of the square: transposed first (rows become columns), then flipped and mirrored. */
interface Orientation {
  readonly transposed: boolean;
  /** Top to bottom. */
  readonly flipped: boolean;
  /** Left to right. */
  readonly mirrored: boolean;
}

const BOTH = [false, true] as const;

/** The identity first. */
export const ORIENTATIONS: readonly Orientation[] = BOTH.flatMap((transposed) =>
  BOTH.flatMap((flipped) => BOTH.map((mirrored) => ({ transposed, flipped, mirrored }))),
);

/** For each orientation and coefficient: where its number comes from, and its sign. */
const TURNS = ORIENTATIONS.map(({ transposed, flipped, mirrored }) =>
  COEFFICIENTS.map(({ plane, u, v }) => {
    const [row, column] = transposed ? [v, u] : [u, v];
    const from = COEFFICIENTS.findIndex((c) => c.plane === plane && c.u === row && c.v === column);
    // A wave of odd frequency is antisymmetric: mirroring changes its sign.
    const odd = (flipped ? u : 0) + (mirrored ? v : 0);
    return { from, sign: odd % 2 === 0 ? 1 : -1 };
  }),
);

/** The hash of an image that is turned or mirrored, from that of the image: no pixel is looked at again. */
export function turnedHash(hash: Float32Array, orientation: number): Float32Array {
  return Float32Array.from(TURNS[orientation]!, ({ from, sign }) => sign * hash[from]!);
}

/** The coefficients that the symmetries of the square exchange: c_uv and c_vu, or one alone. */
const ORBITS: readonly (readonly number[])[] = COEFFICIENTS.flatMap(({ plane, u, v }, at) => {
  const other = COEFFICIENTS.findIndex((c) => c.plane === plane && c.u === v && c.v === u);
  return other < at ? [] : [other === at ? [at] : [at, other]];
});

/**
 * A hash without its orientation: the sizes of its numbers, the greater first where a turn can exchange two. Sorting and
 * taking sizes bring numbers nearer, never apart, so two unoriented hashes are at most as far from each other as the hashes are in
 * the orientation that suits them best: one search finds the candidates of all eight.
 *
 * @returns as many numbers as the hash has
 */
export function unorientedHash(hash: Float32Array): Float32Array {
  const out = new Float32Array(hash.length);
  let to = 0;
  for (const [first, second] of ORBITS) {
    const a = hash[first!]!;
    const { u, v } = COEFFICIENTS[first!]!;
    if (second === undefined) {
      // A wave of even frequency both ways keeps its sign in every orientation.
      out[to++] = u % 2 === 0 && v % 2 === 0 ? a : Math.abs(a);
      continue;
    }
    const [p, q] = sizes(a, hash[second]!, u % 2 === 0 && v % 2 === 0);
    out[to++] = Math.max(p, q);
    out[to++] = Math.min(p, q);
  }
  return out;
}

function sizes(a: number, b: number, signed: boolean): [number, number] {
  return signed ? [a, b] : [Math.abs(a), Math.abs(b)];
}

/** Euclidean distance of two hashes, in units of the noise of copies. */
export function hashDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const d = a[i]! - b[i]!;
    sum += d * d;
  }
  return Math.sqrt(sum);
}

/** Where a window lies once its image is turned or mirrored. */
export function turnedWindow({ x, y, width, height }: Window, orientation: number): Window {
  const { transposed, flipped, mirrored } = ORIENTATIONS[orientation]!;
  const turned = transposed ? { x: y, y: x, width: height, height: width } : { x, y, width, height };
  return {
    ...turned,
    x: mirrored ? 1 - turned.x - turned.width : turned.x,
    y: flipped ? 1 - turned.y - turned.height : turned.y,
  };
}

/** A square plane [side × side], turned or mirrored. */
export function turnedPlane(plane: Uint8Array, side: number, orientation: number): Uint8Array {
  const { transposed, flipped, mirrored } = ORIENTATIONS[orientation]!;
  const out = new Uint8Array(side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const row = flipped ? side - 1 - y : y;
      const column = mirrored ? side - 1 - x : x;
      out[y * side + x] = transposed ? plane[column * side + row]! : plane[row * side + column]!;
    }
  }
  return out;
}
