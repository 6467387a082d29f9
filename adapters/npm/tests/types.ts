// Held by tsc: what people write compiles, and their mistakes do not.
import { CodecError, decode, encode, parseUrl, problems } from '@dubbo-k8s/codec';
import type { DubboRecord, Found, NewRecord, Problem } from '@dubbo-k8s/codec';

const annotation: string = encode([{ url: 'tri://h:1/a.B' }, { key: '/dubbo/a.B', value: '' }]);
const records: DubboRecord[] = decode(annotation).records;
encode(records);
encode(new Set<NewRecord>([{ key: '/dubbo' }]), { language: 'zh' });
const { port, service, parameters } = parseUrl(records[0]?.url ?? '');
const next: number = (port ?? 0) + 1;
const group: string | null = service.group;
const note: string | undefined = new Map(parameters).get('note');
const worst: Problem | undefined = problems(new Uint8Array()).find(({ severity }) => severity === 'error');

function words(found: Found): string {
  if (found === 'end') return 'the end';
  if ('byte' in found) return `byte ${found.byte}`;
  return 'char' in found ? found.char : found.thing;
}

try {
  decode('');
} catch (error) {
  if (error instanceof CodecError) console.log(error.code, error.offset + next, error.expected, words(error.found), group, note, worst);
}

// @ts-expect-error a record is a key or a URL
encode([{ value: '' }]);
// @ts-expect-error there is no such language
decode('', { language: 'fr' });
// @ts-expect-error offsets are not written
if (worst) (worst.offset satisfies string);
problems({ kind: 'Pod' });
// @ts-expect-error bytes are not an annotation
decode(new Uint8Array());
