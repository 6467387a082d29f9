// The registry as it changes: server-sent events of the same origin, taken in batches.
import { changed, model, problemWindow, rowsAt, firstVisible, choose } from './app.ts';
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

let queue: object[] = [];
let timer = 0;
let busy = false;
let since = 0;

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

export function startLive(address: string) {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin) return;
  const events = new EventSource(url);
  events.onopen = () => {
    link = 'connected';
    tell();
  };
  events.onerror = () => {
    if (link !== 'connecting' || state.summary) link = 'lost';
    if (events.readyState === EventSource.CLOSED) setTimeout(() => startLive(address), 3000);
    tell();
  };
  const take = (kind: string) => (message: MessageEvent) => {
    let data: { error?: unknown };
    try {
      data = JSON.parse(message.data);
    } catch {
      return;
    }
    if (kind === 'disconnected') upstream = String(data.error ?? '');
    if (kind === 'reconnected' || kind === 'synced' || kind === 'relisted' || kind === 'snapshot') upstream = null;
    if (kind === 'snapshot') queue = [];
    queue.push(kind === 'snapshot' ? { event: 'snapshot', data } : { event: kind, ...data });
    if (queue.length > LAG_EVENTS) behind = true;
    tell();
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
  tell();
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
