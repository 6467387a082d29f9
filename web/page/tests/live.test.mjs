// The page over a stream of events, as the watcher's server sends them.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { browser } from './browser.mjs';
import { key } from './samples.mjs';
import { begin, serve } from './serve.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
await mkdir(here('../artefacts'), { recursive: true });

let host, chrome, page, stream, told;
let revision = 1;
let waiting;
let refusing = false;
const asking = [];
const asked = [];
const violations = [];
const arrived = [];

const url = (n) => `dubbo://10.0.0.${n}:20880/a.B?application=shop`;
const holder = (n) => ({ namespace: 'shop', pod: `p-${n}`, uid: `u-${n}` });
const send = (event, data) => stream.write(`event: ${event}\nid: 1\ndata: ${JSON.stringify(data)}\n\n`);
const change = (event, n) => send(event, { event, key: key('a.B', 'providers', url(n)), value: '', category: 'providers', service: 'a.B', url: url(n), ...holder(n), resourceVersion: '1' });
const snapshot = { revision: '1', synced: true, ageMs: 0, pods: 1, records: 1, services: [{ service: 'a.B', interface: 'a.B', providers: [{ url: url(1), protocol: 'dubbo', host: '10.0.0.1', port: 20880, params: {}, holders: [holder(1)] }], consumers: [] }], problems: [] };
const next = () => new Promise((resolve) => arrived.push(resolve));
const addresses = () => page.locator('.row.endpoint .label').allInnerTexts();

before(async () => {
  host = await serve(here('../dist'), (response) => {
    stream = begin(response);
    arrived.shift()?.();
  }, (request, response) => {
    const known = request.headers['if-none-match'];
    const answer = () => response.writeHead(200, { 'content-type': 'application/json', etag: `W/"${revision}"` }).end(JSON.stringify(told));
    if (!new URL(request.url, host.url).searchParams.has('wait')) return response.writeHead(400).end();
    asked.push(known);
    asking.shift()?.();
    if (refusing) return response.writeHead(503).end();
    // As the watcher does, it waits for another revision than the one that is known.
    if (known !== `W/"${revision}"`) return answer();
    waiting = answer;
    response.on('close', () => { if (waiting === answer) waiting = undefined; });
  });
  chrome = await browser();
  page = await chrome.watched(host.url, { complaints: violations, tolerated: true });
});
after(async () => {
  await chrome?.close();
  await host?.close();
});

test('connecting, connected, changing, paused, gone back, lost and back again', async () => {
  const first = next();
  await page.goto(`${host.url}?live`);
  await page.waitForSelector('.live-connecting, .live-connected');
  await first;
  send('snapshot', snapshot);
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 1);
  await page.waitForSelector('.live-connected');
  assert.ok(await page.locator('.past input').evaluate((input) => input.value === input.max), 'now is at the end of the slider');

  change('added', 2);
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 2);
  assert.equal(await page.locator('.row.fresh').count(), 1, 'what is new is marked');
  await page.screenshot({ path: here('../artefacts/live.png') });
  await page.locator('.row.endpoint').last().click();
  await page.waitForSelector('.params');

  change('removed', 1);
  await page.waitForSelector('.row.gone');
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 1);
  assert.deepEqual(await addresses(), ['10.0.0.2:20880']);

  await page.getByRole('button', { name: 'Pause' }).click();
  await page.waitForSelector('.live-paused');
  await page.locator('.past input').evaluate((input) => {
    input.value = input.min;
    input.dispatchEvent(new Event('input'));
  });
  await page.waitForFunction(() => document.querySelector('.row.endpoint .label')?.textContent === '10.0.0.1:20880');
  change('added', 3);
  assert.deepEqual(await addresses(), ['10.0.0.1:20880'], 'the past stays while it is looked at');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 2);
  assert.deepEqual((await addresses()).sort(), ['10.0.0.2:20880', '10.0.0.3:20880']);

  const told = { namespace: 'shop', pod: 'bad-0', uid: 'u-bad', error: { code: 'not-json', stage: 'json', offset: 18, decodedOffset: 14, expected: 'comma-after-record', found: { byte: 120 }, message: 'for people' } };
  send('problem', { event: 'problem', ...told });
  await page.waitForFunction(() => document.querySelector('.row.pod .label')?.textContent === 'shop/bad-0');
  assert.match(await page.locator('.strip').innerText(), /1\s+error/);
  await page.locator('.row.pod').click();
  await page.waitForFunction(() => document.querySelector('.verdict.refused'));
  assert.match(await page.locator('.findings').innerText(), /not JSON/);
  send('resolved', { event: 'resolved', ...told });
  await page.waitForFunction(() => !document.querySelector('.row.pod'));
  await page.keyboard.press('e');
  assert.equal(await page.locator('.editor').count(), 0, 'what is live is not edited');

  send('disconnected', { event: 'disconnected', error: 'connection refused' });
  await page.waitForSelector('.live-lagging');
  change('added', 4);
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 3);
  assert.match(await page.locator('.stale').innerText(), /connection refused/);
  assert.equal(await page.locator('.live-lagging').count(), 1, 'it lags until it is followed again');
  send('reconnected', { event: 'reconnected', namespace: null });
  await page.waitForSelector('.live-connected');

  const again = next();
  stream.destroy();
  await page.waitForSelector('.live-lost');
  await again;
  send('snapshot', snapshot);
  await page.waitForFunction(() => document.querySelector('.row.endpoint .label')?.textContent === '10.0.0.1:20880');
  assert.deepEqual(violations, []);
  await page.close();
});

