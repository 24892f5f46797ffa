/** Chromium's software Vulkan: the one graphics card that every machine can have. */
import { existsSync } from 'node:fs';

const DRIVERS = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];
const LOADERS = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib64/libvulkan.so.1', '/usr/lib/libvulkan.so.1'];

/**
 * Its driver file, or undefined where it or the Vulkan loader is missing: on Debian, `apt-get install chromium
 * libvulkan1`. Importing this makes it the only graphics card of the process and of those that it starts; the test
 * runner gives every test file a process of its own.
 */
export const SWIFTSHADER: string | undefined =
  process.platform === 'linux' && process.arch === 'x64' && LOADERS.some((path) => existsSync(path))
    ? DRIVERS.find((path) => existsSync(path))
    : undefined;

if (SWIFTSHADER !== undefined) {
  process.env.VK_DRIVER_FILES = SWIFTSHADER;
  process.env.VK_ICD_FILENAMES = SWIFTSHADER;
  // Dawn asks for a display; it does not need one.
  process.env.XDG_RUNTIME_DIR ??= '/tmp';
}
