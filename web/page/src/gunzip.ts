// Unpacks gzip by the browser's own means, which knows files of one member only: one of several is taken apart here.

export interface Unpacked { bytes: Uint8Array<ArrayBuffer>; damaged: boolean }

/** Whether these bytes begin as gzip does. */
export const isGzip = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** What is packed in `bytes`; what is damaged gives what comes before the damage, and what is more than `limit` nothing. */
export async function gunzip(bytes: Uint8Array<ArrayBuffer>, limit: number): Promise<Unpacked | null> {
  const pieces: BlobPart[] = [];
  let [size, from, damaged] = [0, 0, false];
  for (const end of ends(bytes)) {
    const member = await inflate(bytes.subarray(from, end), limit - size);
    if (member === null) return null;
    // What only looked like the next member was part of this one.
    if (!member.whole && end < bytes.length) continue;
    damaged = !member.whole;
    pieces.push(...member.pieces);
    size += member.size;
    from = end;
  }
  return { bytes: new Uint8Array(await new Blob(pieces).arrayBuffer()), damaged };
}

/** Where a member may end: where the next one may begin, and at the end of all. */
function* ends(bytes: Uint8Array): Generator<number> {
  for (let at = bytes.indexOf(0x1f, 1); at >= 0; at = bytes.indexOf(0x1f, at + 1)) {
    if (bytes[at + 1] === 0x8b && bytes[at + 2] === 8 && bytes[at + 3]! < 32) yield at;
  }
  yield bytes.length;
}

interface Member { pieces: BlobPart[]; size: number; whole: boolean }

async function inflate(packed: Uint8Array<ArrayBuffer>, limit: number): Promise<Member | null> {
  const member: Member = { pieces: [], size: 0, whole: false };
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      member.size += value.length;
      if (member.size > limit) {
        void reader.cancel();
        return null;
      }
      member.pieces.push(value);
    }
    member.whole = true;
  } catch {
    // Not whole: the caller decides whether it is damaged.
  }
  return member;
}
