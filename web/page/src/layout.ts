// Places the nodes of a graph, off the main thread: those that call more to the left, those that are called to the
// right, neighbours near each other, none over another. The same graph is always placed in the same way.
import { forceCollide, forceLink, forceManyBody, forceSimulation, forceX, forceY, type SimulationNodeDatum } from 'd3-force';
import { HEIGHT, WIDTH, type Picture } from './geometry.ts';
import type { Graph } from './protocol.ts';

interface Point extends SimulationNodeDatum { name: string; column: number }

/** Steps of the simulation, and the milliseconds after which it is good enough. */
const STEPS = 220;
const ENOUGH_MS = 900;

/** How far apart columns are, and nodes of different columns in height. */
const COLUMN = 320;
const ROW = 46;

self.onmessage = ({ data }: MessageEvent<{ id: number; graph: Graph; before: { name: string; x: number; y: number }[] }>) => {
  postMessage({ id: data.id, picture: place(data.graph, data.before) });
};

function place(graph: Graph, before: { name: string; x: number; y: number }[]): Picture {
  const known = new Map(before.map((one) => [one.name, one]));
  const columns = columnsOf(graph);
  // Coordinates are twice as dense in height: a node is a circle there, and a flat box when it is drawn.
  const flat = WIDTH / ROW;
  const nodes: Point[] = graph.nodes.map(([kind, text], at) => {
    const name = `${kind}:${text}`;
    const old = known.get(name);
    const start = old ? { x: old.x, y: old.y * flat } : { x: columns[at]! * COLUMN, y: ((at * 7919) % 1009) * flat };
    return { name, column: columns[at]!, ...start };
  });
  const links = graph.edges.map(([source, target]) => ({ source, target }));
  const simulation = forceSimulation(nodes)
    .force('link', forceLink(links).distance(COLUMN).strength(0.25))
    .force('charge', forceManyBody().strength(-260).distanceMax(1200))
    .force('column', forceX<Point>((node) => node.column * COLUMN).strength(0.7))
    .force('middle', forceY(0).strength(0.03))
    .force('apart', forceCollide(WIDTH / 2 + 8).iterations(2))
    .alpha(known.size > 0 ? 0.3 : 1)
    .stop();
  const end = performance.now() + ENOUGH_MS;
  for (let step = 0; step < STEPS && performance.now() < end; step++) simulation.tick();
  return picture(graph, nodes.map((node) => [node.x ?? 0, (node.y ?? 0) / flat]));
}

/** A column for each node: behind all that call it, as far as these do not call each other in a circle. */
function columnsOf(graph: Graph): number[] {
  const columns: number[] = graph.nodes.map(([kind]) => (kind === 'service' ? 1 : 0));
  for (let round = 0; round < 6; round++) {
    for (const [from, to] of graph.edges) columns[to] = Math.min(6, Math.max(columns[to]!, columns[from]! + 1));
  }
  return columns;
}

function picture(graph: Graph, at: [number, number][]): Picture {
  const lines = graph.edges.map(([from, to, count, broken, why]) => ({ from, to, count, broken, why }));
  const nodes = graph.nodes.map(([kind, text, pod, record], index) => {
    const [x, y] = at[index]!;
    return { name: `${kind}:${text}`, kind, text, pod, record, x: Math.round(x), y: Math.round(y), calls: 0, called: 0, broken: 0 };
  });
  for (const line of lines) {
    nodes[line.from]!.calls += line.count;
    nodes[line.to]!.called += line.count;
    nodes[line.from]!.broken += line.broken;
    nodes[line.to]!.broken += line.broken;
  }
  const xs = nodes.map((node) => node.x);
  const ys = nodes.map((node) => node.y);
  const [left, top] = [Math.min(0, ...xs) - WIDTH, Math.min(0, ...ys) - HEIGHT * 2];
  return { nodes, lines, left, top, width: Math.max(0, ...xs) + WIDTH - left, height: Math.max(0, ...ys) + HEIGHT * 2 - top, more: graph.more };
}
