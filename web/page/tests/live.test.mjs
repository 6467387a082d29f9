// The page over a live registry, as the watcher's server answers for it.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { browser } from './browser.mjs';
import { annotation, key } from './samples.mjs';
import { Registry, serve } from './serve.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
await mkdir(here('../artefacts'), { recursive: true });

let host, chrome, page, registry;
const violations = [];

const url = (n) => `dubbo://10.0.0.${n}:20880/a.B?application=shop`;
const provides = (...hosts) => annotation(hosts.map((n) => key('a.B', 'providers', url(n))));
/** The Pod `p-n` provides at this host and at these. */
const provide = (n, ...more) => registry.put({ uid: `u-${n}`, name: `p-${n}`, annotation: provides(n, ...more) });
const addresses = () => page.locator('.row.endpoint .label').allInnerTexts();
const endpoints = (count) => page.waitForFunction((count) => document.querySelectorAll('.row.endpoint:not(.gone)').length === count, count);

before(async () => {
  // Each test has a registry of its own behind one host.
  host = await serve(here('../dist'), { handle: (request, response) => registry.handle(request, response) });
  chrome = await browser();
});
after(async () => {
  await chrome?.close();
  await host?.close();
});
beforeEach(async () => {
  registry = new Registry();
  violations.length = 0;
  page = await chrome.watched(host.url, { complaints: violations, tolerated: true });
});
afterEach(async () => {
  await page.close();
  registry.cut();
  assert.deepEqual(violations, []);
});

const open = async (address = '?live') => {
  await page.goto(host.url + address);
  await page.waitForSelector('.live-connected');
};

test('connecting, connected, changing, paused, gone back, lost and back again', async () => {
  registry.silent = true;
  provide(1);
  const first = registry.next();
  await page.goto(`${host.url}?live`);
  await first;
  await page.waitForSelector('.live-connecting');
  registry.silent = false;
  await page.reload();
  await endpoints(1);
  await page.waitForSelector('.live-connected');
  assert.ok(await page.locator('.past input').evaluate((input) => input.value === input.max), 'now is at the end of the slider');
  assert.equal(await page.locator('.row.fresh').count(), 0, 'what was there at first is not new');

  provide(2);
  await endpoints(2);
  assert.equal(await page.locator('.row.fresh').count(), 1, 'what is new is marked');
  await page.screenshot({ path: here('../artefacts/live.png') });
  await page.locator('.row.endpoint').last().click();
  await page.waitForSelector('.params');
  assert.match(await page.locator('.meter').innerText(), /^This annotation alone/, 'what else the Pod has is not known');

  registry.drop('u-1');
  await page.waitForSelector('.row.gone');
  await page.waitForFunction(() => !document.querySelector('.row.gone'));
  assert.deepEqual(await addresses(), ['10.0.0.2:20880']);

  await page.getByRole('button', { name: 'Pause' }).click();
  await page.waitForSelector('.live-paused');
  assert.match(await page.locator('.past time').innerText(), /^\d\d:\d\d:\d\d$/, 'as in the list of changes');
  await page.locator('.past input').evaluate((input) => {
    input.value = input.min;
    input.dispatchEvent(new Event('input'));
  });
  await page.waitForFunction(() => document.querySelector('.row.endpoint .label')?.textContent === '10.0.0.1:20880');
  const asked = registry.next('annotations');
  provide(3);
  await asked; // the page has it by now, and shows it later
  assert.deepEqual(await addresses(), ['10.0.0.1:20880'], 'the past stays while it is looked at');
  await page.getByRole('button', { name: 'Resume' }).click();
  await endpoints(2);
  assert.deepEqual((await addresses()).sort(), ['10.0.0.2:20880', '10.0.0.3:20880']);

  registry.put({ uid: 'u-bad', name: 'bad-0', annotation: 'W3siayI6Ii9kdWJibyJ4In1d' }, [{ code: 'not-json', stage: 'json', offset: 18, decodedOffset: 14, expected: 'comma-after-member', found: { byte: 120 }, message: 'for people' }]);
  await page.waitForFunction(() => document.querySelector('.row.pod .label')?.textContent === 'shop/bad-0');
  assert.match(await page.locator('.strip').innerText(), /1\s+error/);
  await page.locator('.row.pod').click();
  await page.waitForFunction(() => document.querySelector('.verdict.refused'));
  assert.match(await page.locator('.findings').innerText(), /not JSON/);
  assert.equal(await page.locator('.layer.base64 .code').innerText(), 'W3siayI6Ii9kdWJibyJ4In1d', 'the annotation as it stands in the Pod');
  await page.locator('.findings .small').click();
  await page.waitForFunction(() => CSS.highlights.has('wrong') || CSS.highlights.has('chosen'));
  registry.drop('u-bad');
  await page.waitForFunction(() => !document.querySelector('.row.pod'));
  await page.keyboard.press('e');
  assert.equal(await page.locator('.editor').count(), 0, 'what is live is not edited');

  registry.send('disconnected', { error: 'connection refused' });
  await page.waitForSelector('.live-lagging');
  provide(4);
  await endpoints(3);
  assert.match(await page.locator('.stale').innerText(), /connection refused/);
  assert.equal(await page.locator('.live-lagging').count(), 1, 'it lags until it is followed again');
  registry.send('reconnected', { namespace: null });
  await page.waitForSelector('.live-connected');

  const again = registry.next();
  registry.cut();
  await page.waitForSelector('.live-lost');
  await again;
  await page.waitForSelector('.live-connected');
  assert.deepEqual((await addresses()).sort(), ['10.0.0.2:20880', '10.0.0.3:20880', '10.0.0.4:20880']);
});

