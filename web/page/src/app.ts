// What can be done: every action asks the model, writes the state and has it drawn.
import { Cancelled, Model } from './model.ts';
import { say, isWord, type Word } from './messages.ts';
import { ROW, state, type Pane } from './state.ts';
import type { Comparison, Detail, LayerId, Output, Places, ProblemData, RowData, SourceWindow, Summary } from './protocol.ts';
import { packed } from './share.ts';

export const model = new Model();

let draw = () => {};
let queued = false;

/** Draws once for all that changed in this turn. */
export function changed() {
  if (queued) return;
  queued = true;
  queueMicrotask(() => {
    queued = false;
    draw();
  });
}

export function onDraw(handler: () => void) {
  draw = handler;
}

export const t = (word: Word) => say(state.lang, word);
const lang = () => state.lang;

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
  await Promise.all([rowsAt(0, true), problemWindow(true)]);
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
    places: null, problems: [], problemTotal: 0, problemAt: -1, editing: false, refusedEdit: null, find: '' });
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

let toastTimer = 0;
export function toast(word: Word) {
  state.toast = t(word);
  clearTimeout(toastTimer);
  toastTimer = window.setTimeout(() => {
    state.toast = '';
    changed();
  }, 2500);
  changed();
}

// Rows

/** Rows beyond those in sight that are there already, and how close one may come to their end. */
const AHEAD = 20;
const CLOSE = 8;

const inSight = () => Math.ceil((document.querySelector('.tree')?.clientHeight || innerHeight) / ROW) + 1;

let wanted = -1;
/** Fetches the rows around `first`, unless they are there already: few, so that each fetch is drawn within a frame. */
export async function rowsAt(first: number, force = false) {
  const seen = inSight();
  const last = state.from + state.rows.length;
  const covered = (state.from === 0 || state.from <= first - CLOSE) && (last >= state.total || last >= first + seen + CLOSE);
  const from = Math.max(0, first - AHEAD);
  if ((covered && !force) || (wanted === from && !force)) return;
  wanted = from;
  const answer = await model.ask<{ total: number; from: number; rows: RowData[] }>({ do: 'rows', from, count: seen + 2 * AHEAD, lang: lang() });
  if (wanted === from) wanted = -1;
  state.total = answer.total;
  state.from = answer.from;
  state.rows = answer.rows;
  state.active = Math.min(state.active, Math.max(0, answer.total - 1));
  changed();
}

export async function look(question: { by?: string; find?: string; all?: boolean }) {
  const answer = await model.ask<{ rows: number; by: 'service' | 'pod' }>({ do: 'view', ...question });
  if (question.find !== undefined && question.find !== state.find) return;
  if (state.summary) state.summary.by = answer.by;
  state.total = answer.rows;
  state.active = 0;
  await rowsAt(0, true);
}

export function find(text: string) {
  state.find = text;
  void look({ find: text });
}

export const rowOf = (index: number): RowData | undefined => state.rows[index - state.from];

export async function toggle(index: number, open: boolean) {
  await model.ask({ do: 'toggle', row: index, open });
  await rowsAt(firstVisible(), true);
}

export function firstVisible(): number {
  const tree = document.querySelector('.tree');
  return tree ? Math.floor(tree.scrollTop / ROW) : 0;
}

export async function activate(index: number, act = false) {
  const top = Math.max(0, state.total - 1);
  state.active = Math.max(0, Math.min(index, top));
  scrollTo(state.active);
  await rowsAt(firstVisible());
  const row = rowOf(state.active);
  changed();
  if (!row) return;
  if (row.pod !== undefined) {
    await choose(row.pod, row.record ?? null);
    if (act) show('detail');
  } else if (act && row.open !== null) {
    await toggle(state.active, !row.open);
  }
}

function scrollTo(index: number) {
  const tree = document.querySelector('.tree');
  if (!tree) return;
  const top = index * ROW;
  if (top < tree.scrollTop) tree.scrollTop = top;
  else if (top + ROW > tree.scrollTop + tree.clientHeight) tree.scrollTop = top + ROW - tree.clientHeight;
}

export async function reveal(pod: number, record: number | null) {
  const { row, rows } = await model.ask<{ row: number | null; rows: number }>({ do: 'reveal', pod, record });
  state.total = rows;
  if (row !== null) {
    state.active = row;
    await rowsAt(row, true);
    requestAnimationFrame(() => scrollTo(row));
  }
  await choose(pod, record);
}

// A Pod and a record

export async function choose(pod: number, record: number | null) {
  const other = state.pod !== pod;
  state.pod = pod;
  state.record = record;
  if (other) state.outputTab = 'kubectl';
  const [detail, output, source] = await Promise.all([
    model.ask<Detail>({ do: 'detail', pod, record, lang: lang() }),
    state.editing || state.output ? model.ask<Output>({ do: 'output', pod, lang: lang() }) : null,
    state.source && !state.source.whole && state.summary?.live === undefined ? model.ask<SourceWindow>({ do: 'source', pod }) : null,
  ]);
  if (state.pod !== pod || state.record !== record) return;
  state.detail = detail.refused ? null : detail;
  state.output = output && !output.refused ? output : null;
  if (source) state.source = source;
  await lightRecord();
  changed();
}

