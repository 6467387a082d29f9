// What is selected: a Pod, a record, a place in its layers, a problem.
import { remember } from './address.ts';
import { changed, lang, model, show } from './desk.ts';
import { firstVisible, rowOf, rowsAt, scrollTo, toggle } from './rows.ts';
import { state } from './state.ts';
import type { Detail, LayerId, Output, Places, ProblemData, SourceWindow } from './protocol.ts';

export async function reveal(pod: number, record: number | null, push = true) {
  const { row, rows } = await model.ask<{ row: number | null; rows: number }>({ do: 'reveal', pod, record });
  state.total = rows;
  if (row !== null) {
    state.active = row;
    state.activeId = '';
    await rowsAt(row, true);
    requestAnimationFrame(() => scrollTo(row));
  }
  await choose(pod, record);
  if (push) remember(true);
}

export async function choose(pod: number, record: number | null) {
  const other = state.pod !== pod;
  if (other || state.record !== record) {
    state.refusedEdit = null;
    state.draft = null;
    state.recordGone = false;
  }
  state.pod = pod;
  state.record = record;
  if (other) state.outputTab = 'kubectl';
  const [detail, output, source] = await Promise.all([
    model.ask<Detail>({ do: 'detail', pod, record, lang: lang(), now: Date.now() }),
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

/**
 * Shows what is selected as it is now, where Pods and records may have changed their places. What has gone stays, and
 * is said to be gone; nothing else is ever taken for it.
 */
export async function refresh() {
  const known = state.detail;
  if (state.pod === null || !known) return;
  const [pod, record] = [state.pod, state.record];
  const key = record === null ? '' : (known.record?.key ?? '');
  const detail = await model.ask<Detail>({ do: 'detail', pod, record, lang: lang(), now: Date.now(), uid: known.uid, of: key });
  if (state.pod !== pod || state.record !== record) return;
  if (detail.refused || detail.state === 'gone') {
    state.detail = { ...known, state: 'gone', verdict: { code: 'gone', versions: [] }, problems: [], relations: null };
  } else if (key && !detail.record) {
    state.detail = { ...detail, record: known.record, layers: known.layers };
    state.recordGone = true;
  } else {
    [state.detail, state.pod, state.record] = [detail, detail.pod, detail.record?.record ?? null];
    state.recordGone = false;
  }
  changed();
}

/** Goes to a row; `act` also opens it. */
export async function activate(index: number, act = false) {
  const top = Math.max(0, state.total - 1);
  state.active = Math.max(0, Math.min(index, top));
  state.activeId = rowOf(state.active)?.id ?? '';
  scrollTo(state.active);
  await rowsAt(firstVisible());
  const row = rowOf(state.active);
  changed();
  if (!row) return;
  state.activeId = row.id;
  if (row.pod !== undefined) {
    await choose(row.pod, row.record ?? null);
    remember(act);
    if (act) show('detail');
  } else if (act && row.open !== null) {
    await toggle(state.active, !row.open);
  }
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

/** The first record of a Pod that provides or consumes an interface. */
export async function recordOf(pod: number, name: string, category: string): Promise<number | null> {
  const { records } = await model.ask<Partial<Detail>>({ do: 'detail', pod });
  return records?.find((one) => one.interface === name && one.category === category)?.record ?? null;
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

/** As many as the model answers with. */
const PROBLEMS = 400;

/** Fetches problems: again those that are there, or others. */
export async function problemWindow(from = state.problemFrom, count = Math.max(100, state.problems.length)) {
  const answer = await model.ask<{ total: number; from: number; problems: ProblemData[] }>({ do: 'problems', from, count: Math.min(count, PROBLEMS), lang: lang() });
  if (answer.problems.length === 0 && from > 0) return problemWindow(0);
  state.problemFrom = from;
  state.problems = answer.problems;
  state.problemTotal = answer.total;
  changed();
}

/** A hundred more behind those that are there, or before them. */
export function moreProblems(before = false) {
  const end = state.problemFrom + state.problems.length + 100;
  const from = before ? Math.max(0, state.problemFrom - 100) : Math.max(state.problemFrom, end - PROBLEMS);
  void problemWindow(from, Math.min(PROBLEMS, before ? state.problems.length + 100 : end - from));
}

export async function problem(at: number) {
  if (state.problemTotal === 0) await problemWindow();
  if (state.problemTotal === 0) return;
  const index = (at + state.problemTotal) % state.problemTotal;
  const there = index >= state.problemFrom && index < state.problemFrom + state.problems.length;
  if (!there) await problemWindow(Math.max(0, index - 50), 150);
  state.problemAt = index;
  const found = state.problems[index - state.problemFrom];
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
  requestAnimationFrame(() => document.querySelector('.problem.chosen')?.scrollIntoView({ block: 'nearest' }));
}

