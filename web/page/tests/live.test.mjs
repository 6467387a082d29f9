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

/** Forgets what a test before it left: its complaints, and another snapshot than the one that the page has. */
const quiet = () => {
  violations.length = 0;
  revision = 1;
};

test('what leaves is said to have left, also where it is selected, and nothing else is taken for it', async () => {
  const first = next();
  quiet();
  page = await chrome.watched(host.url, { complaints: violations, tolerated: true });
  await page.goto(`${host.url}?live`);
  await first;
  send('snapshot', snapshot);
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 1);
  change('added', 2);
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 2);
  await page.locator('.row.endpoint', { hasText: '10.0.0.2' }).click();
  await page.waitForFunction(() => document.querySelector('.pod-name')?.textContent === 'shop/p-2' && document.querySelector('.verdict.read'));
  // A record that comes before it changes its place, and not what is selected.
  send('added', { event: 'added', key: key('a.A', 'providers', 'dubbo://10.0.0.2:1/a.A'), value: '', ...holder(2) });
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 3);
  await page.waitForFunction(() => document.querySelectorAll('.records li').length === 2);
  assert.match(await page.locator('.record h3').innerText(), /a\.B/);
  change('removed', 2);
  await page.waitForSelector('.record.gone');
  assert.match(await page.locator('.record').innerText(), /10\.0\.0\.2:20880/);
  send('removed', { event: 'removed', key: key('a.A', 'providers', 'dubbo://10.0.0.2:1/a.A'), value: '', ...holder(2) });
  await page.waitForSelector('.verdict.gone');
  assert.equal(await page.locator('.verdict.read').count(), 0);
  const again = next();
  stream.destroy();
  await again;
  send('snapshot', snapshot); // another Pod has the place of the one that is gone
  await page.waitForSelector('.live-connected');
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 1);
  assert.equal(await page.locator('.pod-name').innerText(), 'shop/p-2');
  assert.equal(await page.locator('.verdict.gone').count(), 1);
  assert.deepEqual(violations, []);
  await page.close();
});

test('rows stay under the pointer, and what was closed stays closed when everything is read anew', async () => {
  const many = (from) => ({ ...snapshot, services: ['a.A', 'a.C'].map((name) => ({ service: name, interface: name, consumers: [], providers: Array.from({ length: 40 }, (_, n) => ({ url: `dubbo://10.0.${name === 'a.A' ? 1 : 2}.${from + n}:1/${name}`, holders: [holder(100 + n)] })) })) });
  const first = next();
  quiet();
  page = await chrome.watched(host.url, { complaints: violations, tolerated: true });
  await page.goto(`${host.url}?live`);
  await first;
  send('snapshot', many(0));
  await page.waitForSelector('.row.service');
  await page.getByRole('button', { name: 'Expand all' }).click();
  await page.waitForSelector('.row.endpoint');
  const target = page.locator('.row.endpoint', { hasText: '10.0.1.9:' });
  await target.hover();
  const top = () => target.evaluate((row) => Math.round(row.getBoundingClientRect().top));
  const before = await top();
  const count = () => page.locator('#tree').getAttribute('aria-rowcount').then(Number);
  const rows = await count();
  for (let n = 0; n < 5; n++) send('added', { event: 'added', key: key('a.0', 'providers', `dubbo://10.9.0.${n}:1/a.0`), value: '', ...holder(1) });
  await page.waitForFunction((rows) => Number(document.querySelector('#tree').getAttribute('aria-rowcount')) > rows, rows);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  assert.equal(await top(), before, 'rows that came above it do not move it');

  await page.locator('.row.service', { hasText: 'a.A' }).locator('.twist').click();
  const closed = () => page.locator('.row.service', { hasText: 'a.A' }).getAttribute('aria-expanded');
  await page.waitForFunction(() => [...document.querySelectorAll('.row.service')].find((row) => row.innerText.replace(/\s/g, '').startsWith('a.A'))?.getAttribute('aria-expanded') === 'false');
  const again = next();
  stream.destroy();
  await again;
  send('snapshot', many(3));
  await page.waitForSelector('.live-connected');
  await page.waitForFunction(() => [...document.querySelectorAll('.row.service')].some((row) => row.innerText.replace(/\s/g, '').startsWith('a.A')));
  assert.equal(await closed(), 'false');
  assert.deepEqual(violations, []);
  await page.close();
});

test('a live view has an address, at which another page shows it again', async () => {
  let first = next();
  quiet();
  page = await chrome.watched(host.url, { complaints: violations, tolerated: true });
  await page.goto(`${host.url}?live`);
  await first;
  send('snapshot', snapshot);
  await page.waitForSelector('.row.endpoint');
  change('added', 2);
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 2);
  await page.locator('#find').fill('10.0.0.2');
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 1);
  await page.locator('.row.endpoint').click();
  await page.waitForFunction(() => /find=10.0.0.2/.test(location.hash) && /pod=shop%2Fp-2&key=/.test(location.hash));
  const address = page.url();
  await page.close();
  first = next();
  page = await chrome.watched(host.url, { complaints: violations, tolerated: true });
  await page.goto(address);
  await first;
  send('snapshot', { ...snapshot, services: [{ ...snapshot.services[0], providers: [1, 2].map((n) => ({ url: url(n), holders: [holder(n)] })) }] });
  await page.waitForFunction(() => document.querySelector('.pod-name')?.textContent === 'shop/p-2' && document.querySelector('.params'));
  assert.equal(await page.locator('#find').inputValue(), '10.0.0.2');
  assert.equal(await page.locator('.row.endpoint').count(), 1);
  assert.deepEqual(violations, []);
  await page.close();
});

test('one bad record leaves the others of its Pod', async () => {
  const first = next();
  quiet();
  page = await chrome.watched(host.url, { complaints: violations, tolerated: true });
  await page.goto(`${host.url}?live`);
  await first;
  send('snapshot', { ...snapshot, problems: [{ namespace: 'shop', pod: 'p-1', uid: 'u-1', error: { code: 'dubbo-go-refuses-url', stage: 'shape', offset: 60, decodedOffset: 44, expected: 'url', found: { byte: 59 }, reason: 'semicolon', message: 'for people' } }] });
  await page.waitForSelector('.row.endpoint');
  await page.locator('.row.endpoint').click();
  await page.waitForSelector('.params');
  assert.equal(await page.locator('.verdict.read').count(), 1);
  assert.deepEqual(violations, []);
  await page.close();
});
