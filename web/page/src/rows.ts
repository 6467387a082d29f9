// The rows in sight: fetched as they are scrolled to, opened, closed, searched and moved through.
import { changed, lang, model } from './desk.ts';
import { ROW, state } from './state.ts';
import type { RowData } from './protocol.ts';

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

export function scrollTo(index: number) {
  const tree = document.querySelector('.tree');
  if (!tree) return;
  const top = index * ROW;
  if (top < tree.scrollTop) tree.scrollTop = top;
  else if (top + ROW > tree.scrollTop + tree.clientHeight) tree.scrollTop = top + ROW - tree.clientHeight;
}

