import { fileURLToPath } from 'node:url';

/** Folder beside the project with data and weights that are not part of it. Tests that need it skip where it is absent. */
export const SHARED: string = fileURLToPath(new URL('../../shared', import.meta.url));
