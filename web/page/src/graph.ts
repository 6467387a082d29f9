// The graph of who calls whom: asked of the model, cut to what can be read, placed by a Worker of its own that is there
// only when it is wanted.
import { remember } from './address.ts';
import { changed, model } from './desk.ts';
import type { Picture, Placed } from './geometry.ts';
import layoutUrl from './layout.ts?worker&url';
import { workerOf } from './model.ts';
import type { Graph, GraphEdge, GraphNode } from './protocol.ts';
import { afterLook } from './rows.ts';
import { state, type Mode } from './state.ts';
import { showTimeline } from './timeline.ts';

/** With more nodes than this only the applications are drawn, until one of them is looked at. */
const READABLE = 150;

let worker: Worker | null = null;
let asked = 0;
let whole: Graph | null = null;

export function showMode(mode: Mode, push = false) {
  if (mode === 'changes' && !state.summary?.live) mode = 'tree';
  if (state.mode === mode) return;
  state.mode = mode;
  if (mode === 'graph' && state.summary) void openGraph();
  if (mode === 'changes') void showTimeline();
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
  whole = graph;
  if (!graph.nodes.some((node) => nameOf(node) === state.graphFocus)) state.graphFocus = null;
  placeAgain();
}

/** Leaves only a node and what it is joined to; none: all of it. */
export function focusOn(name: string | null) {
  state.graphFocus = name;
  placeAgain();
}

export const nameOf = ([kind, text]: GraphNode) => `${kind}:${text}`;

/** Whether a node is the application of what is selected. */
const isSelected = (node: Placed) => node.kind === 'app' && node.text === state.detail?.record?.application;

function placeAgain() {
  if (!whole) return;
  const id = ++asked;
  const around = whole.nodes.findIndex((node) => nameOf(node) === state.graphFocus);
  const graph = around >= 0 ? neighbours(whole, around) : whole.nodes.length > READABLE ? applications(whole) : whole;
  worker ??= workerOf(layoutUrl);
  worker.onmessage = ({ data }: MessageEvent<{ id: number; picture: Picture }>) => {
    if (data.id !== asked) return;
    state.graphBusy = false;
    state.graph = data.picture;
    const { nodes } = data.picture;
    if (!nodes.some((node) => node.name === state.graphNode)) state.graphNode = (nodes.find(isSelected) ?? nodes[0])?.name ?? null;
    changed();
  };
  worker.postMessage({ id, graph, before: state.graph?.nodes.map(({ name, x, y }) => ({ name, x, y })) ?? [] });
}

/** A node, what it is joined to, and of an application also what its interfaces are joined to. */
function neighbours({ nodes, edges, more }: Graph, around: number): Graph {
  const kept = new Set([around]);
  for (let step = 0; step < (nodes[around]![0] === 'app' ? 2 : 1); step++) {
    const now = new Set(kept);
    for (const [from, to] of edges) {
      if (now.has(from)) kept.add(to);
      if (now.has(to)) kept.add(from);
    }
  }
  // Of what is two steps away only what is joined to the node by an interface, not its other interfaces.
  return part({ nodes, edges: edges.filter(([from, to]) => kept.has(from) && kept.has(to)), more }, kept);
}

function part({ nodes, edges, more }: Graph, kept: Set<number>): Graph {
  const places = new Map([...kept].map((old, at) => [old, at]));
  return {
    nodes: [...kept].map((at) => nodes[at]!),
    edges: edges.map(([from, to, ...rest]) => [places.get(from)!, places.get(to)!, ...rest]),
    more,
  };
}

/** Applications alone: which calls which, whatever the interface. */
function applications({ nodes, edges, more }: Graph): Graph {
  const providers = new Map<number, number[]>();
  for (const [from, to] of edges) if (nodes[from]![0] === 'service') providers.set(from, [...(providers.get(from) ?? []), to]);
  const joined = new Map<string, GraphEdge>();
  const lonely = new Set<number>();
  for (const [from, service, count, broken, why] of edges) {
    if (nodes[from]![0] !== 'app') continue;
    const called = providers.get(service) ?? [];
    if (called.length === 0) lonely.add(service).add(from);
    for (const to of called.length > 0 ? called : [service]) {
      const known = joined.get(`${from}.${to}`) ?? [from, to, 0, 0, null];
      joined.set(`${from}.${to}`, [from, to, known[2] + count, known[3] + broken, known[4] ?? why]);
    }
  }
  const kept = new Set(nodes.flatMap(([kind], at) => (kind === 'app' || lonely.has(at) ? [at] : [])));
  return part({ nodes, edges: [...joined.values()], more }, kept);
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
