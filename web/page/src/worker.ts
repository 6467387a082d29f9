// Owns the model, off the main thread: everything slow or hostile happens here, and a Worker can be ended.
import { gunzip, isGzip } from './gunzip.ts';
import init, { Inspector } from './wasm/inspector.js';
import wasmUrl from './wasm/inspector_bg.wasm?url';

const ready = init({ module_or_path: new URL(wasmUrl, self.location.href) }).then(() => new Inspector());

self.onmessage = async ({ data }: MessageEvent) => {
  const { id, kind } = data;
  try {
    const inspector = await ready;
    let answer: string;
    if (kind === 'load') {
      const bytes = data.file ? await read(data.file, data.limit, id) : new TextEncoder().encode(data.text);
      if (bytes === null) {
        answer = JSON.stringify({ state: 'refused', why: 'too-large', bytes: data.file.size, limit: data.limit });
      } else {
        postMessage({ id, stage: 'decoding' });
        answer = isGzip(bytes) ? await unpacked(inspector, bytes, data.limit) : inspector.load(bytes);
      }
    } else if (kind === 'follow') {
      answer = inspector.follow(new Uint8Array(data.answer), data.now);
    } else {
      answer = inspector.request(data.request);
    }
    postMessage({ id, answer });
  } catch (error) {
    postMessage({ id, error: String(error) });
  }
};

async function unpacked(inspector: Inspector, packed: Uint8Array<ArrayBuffer>, limit: number): Promise<string> {
  const whole = await gunzip(packed, limit);
  if (whole === null) return JSON.stringify({ state: 'refused', why: 'too-large', bytes: packed.length, limit });
  return inspector.loadUnpacked(whole.bytes, whole.damaged);
}

/** Reads a file in pieces and reports how far it is; a file that is too large is not read at all. */
async function read(file: File, limit: number, id: number): Promise<Uint8Array<ArrayBuffer> | null> {
  if (file.size > limit) return null;
  const bytes = new Uint8Array(file.size);
  const reader = file.stream().getReader();
  let at = 0;
  let reported = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return bytes.subarray(0, at);
    bytes.set(value, at);
    at += value.length;
    if (at - reported > 4 << 20) {
      reported = at;
      postMessage({ id, stage: 'reading', progress: at / file.size });
    }
  }
}
