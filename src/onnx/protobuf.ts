/** ONNX files to models and back. The only file that knows the protobuf library. */
import { readFileSync } from 'node:fs';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType as A,
  type AttributeProto,
  AttributeProtoSchema,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  type TypeProto,
  TypeProto_SequenceSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { ModelError, messageOf, systemCode } from '../core/errors.ts';
import { codeOf, dataTypeOf, tensorOver, zeros } from './data-types.ts';
import {
  type Attribute,
  type Attributes,
  type Dim,
  type Model,
  type Node,
  sizeOf,
  type Tensor,
  type ValueInfo,
} from './model.ts';

const text = new TextDecoder();
const bytes = new TextEncoder();

/**
 * Parses the bytes of an ONNX file.
 *
 * @param data the file
 * @param where how messages name it
 * @throws {ModelError} not an ONNX model, external data, or a feature nevus does not read (subgraphs, sparse tensors)
 */
export function decodeModel(data: Uint8Array, where = 'model'): Model {
  let proto: ModelProto;
  try {
    proto = fromBinary(ModelProtoSchema, data);
  } catch (error) {
    throw new ModelError(
      'onnx/parse',
      `${where}: expected an ONNX model, got ${data.byteLength} bytes that are none (${messageOf(error)})`,
      undefined,
      { cause: error },
    );
  }
  const { graph } = proto;
  if (graph === undefined || graph.node.length === 0 || proto.opsetImport.length === 0) {
    throw new ModelError('onnx/empty', `${where}: expected an ONNX model, got a file without a graph`);
  }
  if (proto.functions.length > 0)
    throw new ModelError(
      'onnx/functions',
      `${where}: model-local functions are not supported`,
      'Export the model with functions inlined.',
    );
  const domains: Record<string, number> = {};
  let opset = 1;
  for (const { domain, version } of proto.opsetImport) {
    if (domain === '' || domain === 'ai.onnx') opset = Number(version);
    else domains[domain] = Number(version);
  }
  return {
    opset,
    domains,
    irVersion: Number(proto.irVersion),
    producer: proto.producerName,
    metadata: Object.fromEntries(proto.metadataProps.map((p) => [p.key, p.value])),
    graph: {
      nodes: graph.node.map((n, i): Node => {
        const domain = n.domain === 'ai.onnx' ? '' : n.domain;
        const name = n.name === '' ? `${n.opType}_${i}` : n.name;
        return {
          op: n.opType,
          domain,
          name,
          inputs: n.input,
          outputs: n.output,
          attributes: decodeAttributes(n.attribute, `${where}: node ${name}`),
        };
      }),
      inputs: graph.input.map((v) => decodeValueInfo(v, where)),
      outputs: graph.output.map((v) => decodeValueInfo(v, where)),
      initializers: new Map(graph.initializer.map((t) => [t.name, decodeTensor(t, `${where}: initializer ${t.name}`)])),
    },
  };
}

/** Reads an ONNX file. @throws {ModelError} as `decodeModel`, and for a path that cannot be read */
export function readModel(path: string): Model {
  let data: Uint8Array;
  try {
    data = readFileSync(path);
  } catch (error) {
    throw new ModelError('onnx/read', `${path}: cannot be read: ${systemCode(error) ?? messageOf(error)}`, undefined, {
      cause: error,
    });
  }
  return decodeModel(data, path);
}

/** The bytes of a model's ONNX file. The same model always gives the same bytes. */
export function encodeModel(model: Model): Uint8Array {
  const { graph } = model;
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: BigInt(model.irVersion),
      producerName: model.producer,
      opsetImport: Object.entries({ '': model.opset, ...model.domains }).map(([domain, version]) =>
        create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
      ),
      metadataProps: Object.entries(model.metadata).map(([key, value]) =>
        create(StringStringEntryProtoSchema, { key, value }),
      ),
      graph: create(GraphProtoSchema, {
        name: 'nevus',
        node: graph.nodes.map((n) =>
          create(NodeProtoSchema, {
            opType: n.op,
            domain: n.domain,
            name: n.name,
            input: [...n.inputs],
            output: [...n.outputs],
            attribute: Object.entries(n.attributes).map(([k, v]) => encodeAttribute(k, v)),
          }),
        ),
        initializer: [...graph.initializers].map(([name, tensor]) => encodeTensor(name, tensor)),
        input: graph.inputs.map(encodeValueInfo),
        output: graph.outputs.map(encodeValueInfo),
      }),
    }),
  );
}

function decodeAttributes(attributes: readonly AttributeProto[], where: string): Attributes {
  const out: Record<string, Attribute> = {};
  for (const a of attributes) out[a.name] = decodeAttribute(a, `${where}: attribute ${a.name}`);
  return out;
}

