/** Which layers of a file are those of a network. */

/** A layer that a network has. */
export interface Expected {
  readonly name: string;
  /** What the file calls it; undefined where Keras numbered it, so that its place in the order tells. */
  readonly stored: string | undefined;
  readonly weights: readonly string[];
}

/** A layer that a file has. */
export interface Found {
  readonly name: string;
  readonly weights: readonly unknown[];
  readonly nested: boolean;
}

export interface Matching<F extends Found> {
  /** The file's layer by the network's name. */
  readonly layers: ReadonlyMap<string, F>;
  /** Layers that the file does not have, by the name it should have them under. */
  readonly missing: readonly string[];
  /** Layers of the file that are not the network's, and not of a head behind it. */
  readonly unexpected: readonly string[];
}

/**
 * Matches layers with weights: by name, and numbered ones (`conv2d_7`) in their order, as Keras itself does, since the
 * numbers depend on what was built before. What the file has behind the last layer of the network is its head.
 *
 * @param expected in the order of Keras
 * @param found in the order of the file
 */
export function matchLayers<F extends Found>(expected: readonly Expected[], found: readonly F[]): Matching<F> {
  const weighted = found.filter(({ weights }) => weights.length > 0);
  const byName = new Map(weighted.map((layer) => [layer.name, layer]));
  const named = new Set(expected.map(({ stored }) => stored));
  const others = weighted.filter(({ name }) => !named.has(name));
  const numbered = expected.filter(({ stored }) => stored === undefined);
  // Within a network that is a layer, those that may train come first.
  const [inOrder, queue] = others.some(({ nested }) => nested)
    ? [byNumber(numbered), byNumber(others)]
    : [numbered, others];

  const layers = new Map<string, F>();
  const missing: string[] = [];
  const settle = ({ name, stored, weights }: Expected, candidate: F | undefined): void => {
    if (candidate?.weights.length === weights.length) layers.set(name, candidate);
    else missing.push(stored ?? name);
  };
  inOrder.forEach((layer, i) => {
    settle(layer, queue[i]);
  });
  for (const layer of expected) if (layer.stored !== undefined) settle(layer, byName.get(layer.stored));

  const used = new Set<Found>(layers.values());
  const last = weighted.findLastIndex((layer) => used.has(layer));
  const before = missing.length === 0 ? weighted.slice(0, last) : weighted;
  return { layers, missing, unexpected: before.filter((layer) => !used.has(layer)).map(({ name }) => name) };
}

/** Sorted by kind and number: `conv2d`, `conv2d_1`, …, the order they were built in. */
function byNumber<L extends { readonly name: string }>(layers: readonly L[]): L[] {
  const parts = (name: string): readonly [string, number] => {
    const [, kind = name, number = '0'] = /^(.*?)(?:_(\d+))?$/.exec(name) ?? [];
    return [kind, Number(number)];
  };
  return [...layers].sort((a, b) => {
    const [[kindA, numberA], [kindB, numberB]] = [parts(a.name), parts(b.name)];
    return kindA < kindB ? -1 : kindA > kindB ? 1 : numberA - numberB;
  });
}
