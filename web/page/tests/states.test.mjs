// Every state of the page, looked at by axe in both languages, both themes and two widths, with a picture of each.
//
// Each state is brought about once, and looked at eight times.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { browser, hold as held, paste as pasted } from './browser.mjs';
import { Registry, serve } from './serve.mjs';
import { annotation, key, pod } from './samples.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const artefacts = here('../artefacts');
await mkdir(artefacts, { recursive: true });

const looks = ['en', 'zh'].flatMap((lang) => ['light', 'dark'].flatMap((theme) => [1280, 360].map((width) => [lang, theme, width])));

let host, chrome, page;
const registry = new Registry();
const complaints = [];
const left = [];

before(async () => {
  host = await serve(here('../dist'), registry);
  chrome = await browser();
});
after(async () => {
  await chrome?.close();
  await host?.close();
});

async function open(address = '') {
  await page?.close();
  page = await chrome.watched(host.url, { complaints, left, tolerated: true });
  await page.goto(host.url + address);
}

const paste = (text) => pasted(page, text);
const hold = () => held(page);
const wait = (condition) => page.waitForFunction(condition);
const click = (selector) => page.evaluate((selector) => document.querySelector(selector).click(), selector);
/** A click on an action of the bar by its place, also where a dialog is open. */
const action = (at) => page.evaluate((at) => document.querySelectorAll('.action')[at].click(), at);
const tab = (at) => page.evaluate((at) => document.querySelector(`[role=tab][aria-controls=pane-${['source', 'services', 'detail'][at]}]`).click(), at);
const troubled = async () => {
  await action(1);
  await wait(() => document.querySelectorAll('.row').length > 8);
};

/** Looks at the state that the page is in. Where it is narrow, `pane` is the tab to look at. */
async function look(state, pane) {
  const wrong = [];
  for (const [lang, theme, width] of looks) {
    await page.setViewportSize({ width, height: 800 });
    if ((await page.evaluate(() => document.documentElement.lang.slice(0, 2))) !== lang) await action(5);
    if ((await page.evaluate(() => document.documentElement.dataset.theme)) !== theme) await action(6);
    if (pane !== undefined) await tab(pane);
    await page.waitForFunction(([lang, theme]) => document.documentElement.lang.startsWith(lang) && document.documentElement.dataset.theme === theme, [lang, theme]);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))); // what was just drawn
    const name = `${state}-${lang}-${theme}-${width}`;
    await page.screenshot({ path: `${artefacts}/${name}.png` });
    wrong.push(...(await chrome.axe(page, axeSource)).map((one) => `${name}: ${one}`));
    const wide = await page.evaluate(() => {
      const over = (element) => element.scrollWidth - element.clientWidth;
      const cut = [...document.querySelectorAll('.head, .strip, .bar, .card, .title, .dialog')].filter((one) => one.offsetParent && over(one) > 1);
      // Nothing that is looked for is cut: the class of a service, the address of an endpoint, and what is typed into the search.
      const before = (one) => one.getBoundingClientRect().left < one.closest('.label').getBoundingClientRect().left - 1;
      const classes = [...document.querySelectorAll('.row.service b')].filter((one) => one.offsetParent && before(one)).map((one) => one.textContent);
      const short = [...document.querySelectorAll('.row.endpoint .label')].filter((one) => one.offsetParent && over(one) > 0).map((one) => one.textContent);
      const search = [...document.querySelectorAll('#find')].filter((one) => one.offsetParent && one.clientWidth < 70).map((one) => `search of ${one.clientWidth}`);
      return [...(over(document.documentElement) > 0 ? ['page'] : []), ...cut.map((one) => one.className), ...classes, ...short, ...search];
    });
    if (wide.length > 0) wrong.push(`${name}: too wide or cut: ${wide}`);
    if (lang === 'zh') {
      const english = await page.evaluate(() => [...document.querySelectorAll('button, h2, h3, .hollow p, .tally, .stale')].filter((one) => one.offsetParent && !one.closest('[lang=en], .mono, .code, .pod-name, .row, .record, .switch, .changes') && /[a-z]{3,} [a-z]{3,} [a-z]{3,}/.test(one.textContent) && !/[\u4e00-\u9fff]/.test(one.textContent)).map((one) => one.textContent.trim().slice(0, 60)));
      if (english.length > 0) wrong.push(`${name}: not translated: ${english}`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  assert.deepEqual(wrong, []);
  assert.deepEqual(complaints, [], 'nothing is refused by the policy, nothing throws');
  assert.deepEqual(left, [], 'no request leaves the page');
}

test('empty, ready, source, edited', { timeout: 180_000 }, async () => {
  await open();
  await page.waitForSelector('.hollow.empty');
  await look('empty', 1);
  await click('.hollow .button.primary');
  await wait(() => document.querySelector('.params'));
  await look('ready', 1);
  await look('source', 0);
  await page.locator('.params').getByRole('button', { name: /^dubbo$/ }).click();
  await wait(() => CSS.highlights.has('chosen'));
  await look('layers', 2);
});

test('problems, a problem, edit, diff, share, help', { timeout: 600_000 }, async () => {
  await open();
  await page.waitForSelector('.hollow.empty');
  await troubled();
  await look('problems', 1);
  await page.keyboard.press('F8');
  await page.waitForSelector('.problem.chosen');
  await look('problem', 1);
  await page.keyboard.press('Escape');
  await wait(() => document.querySelector('.params'));
  await page.locator('#tree').focus();
  await page.keyboard.press('e');
  await page.waitForSelector('.params input');
  await page.locator('.params input').first().fill('edited');
  await page.locator('.params input').first().press('Enter');
  await page.waitForSelector('.editor .change');
  await look('edit', 2);
  await action(3);
  await page.getByRole('dialog').waitFor();
  await look('diff');
  await page.evaluate(() => document.querySelector('.dialog .button').click());
  await page.keyboard.press('Escape');
  await paste(pod({ name: 'other', records: [key('a.B', 'providers', 'dubbo://10.0.0.1:1/a.B')] }));
  await page.getByRole('dialog').waitFor();
  await look('discard');
  await page.evaluate(() => document.querySelectorAll('.dialog .button')[1].click());
  await wait(() => document.querySelectorAll('.row').length < 8 && document.querySelector('.params'));
  await action(3);
  await page.waitForSelector('.dialog .change');
  await look('difference');
  await page.keyboard.press('Escape');
  await action(4);
  await wait(() => document.querySelector('.dialog input')?.value.includes('#p='));
  await look('share');
  await page.keyboard.press('Escape');
  await action(7);
  await page.getByRole('dialog').waitFor();
  await look('help');
});

test('relations, filters, the graph and its table', { timeout: 600_000 }, async () => {
  await open();
  await page.waitForSelector('.hollow.empty');
  await troubled();
  await page.locator('.row.endpoint', { hasText: '10.244.1.11' }).last().click();
  await page.waitForSelector('.relations .why');
  await page.locator('.relations').scrollIntoViewIfNeeded();
  await look('relations', 2);
  await click('.filter');
  await page.waitForSelector('.filters select');
  await look('filters', 1);
  await page.evaluate(() => document.querySelector('.chip').click());
  await click('.filter');
  await page.waitForSelector('.chip.on');
  await look('chips', 1);
  await click('.chip.on');
  await page.evaluate(() => document.querySelector('[aria-keyshortcuts=g]').click());
  await page.waitForSelector('#graph .node');
  await look('graph', 1);
  await page.evaluate(() => document.querySelector('.tools .grow ~ [aria-pressed]').click());
  await page.waitForSelector('.graph-table');
  await look('graph-table', 1);
});

test('reading, decoding, refused, too large', { timeout: 180_000 }, async () => {
  await open();
  await page.waitForSelector('.hollow.empty');
  await hold();
  await page.setInputFiles('#file', { name: 'pods.yaml', mimeType: 'a/b', buffer: Buffer.from('kind: Pod') });
  await page.waitForSelector('.spinner');
  await look('reading', 1);
  await page.keyboard.press('Escape');
  await page.waitForSelector('.hollow.empty');
  await open();
  await page.waitForSelector('.hollow.empty');
  await hold();
  await paste('kind: Pod');
  await page.waitForSelector('.spinner');
  await look('decoding', 1);
  await page.getByRole('button', { name: /Cancel|取消/ }).click();
  await page.waitForSelector('.hollow.empty');
  await page.setInputFiles('#file', { name: 'x.jpg', mimeType: 'a/b', buffer: Buffer.from([0xff, 0xd8, 0xff]) });
  await page.waitForSelector('.refused');
  await look('refused', 1);
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(200 << 20)], 'huge.json'));
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await wait(() => /209,715,200/.test(document.querySelector('.refused')?.textContent ?? ''));
  await look('too-large', 1);
});

