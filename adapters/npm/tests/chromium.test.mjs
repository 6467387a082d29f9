// The package in a browser, as plain modules under a strict policy. Chromium and its driver are those of the page's tests.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { browser, executable } from '../../../web/page/tests/browser.mjs';
import { serve } from '../../../web/page/tests/serve.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
assert.ok(executable, 'Chromium is needed: apt-get install chromium');

const PAGE = `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'">
<script type="module" src="run.js"></script>`;

const RUN = `import * as codec from './package/browser.js';
import { tryAll } from './cases.js';
const fail = (message) => { throw new Error(message); };
const equal = (found, wanted) => found === wanted || fail(found + ' is not ' + wanted);
const throws = (call, type) => { try { call(); } catch (error) { return error instanceof type || fail(error); } fail('nothing was thrown'); };
document.title = tryAll(codec, { equal, throws }).length + ' cases';
`;

test('every function answers in a browser as in Node', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'codec-'));
  cpSync(here('../package'), join(folder, 'package'), { recursive: true });
  cpSync(here('cases.mjs'), join(folder, 'cases.js'));
  writeFileSync(join(folder, 'index.html'), PAGE);
  writeFileSync(join(folder, 'run.js'), RUN);
  const [host, chrome] = [await serve(folder), await browser()];
  const [complaints, left] = [[], []];
  try {
    const page = await chrome.watched(host.url, { complaints, left });
    await page.goto(host.url);
    await page.waitForFunction(() => document.title.endsWith(' cases'), null, { timeout: 10_000 }).catch(() => {});
    assert.deepEqual(complaints.filter((text) => !text.includes('favicon')), []);
    assert.match(await page.title(), /^\d+ cases$/);
    assert.deepEqual(left, []);
  } finally {
    await chrome.close();
    await host.close();
    rmSync(folder, { recursive: true });
  }
});
