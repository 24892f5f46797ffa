/** The layers of a network with the names of their weights, those of networks inside it among them. */

import { z } from 'zod';
import type { Found } from './match-layers.ts';
import { NETWORKS, parse, readNetwork } from './topology.ts';
import { weightNames } from './weight-names.ts';

export interface ListedLayer extends Found {
  readonly weights: readonly string[];
}

const NetworkJson = z.object({ class_name: z.string(), config: z.unknown() });

/** @param network `class_name` and `config`, as Keras writes them @throws {ModelError} a structure that is none of Keras 2 */
export function listLayers(network: unknown, where: string): ListedLayer[] {
  const { class_name, config } = parse(NetworkJson, network, where);
  const list = (type: string, inner: unknown, nested: boolean): ListedLayer[] =>
    readNetwork(type, inner, where).layers.flatMap((layer) =>
      NETWORKS.includes(layer.type)
        ? list(layer.type, layer.config, true)
        : [{ name: layer.name, weights: weightNames(layer.type, layer.config), nested }],
    );
  return list(class_name, config, false);
}
