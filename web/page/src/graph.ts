// The graph of who calls whom: asked of the model, placed by a Worker of its own that is there only when it is wanted.
import { remember } from './address.ts';
import { changed, model } from './desk.ts';
import type { Picture } from './geometry.ts';
import { workerOf } from './model.ts';
import type { Graph } from './protocol.ts';
import { afterLook } from './rows.ts';
import { state, type Mode } from './state.ts';
import layoutUrl from './layout.ts?worker&url';

let worker: Worker | null = null;
let asked = 0;

export function showMode(mode: Mode, push = false) {
  if (state.mode === mode) return;
  state.mode = mode;
  if (mode === 'graph' && state.summary) void openGraph();
  if (push) remember(true);
  changed();
}

/** Asks for the graph of what is looked for, and has it placed. */
export async function openGraph() {
  const mine = ++asked;
  state.graphBusy = true;
  changed();
  const graph = await model.ask<Graph>({ do: 'graph' });
  if (mine !== asked) return;
  worker ??= workerOf(layoutUrl);
  worker.onmessage = ({ data }: MessageEvent<{ id: number; picture: Picture }>) => {
    if (data.id !== asked) return;
    state.graphBusy = false;
    state.graph = data.picture;
    if (!data.picture.nodes.some((node) => node.name === state.graphNode)) state.graphNode = data.picture.nodes[0]?.name ?? null;
    if (!data.picture.nodes.some((node) => node.name === state.graphFocus)) state.graphFocus = null;
    changed();
  };
  worker.postMessage({ id: mine, graph, before: state.graph?.nodes.map(({ name, x, y }) => ({ name, x, y })) ?? [] });
}

let timer = 0;

/** Has it drawn again when a live registry has changed, but not more often than one can follow. */
export function refreshGraph() {
  if (state.mode !== 'graph' || timer) return;
  timer = window.setTimeout(() => {
    timer = 0;
    if (state.mode === 'graph' && state.summary) void openGraph();
  }, 1000);
}

afterLook(() => {
  if (state.mode === 'graph') void openGraph();
});