test('only what has changed is asked for, also after a connection that was lost', async () => {
  provide(1);
  provide(2);
  await open();
  await endpoints(2);
  assert.deepEqual(registry.asked.slice(0, 1), [null], 'all Pods once');
  registry.cut();
  provide(3);
  await endpoints(3);
  assert.equal(registry.asked.filter((since) => since === null).length, 1);
  assert.equal(registry.streams, 2);
  // Where it is refused it goes on asking.
  registry.failing = 503;
  provide(4);
  await registry.next('annotations');
  await registry.next('annotations');
  registry.failing = 0;
  await endpoints(4);
  violations.splice(0, violations.length, ...violations.filter((one) => !one.includes('503')));
});

test('a watcher that starts again is compared with what is shown: only what differs is new or gone', async () => {
  provide(1);
  provide(2);
  await open();
  await endpoints(2);
  await page.locator('.row.endpoint', { hasText: '10.0.0.2' }).click();
  await page.waitForSelector('.params');
  registry.restart();
  provide(3);
  await endpoints(3);
  assert.deepEqual(await page.locator('.row.fresh .label').allInnerTexts(), ['10.0.0.3:20880']);
  assert.equal(await page.locator('.pod-name').innerText(), 'shop/p-2');
  assert.equal(await page.locator('.verdict.read').count(), 1);
});

test('a live page that is loaded again is there again at once', async () => {
  provide(1);
  await open();
  await endpoints(1);
  for (let turn = 0; turn < 3; turn++) {
    // Chromium would make it wait for twenty seconds behind the stream of the page before.
    await page.reload();
    await page.waitForFunction(() => document.querySelector('.live-connected') && document.querySelectorAll('.row.endpoint').length === 1, undefined, { timeout: 10_000 });
  }
  assert.equal(registry.streams, 4);
});

test('the last changes are listed with their time and what they did, and one can go back to each', async () => {
  provide(1);
  await open();
  await endpoints(1);
  await page.getByRole('button', { name: 'Changes' }).click();
  assert.match(await page.locator('.pane-services .hollow').innerText(), /Nothing has changed/);
  provide(2);
  await page.waitForSelector('.happened.new');
  provide(1, 9);
  await page.waitForSelector('.happened.changed ins');
  registry.put({ uid: 'u-2', name: 'p-2', annotation: provides(2), ready: false });
  await page.waitForFunction(() => document.querySelectorAll('.happened').length === 3);
  const listed = () => page.locator('.happened').evaluateAll((all) => all.map((one) => one.innerText.replace(/\s+/g, ' ')));
  const [unready, changed, came] = await listed();
  assert.match(unready, /^\d\d:\d\d:\d\d changed shop\/p-2 ready → not ready$/);
  assert.match(changed, /changed shop\/p-1 .*10\.0\.0\.9:20880/);
  assert.match(came, /^\d\d:\d\d:\d\d came shop\/p-2 providers a\.B dubbo:\/\/10\.0\.0\.2:20880$/);
  assert.match(page.url(), /view=changes/);

  await page.locator('#find').fill('10.0.0.9');
  await page.waitForFunction(() => document.querySelectorAll('.happened').length === 1);
  assert.deepEqual(await listed(), [changed], 'a search looks at them too');
  await page.locator('#find').fill('');
  await page.waitForFunction(() => document.querySelectorAll('.happened').length === 3);

  await page.getByRole('button', { name: 'Pause' }).click();
  await page.waitForSelector('.live-paused');
  const asked = registry.next('annotations');
  registry.drop('u-2');
  await asked;
  assert.deepEqual(await listed(), [unready, changed, came], 'it stands still while it is paused');
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.waitForSelector('.happened.gone del');
  // To the moment of a change: what came later is not there yet.
  await page.locator('.happened.new time').click();
  await page.waitForFunction(() => document.querySelectorAll('.happened').length < 4);
  await page.getByRole('button', { name: 'By service' }).click();
  await page.waitForFunction(() => [...document.querySelectorAll('.row.endpoint .label')].some((one) => one.textContent === '10.0.0.2:20880'));
  await page.getByRole('button', { name: 'Resume' }).click();
  await endpoints(2);
  await page.getByRole('button', { name: 'Changes' }).click();
  await page.locator('.happened.changed', { hasText: '10.0.0.9' }).locator('.mono').first().click();
  await page.waitForFunction(() => document.querySelector('.pod-name')?.textContent === 'shop/p-1');
});

