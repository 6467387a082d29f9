// The registry as it changes: server-sent events of the same origin, taken in batches.
import { changed, model, problemWindow, rowsAt, firstVisible, choose } from './app.ts';
import { state } from './state.ts';
import type { Summary } from './protocol.ts';

const KINDS = ['snapshot', 'added', 'updated', 'removed', 'problem', 'synced', 'relisted', 'disconnected', 'reconnected'];

/** Events are shown at most this often; a batch that takes longer makes the page say that it lags. */
const BATCH_MS = 40;
const LAG_MS = 1000;
/** More than this many waiting events are a lag too. */
const LAG_EVENTS = 2000;

/** For how long the model marks what is new or gone, and a little. */
const GONE_MS = 2600;

let queue: object[] = [];
let timer = 0;
let busy = false;
let since = 0;

export function startLive(address: string) {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin) return;
  state.live = 'connecting';
  const events = new EventSource(url);
  events.onopen = () => {
    state.live = 'connected';
    changed();
  };
  events.onerror = () => {
    state.live = events.readyState === EventSource.CLOSED ? 'lost' : state.live === 'connecting' ? 'connecting' : 'lost';
    if (events.readyState === EventSource.CLOSED) setTimeout(() => startLive(address), 3000);
    changed();
  };
  const take = (kind: string) => (message: MessageEvent) => {
    let data: object;
    try {
      data = JSON.parse(message.data);
    } catch {
      return;
    }
    if (kind === 'disconnected') state.live = 'lagging';
    if (kind === 'reconnected' || kind === 'synced' || kind === 'relisted') state.live = 'connected';
    if (kind === 'snapshot') queue = [];
    queue.push(kind === 'snapshot' ? { event: 'snapshot', data } : { event: kind, ...data });
    if (queue.length > LAG_EVENTS) state.live = 'lagging';
    if (!timer) {
      since = performance.now();
      timer = window.setTimeout(flush, kind === 'snapshot' ? 0 : BATCH_MS);
    }
  };
  for (const kind of KINDS) events.addEventListener(kind, take(kind));
  events.addEventListener('message', (message) => {
    const kind = safeKind(message.data);
    if (kind) take(kind)(message);
  });
  changed();
}

function safeKind(data: string): string | null {
  try {
    const kind = JSON.parse(data).event;
    return KINDS.includes(kind) ? kind : null;
  } catch {
    return null;
  }
}

async function flush() {
  timer = 0;
  if (busy) {
    timer = window.setTimeout(flush, BATCH_MS);
    return;
  }
  busy = true;
  const events = queue;
  queue = [];
  const first = !state.summary;
  const summary = await model.ask<Summary>({ do: 'live', events, now: Date.now() });
  busy = false;
  const late = performance.now() - since > LAG_MS;
  if (state.live === 'connected' || state.live === 'lagging') state.live = late || queue.length > LAG_EVENTS ? 'lagging' : 'connected';
  await taken(summary, first, events.length > 0);
}

let later = 0;

async function taken(summary: Summary, first: boolean, some = false) {
  clearTimeout(later);
  // What is new or gone is marked for a moment; then the rows are asked for again.
  if (some && !timer) later = window.setTimeout(() => void flush(), GONE_MS);
  state.summary = summary;
  state.total = summary.rows;
  if (first) state.pane = 'services';
  await Promise.all([rowsAt(firstVisible(), true), state.problemsOpen || summary.errors + summary.warnings + summary.notes !== state.problemTotal ? problemWindow(true) : null]);
  if (state.pod !== null && !state.editing) void choose(state.pod, state.record);
  changed();
}

export async function seek(to: number | null) {
  state.past = to;
  const before = state.summary?.live;
  const summary = await model.ask<Summary>({ do: 'seek', to });
  if (before) summary.live = before;
  state.paused = to !== null;
  await taken(summary, false);
}
