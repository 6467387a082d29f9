// A static host on a free port of the loopback, and a stand-in for the watcher's live registry.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm', '.svg': 'image/svg+xml' };

/** Serves a folder; `registry` answers what a live registry is asked for. */
export async function serve(folder, registry) {
  const asked = [];
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, 'http://h').pathname;
    asked.push(path);
    if (path.startsWith('/v1/') && registry) return registry.handle(request, response);
    try {
      const file = normalize(path.endsWith('/') ? `${path}index.html` : path);
      const body = await readFile(join(folder, file));
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    asked,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Pods that come, change and go, as `dubbo-watcher serve` reports them: `/v1/annotations` and `/v1/events`. */
export class Registry {
  /** Which token is wanted; none: everybody may read. */
  token;
  /** Answers `/v1/annotations` with this status. */
  failing = 0;
  /** Answers to streams wait until they are let go. */
  silent = false;
  /** What was asked for: `since` of each request of Pods, and how many streams. */
  asked = [];
  streams = 0;
  #run = Math.random().toString(16).slice(2, 10);
  #revision = 1;
  #pods = new Map();
  #problems = new Map();
  /** The revision at which each Pod changed last. */
  #changed = new Map();
  #open = new Set();
  #waiting = new Set();
  #listeners = [];

  /** A Pod as it is from now on; with problems it may have no annotation. */
  put({ uid, annotation, ...rest }, problems = []) {
    const pod = { namespace: 'shop', name: uid, uid, label: 'dubbo.io-value', ready: true, ...rest };
    if (annotation === undefined) this.#pods.delete(uid);
    else this.#pods.set(uid, { ...pod, annotation });
    this.#problems.set(uid, problems.map((error) => ({ namespace: pod.namespace, pod: pod.name, uid, error })));
    this.#change(uid);
  }

  drop(uid) {
    this.#pods.delete(uid);
    this.#problems.delete(uid);
    this.#change(uid);
  }

  /** Another process answers from now on, which remembers nothing. */
  restart() {
    this.#run = Math.random().toString(16).slice(2, 10);
    this.#changed.clear();
    this.cut();
  }

  #change(uid) {
    this.#revision += 1;
    this.#changed.set(uid, this.#revision);
    for (const answer of [...this.#waiting]) answer();
  }

  /** Sends an event to every stream. */
  send(event, data) {
    for (const stream of this.#open) stream.write(`event: ${event}\ndata: ${JSON.stringify({ event, ...data })}\n\n`);
  }

  /** Breaks off every connection; `politely`: streams end. */
  cut(politely = false) {
    for (const stream of [...this.#open]) politely ? stream.end() : stream.destroy();
    for (const answer of [...this.#waiting]) answer(true);
  }

  /** Waits for the next stream, or for the next request of Pods. */
  next(what = 'events') {
    return new Promise((resolve) => this.#listeners.push([what, resolve]));
  }

  #came(what) {
    const due = this.#listeners.filter(([of]) => of === what);
    this.#listeners = this.#listeners.filter(([of]) => of !== what);
    for (const [, resolve] of due) resolve();
  }

  handle(request, response) {
    const url = new URL(request.url, 'http://h');
    if (this.token && request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
    } else if (url.pathname === '/v1/events') {
      this.#stream(url, response);
    } else if (url.pathname === '/v1/annotations') {
      this.#annotations(url, response);
    } else {
      response.writeHead(404).end();
    }
  }

  #stream(url, response) {
    // The page must not have the whole registry sent a second time.
    if (!url.searchParams.get('service')) return response.writeHead(400).end();
    this.streams += 1;
    this.#came('events');
    if (this.silent) return;
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.flushHeaders();
    this.#open.add(response);
    response.on('close', () => this.#open.delete(response));
    response.write(`event: snapshot\nid: ${this.#tag()}\ndata: ${JSON.stringify({ revision: this.#tag(), synced: true, ageMs: 0, pods: 0, records: 0, services: [], problems: [] })}\n\n`);
  }

  #tag() {
    return `${this.#run}-${this.#revision}`;
  }

  #annotations(url, response) {
    const since = url.searchParams.get('since');
    this.asked.push(since);
    this.#came('annotations');
    if (this.failing) return response.writeHead(this.failing).end();
    const answer = (broken = false) => {
      this.#waiting.delete(answer);
      if (broken) return response.destroy();
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache' });
      response.end(JSON.stringify(this.#body(since)));
    };
    if (since !== this.#tag() || !url.searchParams.has('wait')) return answer();
    this.#waiting.add(answer);
    response.on('close', () => this.#waiting.delete(answer));
  }

  #body(since) {
    const [run, number] = since?.split('-') ?? [];
    const problems = (uids) => uids.flatMap((uid) => this.#problems.get(uid) ?? []);
    if (run !== this.#run) return { revision: this.#tag(), pods: [...this.#pods.values()], problems: problems([...this.#problems.keys()]) };
    const uids = [...this.#changed].filter(([, at]) => at > Number(number)).map(([uid]) => uid);
    const gone = uids.filter((uid) => !this.#pods.has(uid));
    return { revision: this.#tag(), since, pods: uids.map((uid) => this.#pods.get(uid)).filter(Boolean), problems: problems(uids), gone };
  }
}
