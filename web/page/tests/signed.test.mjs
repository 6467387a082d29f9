// The page before a server that wants a token, as `dubbo-watcher serve --auth kubernetes` does.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { browser } from './browser.mjs';
import { annotation, key } from './samples.mjs';
import { Registry, serve } from './serve.mjs';

const TOKEN = 'token-of-ann';
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

let host, chrome, page;
const registry = new Registry();
const complaints = [];

before(async () => {
  registry.token = TOKEN;
  registry.put({ uid: 'u-1', name: 'p-1', annotation: annotation([key('a.B', 'providers', 'dubbo://10.0.0.1:20880/a.B')]) });
  host = await serve(here('../dist'), registry);
  chrome = await browser();
  page = await chrome.watched(host.url, { complaints, tolerated: true });
});
after(async () => {
  await chrome?.close();
  await host?.close();
});

test('a token is asked for, sent, and kept in memory alone', async () => {
  await page.goto(`${host.url}?live`);
  const field = page.locator('input[name=token]');
  await field.fill('another');
  await page.locator('form button').click();
  await page.waitForFunction(() => document.querySelector('input[name=token]')?.value === '');
  await field.fill(TOKEN);
  await page.locator('form button').click();
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 1);
  await page.waitForSelector('.live-connected');
  assert.equal(await field.count(), 0);
  // The server ends a stream now and then; the page goes on with what it has.
  const again = registry.next();
  registry.cut(true);
  await again;
  await page.waitForFunction(() => document.querySelector('.live-connected'));
  assert.equal(await page.locator('.row.endpoint').count(), 1);
  assert.equal(registry.asked.filter((since) => since === null).length, 1, 'all Pods are sent once');
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state]));
  assert.ok(!kept.includes(TOKEN), kept);
  await page.reload();
  await page.waitForSelector('input[name=token]');
  assert.deepEqual(complaints.filter((text) => !text.includes('401')), []);
});
