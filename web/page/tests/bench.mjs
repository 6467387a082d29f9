// The budgets of the page, measured in the browser that people use, on text of the size that they have.
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browser } from './browser.mjs';
import { key, kubectl, pod } from './samples.mjs';
import { begin, serve } from './serve.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const p95 = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length * 0.95)];
const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
const shown = (value, unit) => (value === undefined ? '' : `${value.toFixed(value < 100 ? 1 : 0)} ${unit}`);
/** One row. The baseline is the naive form of the same work, in the same run; a row without a budget explains another. */
const tell = (what, value, unit, budget, baseline, of = '') => {
  const verdict = budget === undefined ? '' : value <= budget ? 'kept' : 'MISSED';
  console.log(`| ${what} | ${shown(value, unit)} | ${shown(budget, unit)} | ${verdict} | ${baseline === undefined ? '' : `${shown(baseline, unit)}: ${of}`} |`);
};
console.log('| what | measured | budget | | baseline |\n|---|---|---|---|---|');

/** Fewer, to try the bench itself. */
const PODS = Number(process.env.BENCH_PODS ?? 10_000);

/** Milliseconds of CPU that the main thread of a page has used. */
async function cpu(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find((one) => one.name === 'TaskDuration').value * 1000;
  };
}

const weigh = (end) => readdirSync(here('../dist/assets')).filter((name) => end.some((one) => name.endsWith(one))).reduce((sum, name) => sum + gzipSync(readFileSync(here(`../dist/assets/${name}`)), { level: 9 }).length / 1000, 0);
tell('wasm, gzipped', weigh(['.wasm']), 'kB', 200);
tell('script and style, gzipped', weigh(['.js', '.css']), 'kB', 90);

/** A list as a server sends it, about 8.2 KB a Pod, six endpoints each; `env` is what else is in a Pod. */
function list(pods, env) {
  const items = Array.from({ length: pods }, (_, at) => {
    const ip = `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`;
    const records = Array.from({ length: 6 }, (_, n) => {
      const service = `com.example.area${at % 40}.Service${(at * 6 + n) % 500}`;
      return n < 3 ? key(service, 'providers', `dubbo://${ip}:20880/${service}?application=shop-${at % 40}&interface=${service}&methods=Get%2CList%2CCreate&release=dubbo-golang-1.5.7&side=provider&timestamp=1760000000&owner=team-${at % 7}&serialization=hessian2&retries=2&loadbalance=random&environment=prod&organization=example.com`) : key(service, 'consumers', `consumer://${ip}/${service}?application=shop-${at % 40}&interface=${service}&side=consumer&check=false&timestamp=1760000000&version=`);
    });
    const one = JSON.parse(pod({ name: `shop-${at}`, uid: `u-${at}`, records, ip }));
    one.spec = { containers: [{ name: 'app', image: 'example.com/app:1', env }] };
    return one;
  });
  return { kind: 'List', apiVersion: 'v1', metadata: { resourceVersion: '1' }, items };
}

/** Watches a page for tasks on its main thread that are long. */
const watchTasks = (page) => page.evaluate(() => {
  window.tasks = [];
  new PerformanceObserver((all) => all.getEntries().forEach((one) => window.tasks.push(one.duration))).observe({ type: 'longtask' });
});

/** Opens a file; seconds until the first rows are drawn, and milliseconds of the longest task on the main thread meanwhile. */
async function open(page, path) {
  await page.evaluate(() => { window.tasks.length = 0; });
  await page.evaluate(() => document.querySelector('#file').addEventListener('change', (event) => { window.kept = event.target.files[0]; window.started = performance.now(); }, { capture: true, once: true }));
  await page.setInputFiles('#file', path);
  const took = await page.evaluate(async () => {
    while (!document.querySelector('.row.service')) await new Promise((r) => setTimeout(r, 2));
    await new Promise(requestAnimationFrame);
    return performance.now() - window.started;
  });
  await page.waitForTimeout(500);
  return { took: took / 1000, longest: Math.max(0, ...(await page.evaluate(() => window.tasks))) };
}

