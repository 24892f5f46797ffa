import { graphBuilder } from './builder.ts';
import { float32 } from './model.ts';
import { openSession } from './session.ts';

/** Domain of onnxruntime's operators on its blocked layout, [N, C / block, H, W, block]. */
export const BLOCKED_DOMAIN = 'com.microsoft.nchwc';

let known: Promise<number> | undefined;

/**
 * How many channels onnxruntime's CPU kernels keep side by side on this processor (16 with AVX-512, 8 with AVX2), or 0
 * where it has no blocked layout. Found by asking it: two pixels of 32 channels are reordered, and the second pixel of
 * channel 0 lies one block further than its first.
 */
export function blockSize(): Promise<number> {
  known ??= measureBlockSize();
  return known;
}

async function measureBlockSize(): Promise<number> {
  const b = graphBuilder();
  const y = b.add('ReorderInput', ['x'], {}, { domain: BLOCKED_DOMAIN, output: 'y' });
  const dims = [1, 32, 1, 2];
  const graph = b.graph(
    [{ name: 'x', dtype: 'float32', dims }],
    [{ name: y, dtype: 'float32', dims: ['N', 'C', 'H', 'W'] }],
  );
  try {
    const session = await openSession({
      graph,
      opset: 17,
      domains: { [BLOCKED_DOMAIN]: 1 },
      irVersion: 8,
      producer: 'nevus',
      metadata: {},
    });
    const x = new Float32Array(64);
    x[1] = 1;
    const { data } = (await session.run({ x: float32(x, dims) }))[y]!;
    await session.close();
    const at = Array.from(data, Number).indexOf(1);
    return at > 1 && 32 % at === 0 ? at : 0;
  } catch {
    // A build of onnxruntime without these kernels: the portable forms serve.
    return 0;
  }
}
