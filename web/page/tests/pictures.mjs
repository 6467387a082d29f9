// The pictures of README and documentation, taken of the built page. `cargo xtask pictures` builds it and calls this.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { browser } from './browser.mjs';
import { annotation, key } from './samples.mjs';
import { Registry, serve } from './serve.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folders = [here('../../pictures'), here('../../../docs/src/pictures')];
for (const folder of folders) await mkdir(folder, { recursive: true });

const registry = new Registry();
const host = await serve(here('../dist'), registry);
const chrome = await browser();
let page;

/** A page of its own for each picture, in this size, language and theme. */
async function open(address = '', { lang = 'en', theme = 'light', width = 1280, height = 800 } = {}) {
  await page?.close();
  page = await chrome.watched(host.url);
  await page.addInitScript(([lang, theme]) => Object.assign(localStorage, { lang, theme }), [lang, theme]);
  await page.setViewportSize({ width, height });
  await page.goto(host.url + address);
}

/** Takes the picture when what was drawn last is there; those of the documentation lie beside its pages. */
async function take(name, of = folders[0]) {
  await page.mouse.move(0, 0);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path: `${of}/${name}.png` });
  console.log(`${of}/${name}.png`);
}

const troubled = async () => {
  await page.locator('.action').nth(1).click();
  await page.waitForSelector('.row.service');
};
/** Selects the endpoint at this address, the last where there are several. */
const choose = async (address) => {
  await page.locator('.row.endpoint', { hasText: address }).last().click();
  await page.waitForSelector('.params');
};

await open();
await page.waitForSelector('.first-picture');
await take('first');

await open();
await troubled();
await page.keyboard.press('F8');
await page.waitForSelector('.problem.chosen');
await take('problems');

await open('', { theme: 'dark' });
await troubled();
await choose('10.244.1.11');
await page.keyboard.press('g');
await page.waitForSelector('#graph .node');
await take('graph');

await open('', { height: 900 });
await troubled();
await choose('10.244.1.11');
await page.waitForSelector('.relations .why');
await page.locator('.relations').evaluate((one) => one.scrollIntoView({ block: 'center' }));
await take('relations', folders[1]);

await open('', { lang: 'zh', width: 390 });
await page.waitForSelector('.first-picture');
await page.locator('.hollow .buttons .button').nth(1).click();
await page.waitForSelector('.row.service');
await take('narrow');

const order = (n, more = '') => ({ uid: `u-${n}`, name: `order-7c9f5d4f-${n}xk8p`, annotation: annotation([key('com.example.order.OrderService', 'providers', `dubbo://10.244.1.${n}:20880/com.example.order.OrderService?application=order&version=1.0.0${more}`)]) });
for (const n of [1, 2, 3]) registry.put(order(n));
registry.put({ uid: 'u-9', name: 'gateway-84c6d7f5b-x9v7n', annotation: annotation([key('com.example.order.OrderService', 'consumers', 'consumer://10.244.4.4/com.example.order.OrderService?application=gateway&version=1.0.0&protocol=dubbo')]) });
await open('?live');
await page.waitForSelector('.live-connected');
await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length === 4);
await choose('10.244.4.4');
await page.getByRole('button', { name: 'Changes' }).click();
registry.put({ ...order(2, '&weight=50') });
await page.waitForFunction(() => document.querySelectorAll('.happened').length === 1);
registry.put({ ...order(3), ready: false });
await page.waitForFunction(() => document.querySelectorAll('.happened').length === 2);
registry.drop('u-3');
registry.put(order(4));
await page.waitForFunction(() => document.querySelectorAll('.happened').length === 4);
await page.waitForFunction(() => document.querySelectorAll('.relations .portion').length === 3);
await take('live');

await chrome.close();
await host.close();
