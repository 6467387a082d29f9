// What can be done with the page as a whole: every action asks the model, writes the state and has it drawn.
import { placeOf, remember, setPacked, type Place } from './address.ts';
import { changed, lang, model, toast } from './desk.ts';
import type { Word } from './messages.ts';
import { Cancelled } from './model.ts';
import type { Comparison, SourceWindow, Summary } from './protocol.ts';
import { openGraph, showMode } from './graph.ts';
import { firstVisible, look, rowsAt } from './rows.ts';
import { choose, problem, problemWindow, reveal } from './selection.ts';
import { unpack } from './share.ts';
import { state } from './state.ts';

let leave = () => {};

/** What ends a live registry when a text is loaded in its place. */
export function onLeave(handler: () => void) {
  leave = handler;
}

let loading = 0;

type Source = { text: string } | { file: File };

/** What waits for the answer whether edits may be lost. */
let waiting: (() => void) | null = null;

/** Does it, after asking if there are edits that would be lost. */
export function unlessEdited(action: () => void) {
  if (!state.summary?.edited) return action();
  waiting = action;
  state.dialog = 'discard';
  changed();
}

export function discard(yes: boolean) {
  const action = waiting;
  waiting = null;
  state.dialog = 'none';
  if (yes) action?.();
  changed();
}

/** Loads a text or a file in place of what is there. */
export function load(what: Source) {
  unlessEdited(() => void loadAt(what));
}

/** Loads it, and looks at it as the address says. */
async function loadAt(what: Source, place: Place | null = null) {
  const mine = ++loading;
  leave();
  setPacked(place?.packed ?? '');
  keepText('text' in what && !place?.packed ? what.text : '');
  shownPacked = place?.packed ?? '';
  const text = 'text' in what ? what.text : '';
  state.refusal = null;
  state.busy = 'file' in what ? 'reading' : 'decoding';
  state.progress = 0;
  state.fileName = 'file' in what ? what.file.name : '';
  changed();
  try {
    const summary = await model.load<Summary>(what, (stage, progress) => {
      if (mine !== loading) return;
      state.busy = stage;
      state.progress = progress;
      changed();
    });
    if (mine !== loading) return;
    await loaded(summary, text, place);
  } catch (error) {
    if (mine !== loading) return;
    state.busy = 'no';
    if (!(error instanceof Cancelled)) {
      model.cancel();
      nothing();
      state.refusal = { word: 'workerFailed', text: String(error) };
    }
    changed();
  }
}

async function loaded(summary: Summary, text: string, place: Place | null) {
  state.busy = 'no';
  nothing();
  if (summary.state === 'refused') {
    const why = { 'too-large': 'tooLarge', compressed: 'compressed', 'not-text': 'notText' }[summary.why ?? ''];
    state.refusal = { word: (why ?? 'workerFailed') as Word, bytes: summary.bytes, limit: summary.limit, offset: (summary as { offset?: number }).offset ?? null };
    state.source = null;
    changed();
    return;
  }
  state.summary = summary;
  state.total = summary.rows;
  state.source = text && summary.whole && summary.verbatim ? { text, total: summary.bytes, line: 1, whole: true } : await model.ask<SourceWindow>({ do: 'source', pod: 0 });
  await Promise.all([rowsAt(0, true), problemWindow()]);
  if (state.kept) state.comparison = await model.ask<Comparison>({ do: 'compare' });
  // Nothing but what is wrong: it is not left to be found.
  if (summary.rows === 0 && state.problemTotal > 0) {
    state.problemsOpen = true;
    await problem(0);
  }
  if (place) await go(place);
  if (state.pod === null && summary.pods > 0 && (summary.kind === 'annotation' || summary.kind === 'records' || summary.pods === 1)) await choose(0, firstRecord());
  if (state.mode === 'graph') void openGraph();
  if (!place) remember(true);
  changed();
}

/** Looks at what is loaded as a place says. */
async function go(place: Place) {
  state.find = place.find;
  state.filters = place.filters;
  speak(place);
  if (place.find || place.filters.length > 0 || place.by) await look({ find: place.find, filters: place.filters, ...(place.by ? { by: place.by } : {}) });
  showMode(place.mode);
  if (place.pod) await select(place);
}

/** Speaks the language that an address names; whether that is another one. */
function speak({ lang }: Place): boolean {
  if (lang !== 'zh' && lang !== 'en') return false;
  const other = state.lang !== lang;
  [state.lang, state.langChosen] = [lang, true];
  return other;
}

async function select(place: Place) {
  const found = await model.ask<{ pod: number | null; record: number | null }>({ do: 'locate', name: place.pod, of: place.key, record: place.record, lang: lang() });
  if (found.pod !== null) await reveal(found.pod, found.record, false);
}

/** What the address asks for: at the beginning, and whenever one goes back or forth. */
export async function navigate() {
  const place = placeOf(location.hash);
  if (speak(place)) void relabel();
  if (place.packed && place.packed !== shownPacked) {
    const text = await unpack(place.packed);
    if (text !== null) {
      return unlessEdited(() => void loadAt({ text }, place));
    }
  }
  if (!state.summary || state.summary.state === 'empty') {
    const text = keptText();
    if (text && state.live === 'off') return loadAt({ text }, place);
    Object.assign(state, { find: place.find, filters: place.filters });
    return showMode(place.mode);
  }
  if (place.find !== state.find || place.filters.join('\n') !== state.filters.join('\n') || (place.by || 'service') !== state.summary.by) {
    [state.find, state.filters] = [place.find, place.filters];
    await look({ find: place.find, filters: place.filters, by: place.by || 'service' });
  }
  showMode(place.mode);
  if (place.pod) await select(place);
}

let shownPacked = '';

/** Looks at a live registry that has just come as the address says. */
export const arrive = () => go(placeOf(location.hash));

const KEPT = 'text';

/** What was pasted is there again when the page is loaded again; the browser keeps it for this tab alone. */
function keepText(text: string) {
  try {
    if (text) sessionStorage.setItem(KEPT, text);
    else sessionStorage.removeItem(KEPT);
  } catch {
    // storage may be forbidden, or too small
  }
}

function keptText(): string | null {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function firstRecord(): number | null {
  const leaf = state.rows.find((row) => row.kind === 'endpoint' || (row.kind === 'record' && row.category !== 'directory'));
  return leaf?.record ?? null;
}

function nothing() {
  Object.assign(state, { summary: null, rows: [], total: 0, from: 0, active: 0, pod: null, record: null, detail: null, output: null,
    activeId: '', recordGone: false, draft: null, graph: null, graphFocus: null, graphNode: null, facets: null, filters: [],
    places: null, problems: [], problemFrom: 0, problemTotal: 0, problemAt: -1, editing: false, refusedEdit: null, find: '' });
}

export function cancel() {
  loading++;
  model.cancel();
  nothing();
  state.busy = 'no';
  state.source = null;
  toast('cancelled');
}

export function clear() {
  unlessEdited(empty);
}

/** Shows nothing, whatever was edited. */
export function empty() {
  loading++;
  setPacked('');
  keepText('');
  shownPacked = '';
  nothing();
  state.refusal = null;
  state.source = null;
  state.busy = 'no';
  void model.load({ text: '' });
  remember(true);
  changed();
}

export async function relabel() {
  changed();
  if (!state.summary) return;
  await Promise.all([rowsAt(firstVisible(), true), problemWindow()]);
  if (state.pod !== null) await choose(state.pod, state.record);
}
