// The page as the real `dubbo-watcher serve` gives it, over a simulated cluster that scales, rolls and crashes.
// `cargo xtask test --only web` starts both and says where they are.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { browser } from './browser.mjs';

const url = process.env.DUBBO_SERVE;
let chrome, page;
const complaints = [];

before(async () => {
  assert.ok(url, 'DUBBO_SERVE says where dubbo-watcher serve is');
  chrome = await browser();
  page = await chrome.watched(url, { complaints, left: complaints });
});
after(() => chrome?.close());

test('the registry is there, changes are marked, a problem stands beside the rest, the past can be seen', { timeout: 180_000 }, async () => {
  await page.goto(url);
  await page.waitForSelector('.live-connected');
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length > 5);
  const providers = await page.locator('.row.role .label').allInnerTexts();
  assert.ok(providers.includes('Providers') && providers.includes('Consumers'), String(providers));
  // What is marked is so for a moment: the page is asked again and again.
  await page.waitForFunction(() => document.querySelector('.row.fresh') !== null, undefined, { polling: 50, timeout: 90_000 });
  await page.waitForFunction(() => document.querySelector('.row.gone') !== null, undefined, { polling: 50, timeout: 90_000 });
  await page.waitForFunction(() => document.querySelector('.row.unread') !== null, undefined, { polling: 50, timeout: 90_000 });
  await page.evaluate(() => document.querySelector('.row.pod').click());
  await page.waitForSelector('.verdict.refused');

  await page.getByRole('button', { name: 'Pause' }).click();
  await page.waitForSelector('.live-paused');
  const shown = () => page.locator('#tree').innerText();
  await page.locator('.past input').evaluate((input) => {
    input.value = input.min;
    input.dispatchEvent(new Event('input'));
  });
  await page.waitForFunction(() => document.querySelectorAll('.row.endpoint').length > 5);
  const past = await shown();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.waitForSelector('.live-connected');
  await page.waitForFunction((past) => document.querySelector('#tree').innerText !== past, past);
  assert.deepEqual(complaints, []);
});
