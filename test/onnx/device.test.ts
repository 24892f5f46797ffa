import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { EnvironmentError } from '../../src/core/errors.ts';
import { checkDevice, chooseDevice, DEVICES, type Device } from '../../src/onnx/device.ts';
import { probe } from '../../src/onnx/device-probe.ts';

const folder = mkdtempSync(join(tmpdir(), 'nevus-device-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

/** What every process that is started from now on does first. */
function first(script: string): void {
  const path = join(folder, `first-${script.length}.cjs`);
  writeFileSync(path, script);
  vi.stubEnv('NODE_OPTIONS', `--require ${path}`);
}

/** One that no build of onnxruntime has on this system. */
const foreign: Device = process.platform === 'win32' ? 'coreml' : 'dml';

describe('a device', () => {
  it('is the processor without any probe', async () => {
    first('process.abort();');
    expect(await chooseDevice('cpu')).toBe('cpu');
  });

  it('that this build does not have is refused, with those that it has', async () => {
    const error = await chooseDevice(foreign).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(EnvironmentError);
    expect(error).toMatchObject({
      code: 'device/missing',
      message: `device ${foreign}: expected one that works on this machine, got none: this build of onnxruntime does not have it`,
      hint: expect.stringMatching(/^onnxruntime \d+\.\d+\.\d+ for \w+\/\w+ has cpu.*--device cpu works everywhere/),
    });
  });

  it('is asked about once in a process', async () => {
    await expect(checkDevice(foreign)).rejects.toThrow('does not have it');
    first('process.abort();');
    await expect(checkDevice(foreign)).rejects.toThrow('does not have it');
  });

  it('whose driver aborts takes only the probe down', async () => {
    first('process.abort();');
    const { reason } = await probe('webgpu', false);
    expect(reason).toMatch(/^a process that tried it ended badly/);
  });

  it('whose driver stops the process after the answer is not taken either', async () => {
    first("process.on('exit', () => process.kill(process.pid, 'SIGKILL'));");
    expect((await probe('cpu', false)).reason).toMatch(/^a process that tried it ended badly/);
  });

  it('that computes something else than the processor is refused', async () => {
    // The first session is the device's.
    first(
      `const Module = require('node:module');
       const load = Module._load;
       Module._load = (...args) => {
         const loaded = load(...args);
         if (!String(args[0]).includes('onnxruntime-node') || loaded.patched) return loaded;
         loaded.patched = true;
         const { create } = loaded.InferenceSession;
         let made = 0;
         loaded.InferenceSession.create = async (...options) => {
           const session = await create.apply(loaded.InferenceSession, options);
           if (made++ > 0) return session;
           return { run: async (feeds) => { const r = await session.run(feeds); r.y.data[3] += 1; return r; } };
         };
         return loaded;
       };`,
    );
    expect((await probe('cpu', false)).reason).toMatch(/^it gives -?[\d.]+ where the CPU gives -?[\d.]+$/);
  });

  it('chosen by auto is one that works, or the processor and a reason', async () => {
    vi.stubEnv('VK_DRIVER_FILES', join(folder, 'none.json'));
    vi.stubEnv('VK_ICD_FILENAMES', join(folder, 'none.json'));
    const said: string[] = [];
    const device = await chooseDevice('auto', (text) => said.push(text));
    expect(DEVICES).toContain(device);
    if (device === 'cpu') {
      expect(said).toHaveLength(1);
      expect(said[0]).toMatch(/^device auto: .*, using cpu$/);
    } else expect(said).toEqual([]);
  });
});
