import type { Rule } from '../rule.ts';
import { Abs } from './Abs.ts';
import { Add } from './Add.ts';
import { AveragePool } from './AveragePool.ts';
import { BatchNormalization } from './BatchNormalization.ts';
import { Cast } from './Cast.ts';
import { Clip } from './Clip.ts';
import { Concat } from './Concat.ts';
import { Conv } from './Conv.ts';
import { Cos } from './Cos.ts';
import { Div } from './Div.ts';
import { Dropout } from './Dropout.ts';
import { Elu } from './Elu.ts';
import { Erf } from './Erf.ts';
import { Exp } from './Exp.ts';
import { Expand } from './Expand.ts';
import { Flatten } from './Flatten.ts';
import { Gather } from './Gather.ts';
import { GatherElements } from './GatherElements.ts';
import { Gelu } from './Gelu.ts';
import { Gemm } from './Gemm.ts';
import { GlobalAveragePool } from './GlobalAveragePool.ts';
import { GlobalMaxPool } from './GlobalMaxPool.ts';
import { HardSigmoid } from './HardSigmoid.ts';
import { HardSwish } from './HardSwish.ts';
import { Identity } from './Identity.ts';
import { InstanceNormalization } from './InstanceNormalization.ts';
import { LayerNormalization } from './LayerNormalization.ts';
import { LeakyRelu } from './LeakyRelu.ts';
import { Log } from './Log.ts';
import { LogSoftmax } from './LogSoftmax.ts';
import { MatMul } from './MatMul.ts';
import { Max } from './Max.ts';
import { MaxPool } from './MaxPool.ts';
import { Mean } from './Mean.ts';
import { Min } from './Min.ts';
import { Mish } from './Mish.ts';
import { Mul } from './Mul.ts';
import { Neg } from './Neg.ts';
import { Ceil, Floor, Round, Sign } from './NonDifferentiable.ts';
import { Pad } from './Pad.ts';
import { Pow } from './Pow.ts';
import { PRelu } from './PRelu.ts';
import { Reciprocal } from './Reciprocal.ts';
import { ReduceL2 } from './ReduceL2.ts';
import { ReduceMax } from './ReduceMax.ts';
import { ReduceMean } from './ReduceMean.ts';
import { ReduceMin } from './ReduceMin.ts';
import { ReduceSum } from './ReduceSum.ts';
import { ReduceSumSquare } from './ReduceSumSquare.ts';
import { Relu } from './Relu.ts';
import { Reshape } from './Reshape.ts';
import { Selu } from './Selu.ts';
import { Sigmoid } from './Sigmoid.ts';
import { Sin } from './Sin.ts';
import { Slice } from './Slice.ts';
import { Softmax } from './Softmax.ts';
import { Softplus } from './Softplus.ts';
import { Softsign } from './Softsign.ts';
import { Split } from './Split.ts';
import { Sqrt } from './Sqrt.ts';
import { Squeeze } from './Squeeze.ts';
import { Sub } from './Sub.ts';
import { Sum } from './Sum.ts';
import { Tanh } from './Tanh.ts';
import { Tile } from './Tile.ts';
import { Transpose } from './Transpose.ts';
import { Unsqueeze } from './Unsqueeze.ts';
import { Where } from './Where.ts';

/** Every operator of `ai.onnx` that gradients flow through. */
export type DifferentiableOperator =
  | 'Abs'
  | 'Add'
  | 'AveragePool'
  | 'BatchNormalization'
  | 'Cast'
  | 'Ceil'
  | 'Clip'
  | 'Concat'
  | 'Conv'
  | 'Cos'
  | 'Div'
  | 'Dropout'
  | 'Elu'
  | 'Erf'
  | 'Exp'
  | 'Expand'
  | 'Flatten'
  | 'Floor'
  | 'Gather'
  | 'GatherElements'
  | 'Gelu'
  | 'Gemm'
  | 'GlobalAveragePool'
  | 'GlobalMaxPool'
  | 'HardSigmoid'
  | 'HardSwish'
  | 'Identity'
  | 'InstanceNormalization'
  | 'LayerNormalization'
  | 'LeakyRelu'
  | 'Log'
  | 'LogSoftmax'
  | 'MatMul'
  | 'Max'
  | 'MaxPool'
  | 'Mean'
  | 'Min'
  | 'Mish'
  | 'Mul'
  | 'Neg'
  | 'PRelu'
  | 'Pad'
  | 'Pow'
  | 'Reciprocal'
  | 'ReduceL2'
  | 'ReduceMax'
  | 'ReduceMean'
  | 'ReduceMin'
  | 'ReduceSum'
  | 'ReduceSumSquare'
  | 'Relu'
  | 'Reshape'
  | 'Round'
  | 'Selu'
  | 'Sigmoid'
  | 'Sign'
  | 'Sin'
  | 'Slice'
  | 'Softmax'
  | 'Softplus'
  | 'Softsign'
  | 'Split'
  | 'Sqrt'
  | 'Squeeze'
  | 'Sub'
  | 'Sum'
  | 'Tanh'
  | 'Tile'
  | 'Transpose'
  | 'Unsqueeze'
  | 'Where';

/** One gradient rule per operator; a missing one does not compile. All work in float32. */
export const RULES = {
  Abs,
  Add,
  AveragePool,
  BatchNormalization,
  Cast,
  Ceil,
  Clip,
  Concat,
  Conv,
  Cos,
  Div,
  Dropout,
  Elu,
  Erf,
  Exp,
  Expand,
  Flatten,
  Floor,
  Gather,
  GatherElements,
  Gelu,
  Gemm,
  GlobalAveragePool,
  GlobalMaxPool,
  HardSigmoid,
  HardSwish,
  Identity,
  InstanceNormalization,
  LayerNormalization,
  LeakyRelu,
  Log,
  LogSoftmax,
  MatMul,
  Max,
  MaxPool,
  Mean,
  Min,
  Mish,
  Mul,
  Neg,
  PRelu,
  Pad,
  Pow,
  Reciprocal,
  ReduceL2,
  ReduceMax,
  ReduceMean,
  ReduceMin,
  ReduceSum,
  ReduceSumSquare,
  Relu,
  Reshape,
  Round,
  Selu,
  Sigmoid,
  Sign,
  Sin,
  Slice,
  Softmax,
  Softplus,
  Softsign,
  Split,
  Sqrt,
  Squeeze,
  Sub,
  Sum,
  Tanh,
  Tile,
  Transpose,
  Unsqueeze,
  Where,
} satisfies Record<DifferentiableOperator, Rule>;
