// The component in JavaScript: jco makes a module of it, which Node runs.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { transpile } from '@bytecodealliance/jco-transpile';

let folder;
let codec;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codec-'));
  const { files, imports } = await transpile(process.env.CODEC_COMPONENT, { name: 'codec', outDir: folder });
  assert.deepEqual(imports, [], 'it asks its host for nothing');
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  for (const [path, bytes] of Object.entries(files)) {
    if (!path.includes('interfaces')) await writeFile(join(folder, basename(path)), bytes);
  }
  ({ codec } = await import(join(folder, 'codec.js')));
});
after(() => rm(folder, { recursive: true }));

test('a URL that is encoded is decoded, and taken apart', () => {
  const url = 'tri://10.0.0.1:50051/com.example.Greeter?group=live&weight=200&note=用户';
  const annotation = codec.encode([{ name: { tag: 'url', val: url }, value: '' }, { name: { tag: 'key', val: '/dubbo' }, value: 'v' }]);
  const { entries, warnings } = codec.decode(annotation);
  assert.deepEqual([entries[0].url, entries[0].category, entries[1].value, warnings], [url, 'providers', 'v', []]);
  const { host, port, service, weight, parameters } = codec.parseUrl(url);
  assert.deepEqual([host, port, service.key, weight, parameters[2]], ['10.0.0.1', 50051, 'live/com.example.Greeter', 200, ['note', '用户']]);
});

test('what is refused is thrown with its place, what was expected and what was found', () => {
  assert.throws(() => codec.parseUrl('tri://用户:x/a.B'), ({ code, offset, expected, found }) => {
    assert.deepEqual([code, offset, expected, found], ['url-malformed', 13, 'port-number', { tag: 'byte', val: 120 }]);
    return true;
  });
});

test('problems are found in what is pasted', () => {
  const [problem] = codec.problems(new TextEncoder().encode('!!'), 'chinese');
  assert.deepEqual([problem.code, problem.severity, problem.offset, problem.place], ['not-base64', 'error', 0, 'annotation']);
  assert.match(problem.message, /[\u4e00-\u9fff]/);
});