test('live: connecting, connected, a problem, changes, lagging, paused, lost, signed out', { timeout: 600_000 }, async () => {
  const url = (n, more = '') => `dubbo://10.0.0.${n}:20880/com.example.Order?application=shop&version=1.0.0${more}`;
  const order = (n, more) => ({ uid: `u-${n}`, name: `order-${n}`, annotation: annotation([key('com.example.Order', 'providers', url(n, more))]) });
  registry.silent = true;
  await open('?live');
  await page.waitForSelector('.live-connecting');
  await look('live-connecting', 1);
  registry.silent = false;
  registry.put(order(1));
  registry.put(order(2));
  registry.put({ uid: 'u-9', name: 'report-0' }, [{ code: 'not-json', stage: 'json', offset: 18, decodedOffset: 14, expected: 'comma-after-record', found: { byte: 120 }, message: 'for people' }]);
  await open('?live');
  await wait(() => document.querySelectorAll('.row.endpoint').length === 2);
  await page.locator('.row.endpoint').first().click();
  await page.waitForSelector('.params');
  await look('live-connected', 1);
  await page.locator('.row.pod').click();
  await page.waitForSelector('.verdict.refused');
  await look('live-problem', 2);
  await page.evaluate(() => [...document.querySelectorAll('.pane-services .switch button')].at(-1).click());
  registry.put(order(3));
  registry.put({ ...order(2, '&weight=50'), ready: false });
  registry.drop('u-1');
  await page.waitForSelector('.happened.gone');
  await look('live-changes', 1);
  await page.evaluate(() => document.querySelector('.pane-services .switch button').click());
  registry.send('disconnected', { error: 'connection refused (os error 111)' });
  await page.waitForSelector('.live-lagging');
  await look('live-lagging', 1);
  registry.send('reconnected', {});
  await page.waitForSelector('.live-connected');
  await page.locator('.past button').click();
  await page.waitForSelector('.live-paused');
  await look('live-paused', 1);
  await page.locator('.past button').click();
  await page.waitForSelector('.live-connected');
  registry.silent = true; // nothing answers any more
  registry.cut();
  await page.waitForSelector('.live-lost');
  await look('live-lost', 1);
  registry.silent = false;
  registry.token = 'another';
  await open('?live');
  await page.waitForSelector('input[name=token]');
  complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('401')));
  await look('sign-in', 1);
});
