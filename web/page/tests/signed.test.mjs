// The page before a server that wants a token, as `dubbo-watcher serve --auth kubernetes` does.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { browser } from './browser.mjs';
import { begin, serve } from './serve.mjs';

const TOKEN = 'token-of-ann';
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const holder = { namespace: 'shop', pod: 'p-1', uid: 'u-1' };
const provider = { url: 'dubbo://10.0.0.1:20880/a.B', protocol: 'dubbo', host: '10.0.0.1', port: 20880, params: {}, holders: [holder] };
const snapshot = { revision: '1', synced: true, ageMs: 0, pods: 1, records: 1, services: [{ service: 'a.B', interface: 'a.B', providers: [provider], consumers: [] }], problems: [] };

let host, chrome, page;
const resumed = [];
const complaints = [];
const streams = [];

const isKnown = (request) => request.headers.authorization === `Bearer ${TOKEN}`;

before(async () => {
  host = await serve(here('../dist'), (response) => {
    if (!isKnown(response.req)) return response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
    resumed.push(response.req.headers['last-event-id']);
    streams.push(begin(response));
    if (resumed.length === 1) response.write(`event: snapshot\nid: 00000001-1\ndata: ${JSON.stringify(snapshot)}\n\n`);
  }, (request, response) => response.writeHead(isKnown(request) ? 304 : 401).end());
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
  // The server ends a stream now and then; the page goes on behind the last event.
  streams[0].end();
  await page.waitForFunction(() => document.querySelector('.live-connected'));
  while (resumed.length < 2) await page.waitForFunction(() => new Promise((done) => requestAnimationFrame(() => done(true))));
  assert.deepEqual(resumed, [undefined, '00000001-1']);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state]));
  assert.ok(!kept.includes(TOKEN), kept);
  await page.reload();
  await page.waitForSelector('input[name=token]');
  assert.deepEqual(complaints.filter((text) => !text.includes('401')), []);
});