test('a text in place of the live registry ends it, until one goes live again', async () => {
  provide(1);
  await open();
  await endpoints(1);
  provide(2); // on its way while the text is loaded
  await page.locator('.action', { hasText: 'Sample' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.row.service').length > 3);
  assert.equal(await page.locator('.live').count(), 0);
  assert.match(await page.locator('.counts').innerText(), /8\s+Pods/);
  await page.locator('.row.endpoint').first().click();
  await page.keyboard.press('e');
  await page.locator('.editor').waitFor();
  await page.getByRole('button', { name: 'Go live' }).click();
  await page.waitForSelector('.live-connected');
  await endpoints(2);
});

test('a key that two Pods carry is shown at both, and then at the one that is left', async () => {
  registry.put({ uid: 'u-1', name: 'p-1', annotation: provides(1) });
  await open();
  await endpoints(1);
  const shown = () => page.locator('.row.endpoint:not(.gone) .where').allInnerTexts();
  registry.put({ uid: 'u-2', name: 'p-2', annotation: provides(1) });
  await endpoints(2);
  assert.deepEqual(await shown(), ['shop/p-1', 'shop/p-2']);
  registry.drop('u-1');
  await endpoints(1);
  assert.deepEqual(await shown(), ['shop/p-2']);
});

test('what leaves is said to have left, also where it is selected, and nothing else is taken for it', async () => {
  provide(1);
  await open();
  await endpoints(1);
  provide(2);
  await endpoints(2);
  await page.locator('.row.endpoint', { hasText: '10.0.0.2' }).click();
  await page.waitForFunction(() => document.querySelector('.pod-name')?.textContent === 'shop/p-2' && document.querySelector('.verdict.read'));
  // A record that comes before it changes its place, and not what is selected.
  const other = key('a.A', 'providers', 'dubbo://10.0.0.2:1/a.A');
  registry.put({ uid: 'u-2', name: 'p-2', annotation: annotation([other, key('a.B', 'providers', url(2))]) });
  await endpoints(3);
  await page.waitForFunction(() => document.querySelectorAll('.records li').length === 2);
  assert.match(await page.locator('.record h3').innerText(), /a\.B/);
  registry.put({ uid: 'u-2', name: 'p-2', annotation: annotation([other]) });
  await page.waitForSelector('.record.gone');
  assert.match(await page.locator('.record').innerText(), /10\.0\.0\.2:20880/);
  registry.drop('u-2');
  await page.waitForSelector('.verdict.gone');
  assert.equal(await page.locator('.verdict.read').count(), 0);
  registry.restart();
  registry.put({ uid: 'u-3', name: 'p-2', annotation: provides(2) }); // another Pod of its name
  await page.waitForSelector('.live-lost');
  await page.waitForSelector('.live-connected');
  await endpoints(2);
  assert.equal(await page.locator('.pod-name').innerText(), 'shop/p-2');
  assert.equal(await page.locator('.verdict.gone').count(), 1);
});

test('rows stay under the pointer, and what was closed stays closed when everything is read anew', async () => {
  const many = (from) => {
    for (let n = 0; n < 40; n++) {
      const of = (name, net) => key(name, 'providers', `dubbo://10.0.${net}.${from + n}:1/${name}`);
      registry.put({ uid: `u-${100 + n}`, name: `p-${100 + n}`, annotation: annotation([of('a.A', 1), of('a.C', 2)]) });
    }
  };
  many(0);
  await open();
  await page.waitForSelector('.row.service');
  await page.getByRole('button', { name: 'Expand all' }).click();
  await page.waitForSelector('.row.endpoint');
  const target = page.locator('.row.endpoint', { hasText: '10.0.1.9:' });
  await target.hover();
  const top = () => target.evaluate((row) => Math.round(row.getBoundingClientRect().top));
  const before = await top();
  const count = () => page.locator('#tree').getAttribute('aria-rowcount').then(Number);
  const rows = await count();
  const row = await target.getAttribute('data-index');
  registry.put({ uid: 'u-50', name: 'p-50', annotation: annotation([key('a.0', 'providers', 'dubbo://10.9.9.9:1/a.0')]) });
  await page.waitForFunction((rows) => Number(document.querySelector('#tree').getAttribute('aria-rowcount')) > rows, rows);
  await page.waitForFunction((row) => [...document.querySelectorAll('.row.endpoint')].some((one) => one.textContent.includes('10.0.1.9:') && one.dataset.index !== row), row);
  assert.equal(await top(), before);

  await page.getByRole('button', { name: 'Collapse all' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 0);
  const service = (name) => page.locator('.row.service', { hasText: new RegExp(`^\\s*${name.replace('.', '\\.')}`) });
  await service('a.C').locator('.twist').click();
  await page.waitForFunction(() => document.querySelectorAll('.row.role').length === 1);
  const opened = () => page.locator('.row.service').evaluateAll((all) => all.filter((one) => one.getAttribute('aria-expanded') === 'true').map((one) => one.querySelector('b').textContent));
  assert.deepEqual(await opened(), ['C']);
  const again = registry.next();
  registry.restart();
  many(100);
  await again;
  await page.waitForSelector('.live-connected');
  assert.deepEqual(await opened(), ['C']);
  // What is new is closed as the others are, and nothing that is live has a source beside it.
  registry.put({ uid: 'u-51', name: 'p-51', annotation: annotation([key('a.D', 'providers', 'dubbo://10.9.9.8:1/a.D')]) });
  await page.waitForFunction(() => document.querySelectorAll('.row.service').length === 4);
  assert.deepEqual(await opened(), ['C']);
});

test('what is live stands in two panes, in one where it is narrow, and never beside an empty source', async () => {
  provide(1);
  await open();
  await endpoints(1);
  const panes = () => page.locator('.pane').evaluateAll((all) => all.filter((one) => one.offsetParent && one.offsetWidth > 0).map((one) => [one.id, one.offsetWidth]));
  for (const [width, count] of [[1600, 2], [1280, 2], [1000, 2], [800, 2], [700, 1], [390, 1]]) {
    await page.setViewportSize({ width, height: 800 });
    const shown = await panes();
    assert.equal(shown.length, count, `${width}: ${JSON.stringify(shown)}`);
    assert.ok(shown.every(([id, of]) => id !== 'pane-source' && of >= Math.min(300, width - 20)), `${width}: ${JSON.stringify(shown)}`);
    assert.equal(await page.getByRole('tab', { name: 'Source' }).count(), 0);
  }
  await page.locator('.row.endpoint').click();
  await page.waitForSelector('.params');
  assert.deepEqual((await panes()).map(([id]) => id), ['pane-detail']);
});

test('a live view has an address, at which another page shows it again', async () => {
  provide(1);
  await open();
  await endpoints(1);
  provide(2);
  await endpoints(2);
  await page.locator('#find').fill('10.0.0.2');
  await endpoints(1);
  await page.locator('.row.endpoint').click();
  await page.waitForFunction(() => /find=10.0.0.2/.test(location.hash) && /pod=shop%2Fp-2&key=/.test(location.hash));
  const address = page.url();
  await page.close();
  page = await chrome.watched(host.url, { complaints: violations, tolerated: true });
  await page.goto(address);
  await page.waitForFunction(() => document.querySelector('.pod-name')?.textContent === 'shop/p-2' && document.querySelector('.params'));
  assert.equal(await page.locator('#find').inputValue(), '10.0.0.2');
  assert.equal(await page.locator('.row.endpoint').count(), 1);
});

test('one bad record leaves the others of its Pod, and what the watcher does not believe is marked', async () => {
  const refused = key('a.B', 'providers', 'dubbo://10.0.0.1:1/a.B?filter=a;b');
  registry.put({ uid: 'u-1', name: 'p-1', annotation: annotation([key('a.B', 'providers', url(1)), refused]) }, [{ code: 'dubbo-go-refuses-url', stage: 'shape', offset: 160, decodedOffset: 120, expected: 'url', found: { byte: 59 }, reason: 'semicolon', message: 'for people' }]);
  const spoof = { code: 'address-not-pod', stage: 'shape', offset: 40, decodedOffset: 30, expected: 'own-address', found: { thing: 'another-address' }, distrust: 'address-not-pod', message: 'for people' };
  registry.put({ uid: 'u-2', name: 'p-2', annotation: provides(7) }, [spoof]);
  registry.put({ uid: 'u-3', name: 'p-3', annotation: annotation([key('a.B', 'consumers', 'consumer://10.0.0.3/a.B?protocol=dubbo')]) });
  await open();
  await endpoints(4);
  await page.locator('.row.endpoint', { hasText: '10.0.0.1:20880' }).click();
  await page.waitForSelector('.params');
  assert.equal(await page.locator('.verdict.read').count(), 1);
  await page.locator('.row.endpoint', { hasText: '10.0.0.7' }).click();
  await page.waitForFunction(() => /not the Pod/i.test(document.querySelector('.findings')?.innerText ?? ''));
  await page.locator('.row.endpoint', { hasText: '10.0.0.3' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.relations .why').length === 2);
});
