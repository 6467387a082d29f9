// The registry as it changes: the Pods that differ, asked for again and again from the same origin. A stream of events
// beside it, narrowed to no service at all, says only how the server and its cluster are.
import { arrive, empty, onLeave, unlessEdited } from './app.ts';
import { changed, model } from './desk.ts';
import { refreshGraph } from './graph.ts';
import { rowsAfterChange, rowsAt } from './rows.ts';
import { problemWindow, refresh } from './selection.ts';
import { follow, headers, wantsToken } from './signed.ts';
import { state } from './state.ts';
import { refreshTimeline } from './timeline.ts';
import type { Summary } from './protocol.ts';

/** Changes are asked for at most this often; an answer that takes longer to show makes the page say that it lags. */
const PAUSE_MS = 40;
const LAG_MS = 1000;

/** How long the server waits for a change, and the longest pause after an answer that failed. */
const WAIT = '30s';
const FAILED_MOST_MS = 30_000;

/** For how long the model marks what is new or gone, and a little. */
const GONE_MS = 2600;

/** The pause before a stream that ended is opened again: none where it has lasted. */
const AGAIN_MS = 3000;

/** The stream, unless something else is shown; and which one it is, for what comes late. */
let stream: { close(): void } | null = null;
let run = 0;
let again = 0;
let waiting: AbortController | null = null;

/** The stream itself, whether the watcher follows its cluster, whether the page keeps up. */
let link: 'connecting' | 'connected' | 'lost' = 'connecting';
let upstream: string | null = null;
let behind = false;

/** Says where it stands, the worst first. */
function show() {
  state.live = link !== 'connected' ? link : upstream !== null || behind ? 'lagging' : 'connected';
  state.liveWhy = link === 'connected' ? upstream : null;
  changed();
}

/** What an event says of the connection between watcher and cluster. */
function hear(kind: string, data: string) {
  if (kind === 'disconnected') upstream = member(data, 'error');
  else if (kind === 'snapshot') upstream = Number(member(data, 'ageMs')) > 0 ? '' : null;
  else if (kind === 'reconnected' || kind === 'synced' || kind === 'relisted') upstream = null;
  show();
}

function member(data: string, name: string): string {
  try {
    return String(JSON.parse(data)[name] ?? '');
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
  url.searchParams.set('service', '-');
  again = 0;
  const mine = ++run;
  let opened = 0;
  stream = follow(url, {
    opened: () => {
      opened = performance.now();
      link = 'connected';
      state.signIn = false;
      void followPods(new URL('annotations', url), mine);
      show();
    },
    event: hear,
    ended: (status) => {
      run++;
      waiting?.abort();
      state.signIn = wantsToken(status);
      if (link !== 'connecting' || state.summary) link = 'lost';
      // The server ends a stream now and then, to look at the token again.
      const pause = status === 200 && performance.now() - opened > AGAIN_MS ? 0 : AGAIN_MS;
      if (!state.signIn) again = window.setTimeout(() => startLive(address), pause);
      show();
    },
  });
  show();
}

/** Ends it, and leaves what is shown to who asked for something else. */
function stopLive() {
  if (!state.liveAddress || (!stream && !again)) return;
  stream?.close();
  stream = null;
  run++;
  [again, later].forEach(clearTimeout);
  again = 0;
  waiting?.abort();
  [link, upstream, behind, revision] = ['connecting', null, false, ''];
  Object.assign(state, { live: 'off', liveWhy: null, past: null, paused: false, signIn: false, timeline: [] });
  if (state.mode === 'changes') state.mode = 'tree';
}

/** Comes back to it. */
export function goLive() {
  unlessEdited(() => {
    empty();
    startLive(state.liveAddress);
  });
}

/** The revision that the model has. */
let revision = '';

/** Asks for what has changed, shows it, and asks for what has changed since. */
async function followPods(address: URL, mine: number) {
  let failed = 0;
  while (mine === run) {
    let pause = PAUSE_MS;
    if (!state.summary?.live?.full) {
      try {
        const answer = await ask(address);
        if (mine !== run) return;
        const begun = performance.now();
        await take(answer, mine);
        failed = 0;
        const cost = performance.now() - begun;
        behind = cost > LAG_MS;
        // What showing it has taken is a pause too, but for a fifth of the time that is left to other work.
        pause = Math.max(cost / 4, PAUSE_MS - cost);
        if (state.live !== 'lost') show();
      } catch {
        // The stream says when the connection is lost.
        failed++;
        pause = Math.min(PAUSE_MS * 2 ** failed * 10, FAILED_MOST_MS);
      }
    }
    await new Promise((done) => setTimeout(done, pause));
  }
}

async function ask(address: URL): Promise<ArrayBuffer> {
  const url = new URL(address.pathname, address);
  if (revision) {
    url.searchParams.set('since', revision);
    url.searchParams.set('wait', WAIT);
  }
  waiting = new AbortController();
  const answer = await fetch(url, { headers: headers(), cache: 'no-store', signal: waiting.signal });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.arrayBuffer();
}

async function take(answer: ArrayBuffer, mine: number) {
  const first = !state.summary?.live;
  const summary = await model.follow<Summary>(answer, Date.now());
  if (mine !== run) return;
  if (summary.refused) throw new Error(summary.refused);
  const some = summary.live?.revision !== revision;
  revision = summary.live?.revision ?? '';
  await taken(summary, first, some);
}

let later = 0;

async function taken(summary: Summary, first: boolean, some = false) {
  clearTimeout(later);
  // What is new or gone is marked for a moment; then the rows are asked for again.
  if (some) later = window.setTimeout(() => void tick(), GONE_MS);
  state.summary = summary;
  state.total = summary.rows;
  if (first) {
    state.pane = 'services';
    await rowsAt(0, true);
    await arrive();
  }
  await Promise.all([rowsAfterChange(), state.problemsOpen || summary.errors + summary.warnings + summary.notes !== state.problemTotal ? problemWindow() : null]);
  if (!state.editing) void refresh();
  if (some) {
    refreshGraph();
    refreshTimeline();
  }
  changed();
}

async function tick() {
  const mine = run;
  const summary = await model.ask<Summary>({ do: 'tick', now: Date.now() });
  if (mine === run && state.summary?.live) await taken(summary, false);
}

/** Shows the registry as it was at a time; none is now. */
export async function seek(to: number | null) {
  state.past = to;
  const mine = run;
  const summary = await model.ask<Summary>({ do: 'seek', to });
  if (mine !== run) return;
  state.paused = to !== null;
  await taken(summary, false, true);
}
