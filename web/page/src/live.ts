// The registry as it changes: server-sent events of the same origin, taken in batches.
import { arrive, empty, onLeave, unlessEdited } from './app.ts';
import { changed, model } from './desk.ts';
import { refreshGraph } from './graph.ts';
import { rowsAfterChange, rowsAt } from './rows.ts';
import { problemWindow, refresh } from './selection.ts';
import { follow, headers, isSignedIn, wantsToken } from './signed.ts';
import { state } from './state.ts';
import type { Summary } from './protocol.ts';

const KINDS = ['snapshot', 'added', 'updated', 'removed', 'problem', 'resolved', 'synced', 'relisted', 'disconnected', 'reconnected'];

/** Events are shown at most this often; a batch that takes longer makes the page say that it lags. */
const BATCH_MS = 40;
const LAG_MS = 1000;
/** More than this many waiting events are a lag too. */
const LAG_EVENTS = 2000;

/** For how long the model marks what is new or gone, and a little. */
const GONE_MS = 2600;

/** Events as they came, which only the model reads. */
let queue: string[] = [];
let timer = 0;
let busy = false;
let since = 0;

/** The stream, unless something else is shown; and which one it is, for what comes late. */
let stream: { close(): void } | null = null;
/** The last event of a stream with a token, behind which the next one goes on. */
let last = '';
let run = 0;
let retry = 0;

/** The stream itself, whether the watcher follows its cluster, whether the page keeps up. */
let link: 'connecting' | 'connected' | 'lost' = 'connecting';
let upstream: string | null = null;
let behind = false;

/** Says where it stands, the worst first. */
function tell() {
  state.live = link !== 'connected' ? link : upstream !== null || behind ? 'lagging' : 'connected';
  state.liveWhy = link === 'connected' ? upstream : null;
  changed();
}

/** Takes one event, whose data is JSON. */
function take(kind: string, data: string) {
  if (kind === 'disconnected') upstream = reason(data);
  if (kind === 'reconnected' || kind === 'synced' || kind === 'relisted' || kind === 'snapshot') upstream = null;
  if (kind === 'snapshot') queue = [];
  queue.push(kind === 'snapshot' || kind === 'holders' ? `{"event":"${kind}","data":${data}}` : data);
  if (queue.length > LAG_EVENTS) behind = true;
  tell();
  if (!timer) {
    since = performance.now();
    timer = window.setTimeout(flush, kind === 'snapshot' ? 0 : BATCH_MS);
  }
}

function reason(data: string): string {
  try {
    return String(JSON.parse(data).error ?? '');
  } catch {
    return '';
  }
}

/** Shows the registry whose events are at this address, which is one of the same origin. */
export function startLive(address: string) {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin) return;
  state.liveAddress = address;
  onLeave(stopLive);
  const opened = () => {
    link = 'connected';
    state.signIn = false;
    tell();
  };
  const event = (kind: string, data: string, id: string) => {
    take(kind, data);
    if (kind === 'snapshot') followHolders(url, id);
  };
  const lost = (again: boolean, pause = 3000) => {
    if (link !== 'connecting' || state.summary) link = 'lost';
    if (again) retry = window.setTimeout(() => startLive(address), pause);
    tell();
  };
  if (isSignedIn()) {
    const ended = (status: number) => {
      state.signIn = wantsToken(status);
      // The server ends a stream now and then, to look at the token again.
      lost(!state.signIn, status === 200 ? 0 : 3000);
    };
    const taken = (kind: string, data: string, id: string) => {
      last = id || last;
      if (KINDS.includes(kind)) event(kind, data, id);
    };
    stream = follow(url, state.summary ? last : '', { opened, event: taken, ended });
    return tell();
  }
  const events = new EventSource(url);
  stream = events;
  events.onopen = opened;
  events.onerror = () => {
    if (events.readyState === EventSource.CLOSED) void why(url).then((status) => {
      if (stream !== events) return;
      state.signIn = wantsToken(status);
      lost(!state.signIn);
    });
    else lost(false);
  };
  for (const kind of KINDS) events.addEventListener(kind, (message: MessageEvent<string>) => event(kind, message.data, message.lastEventId));
  tell();
}