let stream;
const host = await serve(here('../dist'), (response) => (stream = begin(response)), () => {}); // the snapshot stays the one that is known
const chrome = await browser({ viewport: { width: 1280, height: 800 } });
const folder = await mkdtemp(join(tmpdir(), 'inspector-bench-'));
try {
  const page = await chrome.context.newPage();
  await page.goto(host.url);
  await page.waitForSelector('.hollow.empty');
  await watchTasks(page);

  const single = pod({ name: 'a', records: [key('a.B', 'providers', 'dubbo://10.0.0.1:1/a.B?x=1'), key('c.D', 'consumers', 'consumer://10.0.0.1/c.D')] });
  const pasted = [];
  for (let run = 0; run < 15; run++) {
    pasted.push(await page.evaluate(async (text) => {
      const clear = [...document.querySelectorAll('.pane-source .small')].at(-1);
      clear?.click();
      await new Promise((r) => setTimeout(r, 60));
      const start = performance.now();
      const data = new DataTransfer();
      data.setData('text/plain', text);
      document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
      while (!document.querySelector('.row.endpoint')) await new Promise((r) => setTimeout(r, 1));
      await new Promise(requestAnimationFrame);
      return performance.now() - start;
    }, single));
  }
  tell('one Pod pasted → tree (median of 15)', median(pasted), 'ms', 50);

  const text = JSON.stringify(list(PODS, [{ name: 'X', value: 'x'.repeat(5100) }]));
  await writeFile(join(folder, 'pods.json'), text);
  const { took, longest } = await open(page, join(folder, 'pods.json'));
  // The naive form: the whole text parsed into objects, each annotation decoded, nothing kept of where it stood.
  const naive = await page.evaluate(async () => {
    const file = document.querySelector('#file').files[0] ?? window.kept;
    const start = performance.now();
    const { items } = JSON.parse(await file.text());
    let records = 0;
    for (const { metadata } of items) {
      const value = metadata.annotations['dubbo.io/annotation'].replaceAll('-', '+').replaceAll('_', '/');
      records += JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(value), (c) => c.charCodeAt(0)))).length;
    }
    return records > 0 ? performance.now() - start : 0;
  });
  tell(`${PODS} Pods, ${(text.length / 1e6).toFixed(0)} MB of JSON → first rows`, took, 's', 2, naive / 1000, 'JSON.parse and atob, on the main thread');

  tell('… longest task on the main thread meanwhile (none is told below 50)', longest, 'ms', 50);

  await page.evaluate(() => [...document.querySelectorAll('.pane-services .small.icon')][0].click());
  await page.waitForFunction((pods) => Number(document.querySelector('#tree').getAttribute('aria-rowcount')) > pods * 6, PODS);
  const used = await cpu(page);
  /** Times between 240 frames; `by` pixels are scrolled in each. */
  const scroll = (by) => page.evaluate(async (by) => {
    const tree = document.querySelector('#tree');
    const times = [];
    let last = await new Promise(requestAnimationFrame);
    for (let step = 0; step < 240; step++) {
      if (by > 0) tree.scrollTop += step % 40 === 39 ? tree.scrollHeight / 8 : by;
      const now = await new Promise(requestAnimationFrame);
      times.push(now - last);
      last = now;
    }
    return times;
  }, by);
  const idle = await scroll(0);
  const before = await used();
  const frames = await scroll(240);
  const spent = (await used()) - before;
  const count = await page.locator('#tree').getAttribute('aria-rowcount');
  tell(`scrolling over ${count} rows, frame p95`, p95(frames), 'ms', 20, p95(idle), 'the same frames without scrolling');
  tell('… CPU of the main thread for each frame', spent / frames.length, 'ms');

  /** Types into the search; milliseconds until other rows are drawn. Each search begins with all of them in sight. */
  const search = (words) => page.evaluate(async (words) => {
    const field = document.querySelector('#find');
    const tree = document.querySelector('#tree');
    const before = tree.getAttribute('aria-rowcount');
    const start = performance.now();
    field.value = words;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    while (tree.getAttribute('aria-rowcount') === before) {
      if (performance.now() - start > 10_000) throw new Error(`searching for "${words}" changed nothing: ${before} rows`);
      await new Promise((r) => setTimeout(r, 1));
    }
    await new Promise(requestAnimationFrame);
    return performance.now() - start;
  }, words);
  const searches = [];
  for (const words of ['service77', 'area3 owner=team-5', '10.0.1.', 'nothing like it', 'side=consumer shop-1']) {
    searches.push(await search(words));
    await search('');
  }
  const plain = await page.evaluate((count) => {
    const texts = Array.from({ length: count }, (_, at) => `prod/shop-${at} com.example.area${at % 40}.service${at % 500} dubbo://10.0.${at & 255}.${at % 251}:20880/com.example.service${at % 500}?application=shop-${at % 40}&methods=get%2clist&release=dubbo-golang-1.5.7&side=provider&owner=team-${at % 7}`);
    const start = performance.now();
    const found = texts.filter((text) => text.includes('side=consumer') && text.includes('shop-1'));
    return found.length === 0 ? performance.now() - start : 0;
  }, PODS * 6);
  tell('searching all of them (the slowest of 5)', Math.max(...searches), 'ms', 100, plain, 'String.includes over as many texts, nothing shown');
  await page.close();

  // YAML costs by its lines, so these Pods have as many as those of a cluster: 100 variables instead of a long one.
  const many = list(PODS, Array.from({ length: 100 }, (_, n) => ({ name: `VARIABLE_${n}`, value: `value-of-${n}` })));
  const sources = { json: JSON.stringify(many), yaml: kubectl(many) };
  const opened = {};
  for (const [form, source] of Object.entries(sources)) {
    const path = join(folder, `lines.${form}`);
    await writeFile(path, source);
    const other = await chrome.context.newPage();
    await other.goto(host.url);
    await other.waitForSelector('.hollow.empty');
    await watchTasks(other);
    opened[form] = await open(other, path);
    await other.close();
  }
  tell(`${PODS} Pods of 230 lines, ${(sources.yaml.length / 1e6).toFixed(0)} MB of YAML → first rows`, opened.yaml.took, 's', undefined, opened.json.took, 'the same Pods as JSON');
  tell('… longest task on the main thread meanwhile', opened.yaml.longest, 'ms', 50);

  // Live: 500 events a second for ten seconds into a registry of 2,000 endpoints.
  const live = await chrome.context.newPage();
  await live.goto(`${host.url}?live`);
  while (!stream) await new Promise((r) => setTimeout(r, 10));
  const url = (n) => `dubbo://10.1.${n >> 8}.${n & 255}:20880/a.B`;
  const holder = (n) => ({ namespace: 'shop', pod: `p-${n}`, uid: `u-${n}` });
  const services = Array.from({ length: 40 }, (_, s) => ({ interface: `a.S${s}`, providers: Array.from({ length: 50 }, (_, n) => ({ url: url(s * 50 + n), holders: [holder(s * 50 + n)] })), consumers: [] }));
  stream.write(`event: snapshot\ndata: ${JSON.stringify({ services, problems: [] })}\n\n`);
  await live.waitForSelector('.row');
  const liveUsed = await cpu(live);
  await live.evaluate(() => {
    window.seen = new Map();
    const look = () => {
      const now = performance.timeOrigin + performance.now();
      for (const row of document.querySelectorAll('.row.endpoint .label')) if (!window.seen.has(row.textContent)) window.seen.set(row.textContent, now);
      requestAnimationFrame(look);
    };
    look();
    const field = document.querySelector('#find');
    field.value = 'live.probe';
    field.dispatchEvent(new Event('input', { bubbles: true }));
  });
  const sent = new Map();
  const liveBefore = await liveUsed();
  const start = Date.now();
  for (let n = 0; n < 5000; n++) {
    const probe = n % 25 === 0;
    const at = `10.9.${n >> 8}.${n & 255}:1`;
    const service = probe ? 'live.probe' : `a.S${n % 40}`;
    if (probe) sent.set(at, performance.timeOrigin + performance.now());
    const data = { event: 'added', key: key(service, 'providers', `dubbo://${at}/${service}`), value: '', namespace: 'shop', pod: `p-${n % 2000}`, uid: `u-${n % 2000}` };
    stream.write(`event: added\ndata: ${JSON.stringify(data)}\n\n`);
    const ahead = n * 2 - (Date.now() - start);
    if (ahead > 0) await new Promise((r) => setTimeout(r, ahead));
  }
  const lasted = Date.now() - start;
  const liveSpent = (await liveUsed()) - liveBefore;
  await live.waitForTimeout(1000);
  const seen = new Map(await live.evaluate(() => [...window.seen]));
  const late = [...sent].filter(([at]) => seen.has(at)).map(([at, time]) => seen.get(at) - time);
  if (late.length < 10) throw new Error(`only ${late.length} of ${sent.size} probes were seen`);
  tell(`live event → paint at 500 a second, p95 of ${late.length}`, p95(late), 'ms', 150);
  tell('… CPU of the main thread for each second of it', (liveSpent / lasted) * 1000, 'ms');
} finally {
  await chrome.close();
  await host.close();
  await rm(folder, { recursive: true, force: true });
}
