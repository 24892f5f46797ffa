import type { Option } from 'commander';
import { DEVICE_CHOICES } from '../onnx/device.ts';
import { choice } from './choice.ts';

/** `--device`, as every command that computes has it. */
export function deviceOption(): Option {
  return choice('--device <name>', 'what does the arithmetic (default: cpu)', DEVICE_CHOICES);
}