/** Lights up where the record stands. */
async function lightRecord() {
  const json = state.detail?.layers?.find((layer) => layer.id === 'json');
  if (!json || state.pod === null) {
    state.places = null;
    return;
  }
  state.placesFrom = null;
  if (state.record === null) {
    state.places = state.detail?.problems.find((problem) => problem.places)?.places ?? null;
    return;
  }
  state.places = await model.ask<Places>({ do: 'select', pod: state.pod, record: state.record, layer: 'json', start: 0, end: json.text.length });
}

export async function select(layer: LayerId, start: number, end: number) {
  if (state.pod === null) return;
  const places = await model.ask<Places & { refused?: string }>({ do: 'select', pod: state.pod, record: state.record, layer, start, end });
  if (places.refused) return;
  state.places = places;
  state.placesFrom = layer;
  changed();
}

/** The record at a place of the source. */
export async function chooseAt(offset: number) {
  const found = await model.ask<{ pod: number | null; record: number | null }>({ do: 'at', offset, pod: state.pod });
  if (found.pod === null) return false;
  if (found.pod !== state.pod || (found.record !== null && found.record !== state.record)) {
    await reveal(found.pod, found.record ?? (found.pod === state.pod ? state.record : null));
    return true;
  }
  return false;
}

// Problems

export async function problemWindow(force = false, count = 100) {
  if (!force && state.problems.length >= Math.min(count, state.problemTotal)) return;
  const answer = await model.ask<{ total: number; problems: ProblemData[] }>({ do: 'problems', from: 0, count, lang: lang() });
  state.problems = answer.problems;
  state.problemTotal = answer.total;
  changed();
}

export async function problem(at: number) {
  if (state.problemTotal === 0) return;
  const index = (at + state.problemTotal) % state.problemTotal;
  if (index >= state.problems.length) await problemWindow(true, index + 100);
  state.problemAt = index;
  const found = state.problems[index];
  if (!found) return;
  if (found.pod !== undefined && found.pod !== null) {
    await reveal(found.pod, found.record ?? null);
    const of = state.detail?.problems.find((one) => one.code === found.code && one.record === found.record && one.places);
    if (of?.places) {
      state.places = of.places;
      state.placesFrom = 'problem';
    }
  } else if (found.source) {
    state.places = { source: found.source, base64: [], json: [], key: [], url: [] };
    state.placesFrom = 'problem';
    show('source');
  }
  changed();
}

// Editing

export async function edit(operation: { op: string } & Record<string, unknown>) {
  if (state.pod === null) return;
  const summary = await model.ask<Summary>({ do: 'edit', pod: state.pod, record: state.record, ...operation });
  if (summary.refused) {
    const word = `refusal.${summary.refused}`;
    state.refusedEdit = isWord(word) ? word : 'refusal.no-record';
    changed();
    return;
  }
  state.refusedEdit = null;
  if (state.summary?.live) summary.live = state.summary.live;
  state.summary = summary;
  state.editing = true;
  await Promise.all([rowsAt(firstVisible(), true), problemWindow(true)]);
  let record = state.record;
  if (operation.op === 'move') record = operation['to'] as number;
  await choose(state.pod, record);
  const count = state.detail?.records.length ?? 0;
  if (record !== null && record >= count) await choose(state.pod, count > 0 ? count - 1 : null);
}

export async function setEditing(editing: boolean) {
  if (state.pod === null) return;
  state.editing = editing;
  state.refusedEdit = null;
  state.output = editing ? await model.ask<Output>({ do: 'output', pod: state.pod, lang: lang() }) : null;
  if (editing) show('detail');
  changed();
}

// Share, diff, panes

export async function openShare() {
  state.dialog = 'share';
  state.shareUrl = '';
  state.shareRefused = state.pod === null ? 'shareSelect' : null;
  changed();
  if (state.pod === null) return;
  const answer = await model.ask<{ text?: string; blanked?: number; refused?: string }>({ do: 'share', pod: state.pod });
  if (answer.text === undefined) state.shareRefused = 'shareRefused';
  else {
    state.shareUrl = `${location.href.split(/[?#]/)[0]}#${await packed(answer.text)}`;
    state.shareBlanked = answer.blanked ?? 0;
  }
  changed();
}

export async function openDiff() {
  state.dialog = 'diff';
  if (state.kept && state.summary) state.comparison = await model.ask<Comparison>({ do: 'compare' });
  changed();
}

export async function keep() {
  await model.ask({ do: 'keep' });
  state.kept = true;
  state.comparison = null;
  changed();
}

export function show(pane: Pane) {
  state.pane = pane;
  changed();
}

export async function relabel() {
  document.documentElement.lang = state.lang === 'zh' ? 'zh-CN' : 'en';
  changed();
  if (!state.summary) return;
  await Promise.all([rowsAt(firstVisible(), true), problemWindow(true, Math.max(100, state.problems.length))]);
  if (state.pod !== null) await choose(state.pod, state.record);
}

export async function copy(text: string) {
  await navigator.clipboard.writeText(text);
  toast('copied');
}

export function download(name: string, text: string) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
