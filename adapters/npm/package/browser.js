// Loads the wasm from the address beside this script, in a browser or a Worker; bundlers find it there too.
import init from './codec.js';

await init({ module_or_path: new URL('./codec_bg.wasm', import.meta.url) });

export * from './api.js';
