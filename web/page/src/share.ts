// A text in the part of a link behind its #, deflated; browsers do not send that part to any server.

/** A link that unpacks to more than this is not one of ours. */
const MOST = 4 << 20;

export async function pack(text: string): Promise<string> {
  const bytes = await through(new Blob([text]).stream(), new CompressionStream('deflate-raw'));
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The text that was packed, or nothing if it is none of ours. */
export async function unpack(data: string): Promise<string | null> {
  try {
    const binary = atob(data.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (c) => c.charCodeAt(0));
    return new TextDecoder().decode(await through(new Blob([bytes]).stream(), new DecompressionStream('deflate-raw')));
  } catch {
    return null;
  }
}

async function through(stream: ReadableStream<Uint8Array>, by: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  const reader = stream.pipeThrough(by as unknown as ReadableWritablePair<Uint8Array, Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > MOST) throw new Error('too large');
    chunks.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
