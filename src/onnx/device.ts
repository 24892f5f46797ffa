/** What does the arithmetic: the processor, or a graphics card by one of onnxruntime's execution providers. */
import { EnvironmentError } from '../core/errors.ts';
import { type Probe, probe } from './device-probe.ts';

/** Devices by the name of onnxruntime's execution provider. */
export const DEVICES = ['cpu', 'webgpu', 'cuda', 'coreml', 'dml'] as const;

/**
 * - `cpu`: always there
 * - `webgpu`: any graphics card, through Vulkan, Metal or Direct3D 12
 * - `cuda`: NVIDIA, on Linux, with libraries that the npm package does not hold
 * - `coreml`: macOS; may compute with 16-bit numbers
 * - `dml`: Windows, DirectML
 */
export type Device = (typeof DEVICES)[number];

/** A device by name, or `auto` for the first of `cuda`, `webgpu`, `dml` that works and is not a software renderer. */
export type DeviceChoice = Device | 'auto';

/** Choices, as they stand in a configuration and on the command line. */
export const DEVICE_CHOICES = [...DEVICES, 'auto'] as const;

/** Not CoreML: it rounds to 16 bits where it likes to, and a gradient does not bear that. */
const AUTOMATIC = ['cuda', 'webgpu', 'dml'] as const satisfies readonly Device[];

/**
 * A device this many times slower than the processor on a convolution is a program that plays a graphics card. Those are
 * hundreds of times slower; a slow card beside many cores is not as slow as this.
 */
const SOFTWARE = 10;

const known = new Map<string, Promise<Probe>>();

/** The probe of a device, made once per process. */
function probed(device: Device, timed: boolean): Promise<Probe> {
  const key = `${device} ${timed}`;
  const found = known.get(key) ?? probe(device, timed);
  known.set(key, found);
  return found;
}

/** What a device that works can do. */
export interface DeviceAbilities {
  /** Whether it computes with 16-bit floating-point numbers. */
  readonly half: boolean;
}

/**
 * Makes sure that a device works, in a process of its own the first time.
 *
 * @throws {EnvironmentError} it does not: why, what this build of onnxruntime has, and what to do
 */
export async function checkDevice(device: Device): Promise<DeviceAbilities> {
  if (device === 'cpu') return { half: true };
  const found = await probed(device, false);
  if (found.reason === undefined) return found;
  throw new EnvironmentError(
    'device/missing',
    `device ${device}: expected one that works on this machine, got none: ${found.reason}`,
    `${has(found)}${adviceFor(device, found)} --device cpu works everywhere; --device auto takes what is there.`,
  );
}

/**
 * The device that a choice comes to.
 *
 * @param onFallback told in a sentence why `auto` came to `cpu`
 * @throws {EnvironmentError} the device that was named does not work; never for `auto`
 */
export async function chooseDevice(choice: DeviceChoice, onFallback?: (text: string) => void): Promise<Device> {
  if (choice !== 'auto') {
    await checkDevice(choice);
    return choice;
  }
  const refused: string[] = [];
  for (const device of AUTOMATIC) {
    const found = await probed(device, true);
    const { reason, slowness = 1 } = found;
    if (reason === undefined && slowness <= SOFTWARE) return device;
    // What this build could never have is not worth a word.
    if (!found.backends.includes(device)) continue;
    refused.push(
      reason === undefined
        ? `${device} is ${Math.round(slowness)} times slower than the processor: a software renderer`
        : `${device} not available (${reason})`,
    );
  }
  onFallback?.(`device auto: ${refused.join('; ') || 'this build of onnxruntime has no other'}, using cpu`);
  return 'cpu';
}

function has({ version, backends }: Probe): string {
  if (backends.length === 0) return '';
  const named = DEVICES.filter((d) => backends.includes(d)).map((d) =>
    d === 'cuda' ? 'cuda (if its libraries are there)' : d,
  );
  return `onnxruntime ${version} for ${process.platform}/${process.arch} has ${named.join(', ')}. `;
}

function adviceFor(device: Device, { backends }: Probe): string {
  if (!backends.includes(device)) return '';
  switch (device) {
    case 'webgpu':
      return process.platform === 'linux'
        ? 'WebGPU needs the Vulkan loader (libvulkan1) and the Vulkan driver of the card; vulkaninfo --summary lists it.'
        : 'WebGPU needs a current driver of the graphics card.';
    case 'cuda':
      return 'The npm package does not hold the CUDA libraries: node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12 fetches them; CUDA 12 and cuDNN 9 must be installed.';
    default:
      return '';
  }
}
