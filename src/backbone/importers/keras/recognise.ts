/** Which Keras application a list of layers is. */
import { ModelError } from '../../../core/errors.ts';
import { APPLICATION_NAMES, APPLICATIONS, type Application, type ApplicationName } from './applications/table.ts';
import type { KerasNetwork } from './applications/writer.ts';
import { layerOrder } from './layer-order.ts';
import { type Expected, type Found, type Matching, matchLayers } from './match-layers.ts';
import { readNetwork } from './topology.ts';
import { weightNames } from './weight-names.ts';

/** A network, and where each of its layers' weights are. */
export interface Recognised<F extends Found> {
  readonly name: ApplicationName;
  readonly application: Application;
  readonly network: KerasNetwork;
  readonly matching: Matching<F>;
}

/**
 * The application whose every layer is there, without others between them.
 *
 * @param name the only one to consider; default all
 * @param layers in the file's order, with weights or without
 * @throws {ModelError} none; the message names layers that are missing or too many
 */
export function recognise<F extends Found>(
  layers: readonly F[],
  where: string,
  options: { readonly name?: ApplicationName; readonly size?: number } = {},
): Recognised<F> {
  const asked = options.name === undefined ? APPLICATION_NAMES : [options.name];
  const tries = asked.flatMap((name) => attempts(name, layers, options.size));
  const [nearest] = tries.sort((a, b) => faults(a.matching) - faults(b.matching));
  if (nearest !== undefined && faults(nearest.matching) === 0) return nearest;
  throw new ModelError(
    'keras/architecture',
    `${where}: expected the layers of ${asked.join(', ')}, got others${nearest === undefined ? '' : `; nearest is ${nearest.name}, ${difference(nearest.matching)}`}`,
    'A whole model (model.save of Keras 2) says its architecture itself.',
  );
}

/** As `recognise`, where none is no error. */
export function resemblance(layers: readonly Found[]): Application | undefined {
  const tries = APPLICATION_NAMES.flatMap((name) => attempts(name, layers, undefined));
  return tries.find(({ matching }) => faults(matching) === 0)?.application;
}

function attempts<F extends Found>(name: ApplicationName, layers: readonly F[], size?: number): Recognised<F>[] {
  const application: Application = APPLICATIONS[name];
  const listed = new Set(layers.map((layer) => layer.name));
  return application.versions.map(({ network: build, storedName }) => {
    const network = build(size ?? application.size, listed);
    return { name, application, network, matching: matchLayers(expectedOf(network, storedName), layers) };
  });
}

function expectedOf({ config, numbered }: KerasNetwork, storedName: (layer: string) => string): Expected[] {
  const network = readNetwork('Functional', config, 'backbone');
  const byName = new Map(network.layers.map((layer) => [layer.name, layer]));
  return layerOrder(network).flatMap((name): Expected[] => {
    const layer = byName.get(name);
    const weights = layer === undefined ? [] : weightNames(layer.type, layer.config);
    if (weights.length === 0) return [];
    return [{ name, stored: numbered.has(name) ? undefined : storedName(name), weights }];
  });
}

function faults({ missing, unexpected }: Matching<Found>): number {
  return missing.length + unexpected.length;
}

function difference({ missing, unexpected }: Matching<Found>): string {
  return [
    ...(missing.length === 0 ? [] : [`without ${shortened(missing)}`]),
    ...(unexpected.length === 0 ? [] : [`with ${shortened(unexpected)} besides`]),
  ].join(' and ');
}

const SHOWN = 6;

function shortened(names: readonly string[]): string {
  const rest = names.length - SHOWN;
  return `${names.slice(0, SHOWN).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}
