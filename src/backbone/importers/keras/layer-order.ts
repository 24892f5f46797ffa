/** The order in which Keras lists the layers of a functional model, which is not that of the code that made it. */
import type { LayerConfig, Network } from './topology.ts';

/**
 * Names of the layers as Keras 2 sorts them: by depth, the longest way to an output, from the input on; layers of one
 * depth as a walk from the outputs to the inputs meets them first, each layer before what it reads.
 *
 * @param network whose layers are called once each
 */
export function layerOrder(network: Network): string[] {
  const byName = new Map(network.layers.map((layer) => [layer.name, layer]));
  const sourcesOf = (layer: LayerConfig | undefined): string[] => (layer?.uses[0] ?? []).map((s) => s.layer);
  const met = new Set<string>();
  /** Each layer after what it reads. */
  const finished = new Set<string>();
  const walk = (name: string): void => {
    if (met.has(name)) return;
    met.add(name);
    for (const source of sourcesOf(byName.get(name))) walk(source);
    finished.add(name);
  };
  for (const { layer } of network.outputs) walk(layer);

  const depths = new Map<string, number>();
  for (const name of [...finished].reverse()) {
    const depth = depths.get(name) ?? 0;
    depths.set(name, depth);
    for (const source of sourcesOf(byName.get(name))) depths.set(source, Math.max(depths.get(source) ?? 0, depth + 1));
  }
  // `met` is in the order of the walk, and sorting is stable.
  return [...met].sort((a, b) => depths.get(b)! - depths.get(a)!);
}
