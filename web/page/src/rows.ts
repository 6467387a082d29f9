// The rows in sight: fetched ahead of where they are scrolled to, opened, closed, searched, filtered and moved through.
import { remember } from './address.ts';
import { changed, drawNow, model } from './desk.ts';
import { ROW, state } from './state.ts';
import type { Facets, RowData } from './protocol.ts';

/** Rows of one piece that is fetched and kept, rows drawn beyond those in sight, and pieces that are kept. */
const PIECE = 100;
const BEYOND = 6;
const KEPT = 40;

interface Answer { total: number; from: number; rows: RowData[]; places: (number | null)[] }

let pieces = new Map<number, RowData[]>();
/** Which state of the model the pieces are of. */
let version = 0;
const fetching = new Set<string>();

const inSight = () => Math.ceil((document.querySelector('.tree')?.clientHeight || innerHeight) / ROW) + 1;

/** Shows the rows around `first`: at once if they are there, else when they come. `force`: the model has changed. */
export async function rowsAt(first: number, force = false) {
  if (force) {
    version++;
    const answer = await fetchPieces(first);
    if (!answer) return;
    const [active] = answer.places;
    if (active !== null && active !== undefined) state.active = active;
  }
  if (!drawRows(first)) {
    if (!(await fetchPieces(first))) return;
    first = firstVisible();
    drawRows(first);
  }
  ahead(first);
}

/** Draws the rows around `first`, or those of them that are there; whether all were. */
function drawRows(first: number): boolean {
  let from = Math.max(0, first - BEYOND);
  const to = Math.min(state.total, first + inSight() + BEYOND);
  const rows: RowData[] = [];
  for (let at = from; at < to; at++) {
    const row = pieces.get(Math.floor(at / PIECE))?.[at % PIECE];
    if (row) rows.push(row);
    else if (rows.length > 0) break;
    else from = at + 1;
  }
  isWhole = rows.length === to - Math.max(0, first - BEYOND);
  if (rows.length === 0 && !isWhole) return false;
  state.from = from;
  state.rows = rows;
  state.active = Math.min(state.active, Math.max(0, state.total - 1));
  state.activeId = rowOf(state.active)?.id ?? state.activeId;
  changed();
  return isWhole;
}

/** Fetches the pieces that hold the rows around `first`; nothing if others are asked for meanwhile. */
async function fetchPieces(first: number): Promise<Answer | null> {
  const piece = Math.floor(Math.max(0, first - BEYOND) / PIECE);
  const end = Math.floor((first + inSight() + BEYOND) / PIECE);
  return fetchRange(piece, end - piece + 1);
}

async function fetchRange(piece: number, count: number): Promise<Answer | null> {
  const mine = version;
  const name = `${mine} ${piece} ${count}`;
  if (fetching.has(name)) return null;
  fetching.add(name);
  try {
    const answer = await model.ask<Answer>({ do: 'rows', from: piece * PIECE, count: Math.min(4, count) * PIECE, ids: [state.activeId] });
    if (mine !== version) return null;
    if (keptOf !== mine || pieces.size > KEPT) pieces = new Map();
    keptOf = mine;
    state.total = answer.total;
    for (let at = 0; at * PIECE < answer.rows.length; at++) pieces.set(piece + at, answer.rows.slice(at * PIECE, (at + 1) * PIECE));
    return answer;
  } finally {
    fetching.delete(name);
  }
}

let keptOf = -1;
let last = 0;
/** Whether all rows in sight were drawn. */
let isWhole = true;

/** Fetches what will be in sight soon. */
function ahead(first: number) {
  const down = first >= last;
  last = first;
  const next = Math.floor((down ? first + inSight() + PIECE : Math.max(0, first - PIECE)) / PIECE);
  if (next * PIECE < state.total && !pieces.has(next)) void fetchRange(next, 1).then((answer) => answer && !isWhole && drawRows(firstVisible()));
}

/** The same after a change that moves rows: the one under the pointer, or else the first in sight, stays where it is. */
export async function rowsAfterChange() {
  const tree = document.querySelector('.tree');
  const first = firstVisible();
  const anchor = hovered() ?? (tree && tree.scrollTop > 0 ? rowOf(first) : undefined);
  const before = anchor ? state.rows.indexOf(anchor) + state.from : -1;
  let by = 0;
  if (anchor && before >= 0) {
    const { places } = await model.ask<Answer>({ do: 'rows', from: 0, count: 0, ids: [anchor.id] });
    const now = places[0];
    if (now !== null && now !== undefined) by = now - before;
  }
  await rowsAt(Math.max(0, first + by), true);
  if (by === 0 || !tree) return;
  drawNow();
  tree.scrollTop += by * ROW;
}

function hovered(): RowData | undefined {
  const id = document.querySelector<HTMLElement>('.row:hover')?.id;
  return id === undefined ? undefined : state.rows.find((row) => `row-${row.id}` === id);
}

export async function look(request: { by?: string; find?: string; all?: boolean; filters?: string[] }) {
  const answer = await model.ask<{ rows: number; by: 'service' | 'pod' }>({ do: 'view', ...request });
  if (request.find !== undefined && request.find !== state.find) return;
  if (state.summary) state.summary.by = answer.by;
  state.total = answer.rows;
  state.active = 0;
  state.activeId = '';
  document.querySelector('.tree')?.scrollTo(0, 0);
  await rowsAt(0, true);
  onLook();
}

let onLook = () => {};
/** What else shows what is looked for. */
export function afterLook(handler: () => void) {
  onLook = handler;
}

export function find(text: string) {
  state.find = text;
  remember();
  void look({ find: text });
}

/** Sets the filter of a field to a value, or takes it away. */
export function filter(field: string, value: string | null) {
  state.filters = state.filters.filter((one) => !one.startsWith(`${field}:`));
  if (value) state.filters.push(`${field}:${value}`);
  remember(true);
  void look({ filters: state.filters });
}

export function clearFilters() {
  state.filters = [];
  state.find = '';
  remember(true);
  void look({ filters: [], find: '' });
}

export async function openFilters() {
  state.filtersOpen = !state.filtersOpen;
  changed();
  if (state.filtersOpen) state.facets = await model.ask<Facets>({ do: 'facets' });
  changed();
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