function decodeAttribute(a: AttributeProto, where: string): Attribute {
  switch (a.type) {
    case A.FLOAT:
      return { kind: 'float', value: a.f };
    case A.INT:
      return { kind: 'int', value: Number(a.i) };
    case A.STRING:
      return { kind: 'string', value: text.decode(a.s) };
    case A.FLOATS:
      return { kind: 'floats', value: a.floats };
    case A.INTS:
      return { kind: 'ints', value: a.ints.map(Number) };
    case A.STRINGS:
      return { kind: 'strings', value: a.strings.map((s) => text.decode(s)) };
    case A.TENSOR:
      if (a.t !== undefined) return { kind: 'tensor', value: decodeTensor(a.t, where) };
  }
  throw new ModelError('onnx/attribute', `${where}: attributes of type ${A[a.type] ?? a.type} are not supported`);
}

function encodeAttribute(name: string, a: Attribute): AttributeProto {
  switch (a.kind) {
    case 'float':
      return create(AttributeProtoSchema, { name, type: A.FLOAT, f: a.value });
    case 'int':
      return create(AttributeProtoSchema, { name, type: A.INT, i: BigInt(a.value) });
    case 'string':
      return create(AttributeProtoSchema, { name, type: A.STRING, s: bytes.encode(a.value) });
    case 'floats':
      return create(AttributeProtoSchema, { name, type: A.FLOATS, floats: [...a.value] });
    case 'ints':
      return create(AttributeProtoSchema, { name, type: A.INTS, ints: a.value.map(BigInt) });
    case 'strings':
      return create(AttributeProtoSchema, {
        name,
        type: A.STRINGS,
        strings: a.value.map((s) => bytes.encode(s)),
      });
    case 'tensor':
      return create(AttributeProtoSchema, { name, type: A.TENSOR, t: encodeTensor('', a.value) });
  }
}

function decodeTensor(t: TensorProto, where: string): Tensor {
  if (t.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    throw new ModelError(
      'onnx/external',
      `${where}: weights are in an external file, which is not supported`,
      'Save the model as one file.',
    );
  }
  const dims = t.dims.map(Number);
  const dtype = dataTypeOf(t.dataType, where);
  const tensor = zeros(dtype, dims);
  const size = sizeOf(dims);
  const mismatch = (got: number, unit: string): ModelError =>
    new ModelError(
      'onnx/tensor',
      `${where}: expected ${size} values of ${dtype} for [${dims.join(', ')}], got ${got} ${unit}`,
    );
  if (t.rawData.byteLength > 0 || size === 0) {
    if (t.rawData.byteLength !== tensor.data.byteLength) throw mismatch(t.rawData.byteLength, 'bytes');
    // Copied, because raw data may start at any byte of the file; not by `slice`, which shares memory where the file is a
    // Buffer. Little-endian, as every machine Node runs on.
    return tensorOver(dtype, new Uint8Array(t.rawData).buffer, dims);
  }
  const values =
    t.floatData.length > 0
      ? t.floatData
      : t.doubleData.length > 0
        ? t.doubleData
        : t.int32Data.length > 0
          ? t.int32Data
          : t.int64Data.length > 0
            ? t.int64Data
            : t.uint64Data;
  if (values.length !== size) throw mismatch(values.length, 'values');
  if (tensor.dtype === 'int64' || tensor.dtype === 'uint64')
    for (let i = 0; i < size; i++) tensor.data[i] = BigInt(values[i]!);
  else for (let i = 0; i < size; i++) tensor.data[i] = Number(values[i]);
  return tensor;
}

function encodeTensor(name: string, tensor: Tensor): TensorProto {
  const { buffer, byteOffset, byteLength } = tensor.data;
  const rawData = new Uint8Array(byteLength);
  rawData.set(new Uint8Array(buffer, byteOffset, byteLength));
  return create(TensorProtoSchema, {
    name,
    dataType: codeOf(tensor.dtype),
    dims: tensor.dims.map(BigInt),
    rawData,
  });
}

function decodeValueInfo(v: ValueInfoProto, where: string): ValueInfo {
  const type = v.type?.value;
  if (type?.case !== 'tensorType')
    throw new ModelError('onnx/value', `${where}: ${v.name}: expected a tensor, got ${type?.case ?? 'no type'}`);
  const { elemType, shape } = type.value;
  const dims = (shape?.dim ?? []).map((d, i): Dim => {
    if (d.value.case === 'dimValue') return Number(d.value.value);
    return d.value.case === 'dimParam' && d.value.value !== '' ? d.value.value : `${v.name}_${i}`;
  });
  return { name: v.name, dtype: dataTypeOf(elemType, `${where}: ${v.name}`), dims };
}

function encodeValueInfo(v: ValueInfo): ValueInfoProto {
  const dim = v.dims.map((d) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof d === 'number' ? { case: 'dimValue', value: BigInt(d) } : { case: 'dimParam', value: d },
    }),
  );
  const tensorType = create(TypeProto_TensorSchema, {
    elemType: codeOf(v.dtype),
    shape: create(TensorShapeProtoSchema, { dim }),
  });
  const tensor = create(TypeProtoSchema, { value: { case: 'tensorType', value: tensorType } });
  const sequence = (): TypeProto =>
    create(TypeProtoSchema, {
      value: { case: 'sequenceType', value: create(TypeProto_SequenceSchema, { elemType: tensor }) },
    });
  return create(ValueInfoProtoSchema, { name: v.name, type: v.sequence === true ? sequence() : tensor });
}
