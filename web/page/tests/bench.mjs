// The budgets of the page, measured in the browser that people use, on text of the size that they have.
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { browser } from './browser.mjs';
import { annotation, key, kubectl, pod } from './samples.mjs';
import { Registry, serve } from './serve.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const p95 = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length * 0.95)];
const median = (all) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];
const shown = (value, unit) => (value === undefined ? '' : `${value.toFixed(value < 100 ? 1 : 0)} ${unit}`);
/** One row. The baseline is the naive form of the same work, in the same run; a row without a budget explains another. */
const report = (what, value, unit, budget, baseline, of = '') => {
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
report('wasm, gzipped', weigh(['.wasm']), 'kB', 200);
report('script and style, gzipped', weigh(['.js', '.css']), 'kB', 90);

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

/** A graph of so many interfaces, each provided by one application and called by four: nodes, and edges to be drawn. */
const graphText = (interfaces) => {
  const applications = Math.ceil(interfaces / 5);
  const pods = Array.from({ length: applications }, (_, app) => {
    const ip = `10.3.${app >> 8}.${app & 255}`;
    const own = Array.from({ length: 5 }, (_, n) => app * 5 + n).filter((n) => n < interfaces);
    const provided = own.map((n) => key(`com.example.S${n}`, 'providers', `dubbo://${ip}:20880/com.example.S${n}?application=app-${app}`));
    const consumed = Array.from({ length: 15 }, (_, n) => (app * 7 + n * 31 + 1) % interfaces).map((n) => key(`com.example.S${n}`, 'consumers', `consumer://${ip}/com.example.S${n}?application=app-${app}&protocol=dubbo`));
    return pod({ name: `app-${app}`, uid: `u-${app}`, records: [...new Set([...provided, ...consumed])], ip });
  });
  return pods.join('\n');
};

/** Milliseconds between frames while something is done in each of them. */
const frames = (page, count, act) => page.evaluate(async ([count, act]) => {
  const step = new Function('at', act);
  const times = [];
  let last = await new Promise(requestAnimationFrame);
  for (let at = 0; at < count; at++) {
    step(at);
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times;
}, [count, act]);

/** The picture of a registry of 500 interfaces and 2,000 edges, and panning in it. */
async function graph() {
  const page = await chrome.context.newPage();
  await page.goto(host.url);
  await page.waitForSelector('.hollow.empty');
  await watchTasks(page);
  const path = join(folder, 'graph.json');
  await writeFile(path, graphText(500));
  await open(page, path);
  const first = async (selector) => {
    const start = Date.now();
    await page.keyboard.press('g');
    await page.waitForSelector(selector);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    return (Date.now() - start) / 1000;
  };
  await page.evaluate(() => { window.tasks.length = 0; });
  const took = await first('#graph .node');
  const drawn = await page.evaluate(() => [document.querySelectorAll('#graph .node').length, document.querySelectorAll('#graph .edge').length]);
  report(`500 interfaces, 100 applications, 2,000 edges → first picture (${drawn[0]} nodes and ${drawn[1]} lines are drawn)`, took, 's', 1.5);
  report('… longest task on the main thread meanwhile (Chromium reports none below 50)', Math.max(0, ...(await page.evaluate(() => window.tasks))), 'ms');
  const pan = `const graph = document.querySelector('#graph');
    const [x, y] = [600 + 100 * Math.sin(at / 10), 400 + 80 * Math.cos(at / 10)];
    const send = (type) => graph.dispatchEvent(new PointerEvent(type, { clientX: x, clientY: y, pointerId: 1, button: 0, buttons: 1, bubbles: true }));
    if (at === 0) send('pointerdown');
    send('pointermove');`;
  const idle = await frames(page, 240, '');
  const used = await cpu(page);
  const before = await used();
  const panned = await frames(page, 240, pan);
  const spent = (await used()) - before;
  report('panning, frame p95', p95(panned), 'ms', 20, p95(idle), 'the same frames without panning');
  report('… CPU of the main thread for each frame', spent / panned.length, 'ms', 16.7);
  await page.close();
}

/** How long a live registry is measured; minutes for whether memory stays. */
const LIVE_SECONDS = Number(process.env.BENCH_LIVE_SECONDS ?? 180);

/** Milliseconds from a change to the next frame of a page that only asks for it: what server, browser and machine take. */
async function bare(of) {
  const page = await chrome.context.newPage();
  await page.goto(`${host.url}icon.svg`);
  await page.evaluate(() => {
    window.seen = [];
    const follow = async () => {
      let since = (await (await fetch('/v1/annotations')).json()).revision;
      for (;;) {
        const answer = await (await fetch(`/v1/annotations?since=${since}&wait=30s`, { cache: 'no-store' })).json();
        since = answer.revision;
        const uids = answer.pods.map((pod) => pod.uid);
        requestAnimationFrame(() => window.seen.push([uids, performance.timeOrigin + performance.now()]));
        await new Promise((done) => setTimeout(done, 40));
      }
    };
    follow();
  });
  await page.waitForTimeout(1000);
  const late = [];
  for (let n = 0; n < 200; n++) {
    const sent = performance.timeOrigin + performance.now();
    registry.put(of(n, 99));
    await page.waitForFunction((uid) => window.seen.some(([uids]) => uids.includes(uid)), `u-${n}`);
    late.push((await page.evaluate((uid) => window.seen.find(([uids]) => uids.includes(uid))[1], `u-${n}`)) - sent);
  }
  await page.close();
  return late;
}

/** 10,000 Pods of which 100 change in a second: from the change to the paint, and what the page's processes take. */
async function live() {
  const url = (n, version) => `dubbo://10.${8 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}:20880/a.S${n % 500}?application=shop-${n % 40}&version=${version}`;
  const of = (n, version, probe = '') => {
    const keys = [key(`a.S${n % 500}`, 'providers', url(n, version)), key(`a.S${(n + 7) % 500}`, 'consumers', `consumer://10.8.0.1/a.S${(n + 7) % 500}?application=shop-${n % 40}`)];
    if (probe) keys.push(key('live.probe', 'providers', `dubbo://${probe}/live.probe`));
    return { uid: `u-${n}`, name: `shop-${n}`, annotation: annotation(keys) };
  };
  for (let n = 0; n < PODS; n++) registry.put(of(n, 1));
  const idle = await bare(of);
  const page = await chrome.context.newPage();
  const start = Date.now();
  await page.goto(`${host.url}?live`);
  await page.waitForSelector('.row');
  report(`live, ${PODS} Pods → first rows`, (Date.now() - start) / 1000, 's');
  await page.evaluate(() => {
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
  const browserSession = await chrome.context.browser()?.newBrowserCDPSession?.().catch(() => null);
  const session = browserSession ?? (await chrome.context.newCDPSession(page));
  /** The memory of the tab's process in MB: page, Worker and wasm together. */
  const resident = async () => {
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    const renderers = processInfo.filter((one) => one.type === 'renderer').map((one) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${one.id}/status`, 'utf8'))?.[1] ?? 0) / 1000);
    return Math.max(...renderers);
  };
  const used = await cpu(page);
  const before = await used();
  const sent = new Map();
  const memory = [];
  const begun = Date.now();
  let sampled = begun;
  for (let n = 0; Date.now() - begun < LIVE_SECONDS * 1000; n++) {
    const probe = n % 25 === 0 ? `10.9.${(n / 25) >> 8}.${(n / 25) & 255}:1` : '';
    if (probe) sent.set(probe, performance.timeOrigin + performance.now());
    // A probe's Pod is another one each time, out of twenty: what was seen goes again.
    registry.put(of(probe ? (n / 25) % 20 : 20 + ((n * 37) % (PODS - 20)), 2 + (n % 9), probe));
    if (Date.now() - sampled > 10_000) {
      memory.push(await resident());
      sampled = Date.now();
    }
    const ahead = n * 10 - (Date.now() - begun);
    if (ahead > 0) await new Promise((r) => setTimeout(r, ahead));
  }
  const lasted = Date.now() - begun;
  const spent = (await used()) - before;
  await page.waitForTimeout(1000);
  const seen = new Map(await page.evaluate(() => [...window.seen]));
  const late = [...sent].filter(([at]) => seen.has(at)).map(([at, time]) => seen.get(at) - time);
  if (late.length < sent.size / 2) throw new Error(`only ${late.length} of ${sent.size} probes were seen`);
  report(`${PODS} Pods, 100 changes a second for ${Math.round(lasted / 1000)} s: change → paint, p95 of ${late.length} (median ${median(late).toFixed(0)} ms)`, p95(late), 'ms', 150, p95(idle), 'a page that asks in the same way and shows nothing, until its next frame');
  report('… CPU of the main thread for each second of it', (spent / lasted) * 1000, 'ms');
  const half = Math.floor(memory.length / 2);
  report('… memory of the tab in the last half, the most', Math.max(...memory.slice(half)), 'MB', undefined, Math.max(...memory.slice(0, half || 1)), 'the most in the first half');
  console.log(`  (every ten seconds: ${memory.map((one) => one.toFixed(0)).join(' ')} MB)`);
  await page.close();
}

const registry = new Registry();
const host = await serve(here('../dist'), registry);
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
  report('one Pod pasted → tree (median of 15)', median(pasted), 'ms', 50);

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
  report(`${PODS} Pods, ${(text.length / 1e6).toFixed(0)} MB of JSON → first rows`, took, 's', 1.5, naive / 1000, 'JSON.parse and atob, on the main thread');

  report('… longest task on the main thread meanwhile (Chromium reports none below 50)', longest, 'ms', 50);

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
  report(`scrolling over ${count} rows, frame p95`, p95(frames), 'ms', 20, p95(idle), 'the same frames without scrolling');
  report('… CPU of the main thread for each frame', spent / frames.length, 'ms');

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
  report('searching all of them (the slowest of 5)', Math.max(...searches), 'ms', 100, plain, 'String.includes over as many texts, nothing shown');
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
  report(`${PODS} Pods of 230 lines, ${(sources.yaml.length / 1e6).toFixed(0)} MB of YAML → first rows`, opened.yaml.took, 's', undefined, opened.json.took, 'the same Pods as JSON');
  report('… longest task on the main thread meanwhile', opened.yaml.longest, 'ms', 50);

  await graph();
  await live();
} finally {
  await chrome.close();
  await host.close();
  await rm(folder, { recursive: true, force: true });
}