/** The status by which a stream is refused, which an EventSource does not say. */
const why = (events: URL) => fetch(events, { method: 'HEAD', cache: 'no-store' }).then((answer) => answer.status, () => 0);

/** Ends it, and leaves what is shown to who asked for something else. */
function stopLive() {
  if (!stream) return;
  stream.close();
  stream = null;
  run++;
  [timer, later, retry, holdersTimer].forEach(clearTimeout);
  waiting?.abort();
  [timer, queue, link, upstream, behind] = [0, [], 'connecting', null, false];
  Object.assign(state, { live: 'off', liveWhy: null, past: null, paused: false, signIn: false });
}

/** Comes back to it. */
export function goLive() {
  unlessEdited(() => {
    empty();
    startLive(state.liveAddress);
  });
}

async function flush() {
  timer = 0;
  const mine = run;
  if (busy) {
    timer = window.setTimeout(flush, BATCH_MS);
    return;
  }
  busy = true;
  const events = queue;
  queue = [];
  const first = !state.summary;
  let summary: Summary;
  try {
    summary = await model.askText<Summary>(`{"do":"live","now":${Date.now()},"events":[${events.join(',')}]}`);
  } finally {
    busy = false;
  }
  if (mine !== run) return;
  if (summary.refused) return; // something that is not JSON was among them
  behind = (events.length > 0 && performance.now() - since > LAG_MS) || queue.length > LAG_EVENTS;
  tell();
  await taken(summary, first, events.length > 0);
}

let later = 0;

async function taken(summary: Summary, first: boolean, some = false) {
  clearTimeout(later);
  // What is new or gone is marked for a moment; then the rows are asked for again.
  if (some && !timer) later = window.setTimeout(() => void flush(), GONE_MS);
  state.summary = summary;
  state.total = summary.rows;
  if (first) {
    state.pane = 'services';
    await rowsAt(0, true);
    await arrive();
  }
  await Promise.all([rowsAfterChange(), state.problemsOpen || summary.errors + summary.warnings + summary.notes !== state.problemTotal ? problemWindow() : null]);
  if (!state.editing) void refresh();
  if (some) refreshGraph();
  changed();
}

export async function seek(to: number | null) {
  state.past = to;
  const before = state.summary?.live;
  const mine = run;
  const summary = await model.ask<Summary>({ do: 'seek', to });
  if (mine !== run) return;
  if (before) summary.live = before;
  state.paused = to !== null;
  await taken(summary, false);
}

/**
 * Who carries a key beside the Pod that an event names is told by snapshots alone, whose revision moves without
 * an event then. The page waits at the server for another revision, asks at most this often, takes no more than
 * a hundredth of the time, and asks less and less often where it fails.
 */
const HOLDERS_MS = 1000;
const HOLDERS_MOST_MS = 30_000;
const HOLDERS_SHARE = 100;

let holdersTimer = 0;
let waiting: AbortController | null = null;

/** Asks for the snapshot again and again, each time for one that is not the one of `revision`. */
function followHolders(events: URL, revision: string) {
  let known = `W/"${revision}"`;
  let pause = HOLDERS_MS;
  const mine = run;
  const ask = async () => {
    let cost = 0;
    if (link === 'connected' && !state.paused && !document.hidden) {
      const { signal } = (waiting = new AbortController());
      try {
        const answer = await fetch(new URL('snapshot?wait=30s', events), { headers: { ...headers(), 'if-none-match': known }, cache: 'no-store', signal });
        const begun = performance.now();
        const text = await answer.text();
        if (signal.aborted) return;
        if (answer.status === 200) {
          take('holders', text);
          known = answer.headers.get('etag') ?? known;
        }
        cost = performance.now() - begun;
        pause = answer.ok || answer.status === 304 ? HOLDERS_MS : Math.min(pause * 2, HOLDERS_MOST_MS);
      } catch {
        // The stream says when the connection is lost.
        if (signal.aborted) return;
        pause = Math.min(pause * 2, HOLDERS_MOST_MS);
      }
    }
    if (mine === run) holdersTimer = window.setTimeout(ask, Math.max(pause, HOLDERS_SHARE * cost));
  };
  clearTimeout(holdersTimer);
  waiting?.abort();
  holdersTimer = window.setTimeout(ask, HOLDERS_MS);
}
