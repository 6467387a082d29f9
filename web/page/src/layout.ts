// Places the nodes of a graph, off the main thread: those that call first, those that are called behind them, neighbours
// near each other, none over another. The same graph is always placed in the same way.
import { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY, type SimulationNodeDatum } from 'd3-force';
import { HEIGHT, WIDTH, type Picture } from './geometry.ts';
import type { Graph } from './protocol.ts';

interface Point extends SimulationNodeDatum { name: string; layer: number }

/** Steps of the simulation, and the milliseconds after which it is good enough. */
const STEPS = 220;
const ENOUGH_MS = 900;

/** How far apart layers are, side by side and one below the other. */
const ACROSS = 280;
const DOWN = 96;

/** What a node takes in height, of few and of many, and the room around it. */
const ROOMY = 92;
const DENSE = 52;
const FEW = 60;
const AROUND = 24;

/** A layer with more nodes than this spreads out; of more layers than this several are drawn as one. */
const CROWDED = 40;
const DEEPEST = 6;

self.onmessage = ({ data }: MessageEvent<{ id: number; graph: Graph; before: { name: string; x: number; y: number }[] }>) => {
  postMessage({ id: data.id, picture: place(data.graph, data.before) });
};

function place(graph: Graph, before: { name: string; x: number; y: number }[]): Picture {
  const layers = layersOf(graph);
  const sizes: number[] = [];
  for (const layer of layers) sizes[layer] = (sizes[layer] ?? 0) + 1;
  const down = Math.max(0, ...sizes.filter(Boolean)) * WIDTH <= sizes.length * ACROSS;
  // A node is a circle to the simulation and a flat box when it is drawn: heights count that much more there.
  const flat = WIDTH / (graph.nodes.length <= FEW && !down ? ROOMY : DENSE);
  const main = (layer: number) => layer * (down ? DOWN * flat : ACROSS);
  const known = new Map(before.map((one) => [one.name, one]));
  const nodes: Point[] = graph.nodes.map(([kind, text], at) => {
    const name = `${kind}:${text}`;
    const [old, layer] = [known.get(name), layers[at]!];
    const aside = ((at * 7919) % 1009) - 504;
    const start = old ? { x: old.x, y: old.y * flat } : down ? { x: aside, y: main(layer) } : { x: main(layer), y: aside * flat };
    return { name, layer, ...start };
  });
  const links = graph.edges.map(([source, target]) => ({ source, target }));
  const hold = (node: Point) => ((sizes[node.layer] ?? 0) > CROWDED ? 0.3 : 0.7);
  const simulation = forceSimulation(nodes)
    .force('link', forceLink(links).distance(ACROSS).strength(0.2))
    .force('charge', forceManyBody().strength(-260).distanceMax(1200))
    .force('x', forceX<Point>((node) => (down ? 0 : main(node.layer))).strength((node) => (down ? 0.05 : hold(node))))
    .force('y', forceY<Point>((node) => (down ? main(node.layer) : 0)).strength((node) => (down ? hold(node) : 0.012)))
    .force('apart', forceCollide(WIDTH / 2 + AROUND).iterations(2))
    .alpha(known.size > 0 ? 0.3 : 1)
    .stop();
  const end = performance.now() + ENOUGH_MS;
  for (let step = 0; step < STEPS && performance.now() < end; step++) simulation.tick();
  return picture(graph, down, nodes.map((node) => [node.x ?? 0, (node.y ?? 0) / flat]));
}

/** A layer for each node: behind all that call it. What closes a circle counts for nothing in that. */
function layersOf({ nodes, edges }: Graph): number[] {
  const called: number[][] = nodes.map(() => []);
  for (const [from, to] of edges) called[from]!.push(to);
  const order = callersFirst(called);
  const places: number[] = [];
  order.forEach((node, place) => (places[node] = place));
  const layers: number[] = nodes.map(([kind]) => (kind === 'service' ? 1 : 0));
  for (const from of order) {
    for (const to of called[from]!) if (places[to]! > places[from]!) layers[to] = Math.max(layers[to]!, layers[from]! + 1);
  }
  const deepest = Math.max(DEEPEST, ...layers);
  return layers.map((layer) => Math.round((layer * DEEPEST) / deepest));
}

/** All nodes, each before those that it calls, as far as these do not call each other in a circle. */
function callersFirst(called: number[][]): number[] {
  const isCalled = new Set(called.flat());
  const starts = called.map((_, at) => at).sort((one, other) => Number(isCalled.has(one)) - Number(isCalled.has(other)));
  const seen = new Set<number>();
  const order: number[] = [];
  const visit = (node: number) => {
    if (seen.has(node)) return;
    seen.add(node);
    called[node]!.forEach(visit);
    order.push(node);
  };
  starts.forEach(visit);
  return order.reverse();
}

function picture(graph: Graph, down: boolean, at: [number, number][]): Picture {
  const lines = graph.edges.map(([from, to, count, broken, why]) => ({ from, to, count, broken, why }));
  const nodes = graph.nodes.map(([kind, text, pod, record], index) => {
    const [x, y] = at[index]!;
    return { name: `${kind}:${text}`, kind, text, pod, record, x: Math.round(x), y: Math.round(y), calls: 0, called: 0, broken: 0 };
  });
  for (const line of lines) {
    nodes[line.from]!.calls += line.count;
    nodes[line.to]!.called += line.count;
    // That a provider is not called says nothing of its application; that a consumer finds none does.
    if (nodes[line.from]!.kind === 'service') continue;
    nodes[line.from]!.broken += line.broken;
    nodes[line.to]!.broken += line.broken;
  }
  const xs = nodes.map((node) => node.x);
  const ys = nodes.map((node) => node.y);
  if (nodes.length === 0) return { nodes, lines, down, left: 0, top: 0, width: 1, height: 1, more: graph.more };
  const [left, top] = [Math.min(...xs) - WIDTH, Math.min(...ys) - HEIGHT * 2];
  return { nodes, lines, down, left, top, width: Math.max(...xs) + WIDTH - left, height: Math.max(...ys) + HEIGHT * 2 - top, more: graph.more };
}
