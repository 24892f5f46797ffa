/** float16 tensors for devices that do not have the type: converted on the way in and out. */
import { halfToNumber } from '../core/half.ts';

let table: Float32Array | undefined;

/** float16 bits to numbers, exactly. */
export function floatsOfHalves(bits: Uint16Array): Float32Array {
  table ??= Float32Array.from({ length: 65536 }, (_, i) => halfToNumber(i));
  const numbers = table;
  return Float32Array.from(bits, (b) => numbers[b]!);
}

/** Numbers to float16 bits, rounded to nearest, ties to even; too large ones become infinite. */
export function halvesOfFloats(values: Float32Array): Uint16Array {
  return Uint16Array.from(new Uint32Array(values.buffer, values.byteOffset, values.length), halfOf);
}

/** @param bits of a float32 */
function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // From 65520 on, the next number that is nearer would be 65536.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: in units of 2^-24. Adding ½ in float32 rounds to just that unit, ties to even.
    scratch.setUint32(0, magnitude);
    scratch.setFloat32(0, scratch.getFloat32(0) + 0.5);
    return sign | (scratch.getUint32(0) - HALF);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

const scratch = new DataView(new ArrayBuffer(4));
/** Bits of 0.5 as a float32, whose last place is 2^-24. */
const HALF = 0x3f000000;
