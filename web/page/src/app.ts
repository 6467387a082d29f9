// What can be done with the page as a whole: every action asks the model, writes the state and has it drawn.
import { changed, model, toast } from './desk.ts';
import type { Word } from './messages.ts';
import { Cancelled } from './model.ts';
import type { Comparison, SourceWindow, Summary } from './protocol.ts';
import { firstVisible, rowsAt } from './rows.ts';
import { choose, problem, problemWindow } from './selection.ts';
import { state } from './state.ts';

let leave = () => {};

/** What ends a live registry when a text is loaded in its place. */
export function onLeave(handler: () => void) {
  leave = handler;
}

let loading = 0;

export async function load(what: { text: string } | { file: File }) {
  const mine = ++loading;
  leave();
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
    await loaded(summary, text);
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

async function loaded(summary: Summary, text: string) {
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
  state.find = '';
  state.source = text && summary.whole ? { text, start: 0, end: text.length, total: summary.bytes, line: 1, whole: true } : await model.ask<SourceWindow>({ do: 'source', pod: 0 });
  await Promise.all([rowsAt(0, true), problemWindow()]);
  if (state.kept) state.comparison = await model.ask<Comparison>({ do: 'compare' });
  // Nothing but what is wrong: it is not left to be found.
  if (summary.rows === 0 && state.problemTotal > 0) {
    state.problemsOpen = true;
    await problem(0);
  }
  if (summary.kind === 'annotation' || summary.kind === 'records' || summary.pods === 1) await choose(0, firstRecord());
  changed();
}

function firstRecord(): number | null {
  const leaf = state.rows.find((row) => row.kind === 'endpoint' || (row.kind === 'record' && row.category !== 'directory'));
  return leaf?.record ?? null;
}

function nothing() {
  Object.assign(state, { summary: null, rows: [], total: 0, from: 0, active: 0, pod: null, record: null, detail: null, output: null,
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
  loading++;
  nothing();
  state.refusal = null;
  state.source = null;
  state.busy = 'no';
  void model.load({ text: '' });
  changed();
}

export async function relabel() {
  document.documentElement.lang = state.lang === 'zh' ? 'zh-CN' : 'en';
  changed();
  if (!state.summary) return;
  await Promise.all([rowsAt(firstVisible(), true), problemWindow()]);
  if (state.pod !== null) await choose(state.pod, state.record);
}
