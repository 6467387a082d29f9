// The package in Node: every function, Go's vectors, the README's example, and what would be published.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import * as codec from '../package/node.js';
import { tryAll } from './cases.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

test('every function answers as it says', () => {
  assert.ok(tryAll(codec, assert).length > 5);
});

test('it answers every vector as Go did', () => {
  const vectors = readFileSync(here('../../../codec/tests/data/dubbo-go-codec.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const asGo = (records) => (records ?? []).map(({ k, v }) => ({ key: k, value: v }));
  let tried = 0;
  for (const { kind, note, annotation, ok, records } of vectors) {
    // Go writes a list that is nil as null; JavaScript has no such list.
    if (kind === 'encode' && records) assert.equal(codec.encode(asGo(records)), annotation, note);
    if (kind === 'decode' && ok) assert.deepEqual(codec.decode(annotation).records.map(({ key, value }) => ({ key, value })), asGo(records), note);
    tried += 1;
  }
  assert.ok(tried > 50);
});

test('the example of the README runs', async () => {
  const [, example] = readFileSync(here('../package/README.md'), 'utf8').match(/```js\n([^]*?)```/);
  const said = [];
  const run = example.replace("'@dubbo-k8s/codec'", `'${new URL('../package/node.js', import.meta.url)}'`).replaceAll('console.log', 'globalThis.said');
  globalThis.said = (...words) => said.push(words.map((word) => (typeof word === 'object' ? JSON.stringify(word) : word)).join(' '));
  await import(`data:text/javascript,${encodeURIComponent(run)}`);
  assert.deepEqual(said.slice(0, 2), ['providers com.example.Greeter', '10.0.0.1 50051 live/com.example.Greeter 200']);
  assert.match(said[2], /^not-base64 a /);
  assert.match(said[3], /^label-missing a /);
  assert.equal(said[4], 'url-malformed 15 port-number {"byte":120}');
});

test('what would be published is what it needs, and its entry is one that Node finds', () => {
  const [{ files }] = JSON.parse(execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: here('../package'), encoding: 'utf8' }));
  const names = files.map(({ path }) => path).sort();
  assert.deepEqual(names, ['README.md', 'api.js', 'browser.js', 'codec.js', 'codec_bg.wasm', 'index.d.ts', 'node.js', 'package.json']);
  const { exports } = JSON.parse(readFileSync(here('../package/package.json'), 'utf8'));
  for (const file of Object.values(exports['.'])) assert.ok(existsSync(here(`../package/${file}`)), file);
  const entry = execFileSync('node', ['-e', "import('@dubbo-k8s/codec').then(({ parseUrl }) => console.log(parseUrl('tri://h:1/a.B').port))"], { cwd: here('../package'), encoding: 'utf8' });
  assert.equal(entry.trim(), '1');
});