test('a text in place of the live registry ends it, until one goes live again', async () => {
  const first = next();
  page = await chrome.watched(host.url, { complaints: violations, tolerated: true });
  await page.goto(`${host.url}?live`);
  await first;
  send('snapshot', snapshot);
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 1);
  const ended = new Promise((resolve) => stream.on('close', resolve));
  change('added', 2); // on its way while the text is loaded
  await page.locator('.action', { hasText: 'Sample' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.row.service').length > 3);
  await ended;
  assert.equal(await page.locator('.live').count(), 0);
  assert.match(await page.locator('.counts').innerText(), /8\s+Pods/);
  await page.locator('.row.endpoint').first().click();
  await page.keyboard.press('e');
  await page.locator('.editor').waitFor();
  const again = next();
  await page.getByRole('button', { name: 'Go live' }).click();
  await again;
  send('snapshot', snapshot);
  await page.waitForSelector('.live-connected');
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 1);
  assert.deepEqual(violations, []);
  await page.close();
});

test('a key that two Pods carry is shown at both, and then at the one that is left', async () => {
  const first = next();
  const other = await chrome.watched(host.url, { complaints: violations, tolerated: true });
  await other.clock.install();
  await other.goto(`${host.url}?live`);
  await first;
  send('snapshot', snapshot);
  const shown = () => other.locator('.row.endpoint .where').allInnerTexts();
  const rows = (count) => other.waitForFunction((count) => document.querySelectorAll('.row.endpoint').length === count, count);
  await rows(1);
  const asks = () => new Promise((resolve) => asking.push(resolve));
  /** Lets time go on until the page asks. */
  const ask = async () => {
    let came = false;
    const next = asks().then(() => { came = true; });
    while (!came) await other.clock.runFor(250);
    return next;
  };
  const again = (pods) => {
    revision += 1;
    const [service] = snapshot.services;
    told = { ...snapshot, services: [{ ...service, providers: [{ ...service.providers[0], holders: pods.map(holder) }] }] };
    waiting?.();
  };
  asked.length = 0;
  await ask();
  again([1, 2]); // no event tells it, and no time passes
  await other.clock.runFor(100);
  await rows(2);
  assert.deepEqual(await shown(), ['shop/p-1', 'shop/p-2']);
  again([2]); // while the page does not ask: it hears of it when it does
  await ask();
  await other.clock.runFor(100);
  await rows(1);
  assert.deepEqual(await shown(), ['shop/p-2']);
  assert.equal(await other.locator('.row.gone').count(), 0, 'the key is not gone');
  assert.deepEqual(asked.slice(0, 2), ['W/"1"', 'W/"2"'], 'only what is new is sent');
  assert.equal(await other.locator('.live-connected').count(), 1);

  // Where it is refused it goes on asking.
  refusing = true;
  again([2]);
  await ask();
  await ask();
  refusing = false;
  again([1, 2]);
  await ask();
  await rows(2);
  assert.deepEqual(violations.filter((one) => !one.includes('503')), []);
  await other.close();
});
