// Loads the wasm from the file beside this one, in Node.
import { readFile } from 'node:fs/promises';
import { initSync } from './codec.js';

initSync({ module: await readFile(new URL('./codec_bg.wasm', import.meta.url)) });

export * from './api.js';
