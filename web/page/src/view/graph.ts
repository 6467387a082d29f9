// The graph as SVG: applications and interfaces, who calls whom, what is broken. Beside it the same as a table.
import { html, nothing, svg } from 'lit-html';
import { guard } from 'lit-html/directives/guard.js';
import { changed, download, number, show, t } from '../desk.ts';
import { focusOn } from '../graph.ts';
import { HEIGHT, WIDTH, type Line, type Picture, type Placed } from '../geometry.ts';
import { recordOf, reveal } from '../selection.ts';
import { state } from '../state.ts';
import { why } from '../texts.ts';
import { icon } from './icons.ts';

/** What of the picture is in sight: where its middle is, and how large a unit of it is. */
let view = { x: 0, y: 0, zoom: 1 };
let shown: Picture | null = null;

export function graphPane() {
  const picture = state.graph;
  if (!picture) return html`<div class="hollow" role="status"><div class="spinner" aria-hidden="true"></div><p>${t('graphBusy')}</p></div>`;
  if (picture.nodes.length === 0) return html`<div class="hollow"><p>${state.find || state.filters.length > 0 ? t('nothingFound') : t('nothingHere')}</p></div>`;
  return html`
    <div class="tools">
      <button class="small icon" aria-label=${t('zoomIn')} title=${t('zoomIn')} @click=${() => zoom(1.25)}>${icon('plus')}</button>
      <button class="small icon" aria-label=${t('zoomOut')} title=${t('zoomOut')} @click=${() => zoom(0.8)}>${icon('minus')}</button>
      <button class="small" @click=${fit}>${t('fit')}</button>
      ${focus(picture)}
      <span class="grow"></span>
      <button class="small" aria-pressed=${state.graphTable} @click=${toggleTable}>${t('asTable')}</button>
      <button class="small" @click=${takeSvg}>${icon('down')}<span>SVG</span></button>
    </div>
    ${state.graphTable ? table(picture) : drawing(picture)}
    <p class="legend"><span><i class="app"></i>${t('application')}</span><span><i class="service"></i>${t('interface')}</span><span><i class="line"></i>${t('callsLegend')}</span><span><i class="line partly"></i>${t('partlyLegend')}</span><span><i class="line broken"></i>${t('brokenLegend')}</span>${picture.more ? html`<span>${t('graphMore')}</span>` : nothing}</p>
  `;
}

/** Leaves only what is around a node, or goes back to all of it. */
function focus({ nodes }: Picture) {
  const around = state.graphFocus;
  const here = around ?? nodes.find(({ name }) => name === state.graphNode)?.name;
  if (!here) return nothing;
  return html`<button class="small" aria-pressed=${around !== null} @click=${() => focusOn(around ? null : here)}>${around ? icon('close') : nothing}<span>${t('focusedOn')} ${label(here)}</span></button>`;
}

const label = (name: string) => short(name.slice(name.indexOf(':') + 1));
const short = (text: string) => text.slice(text.lastIndexOf('.') + 1) || text;

function drawing(picture: Picture) {
  if (shown !== picture) {
    const first = shown === null || shown.nodes.length !== picture.nodes.length || shown.nodes[0]?.name !== picture.nodes[0]?.name;
    shown = picture;
    if (first) requestAnimationFrame(begin);
  }
  return html`<div class="frame"><svg id="graph" class="graph" role="application" tabindex="0" aria-label=${t('graphLabel')} aria-describedby="graph-here" @keydown=${key} @wheel=${wheel} @pointerdown=${down} @pointermove=${drag} @pointerup=${up} @pointercancel=${up}>
      <defs>${markers()}</defs>
      <g class="world">${guard([picture, state.graphNode, state.lang], () => world(picture))}</g>
    </svg></div>
    <p id="graph-here" class="hide" aria-live="polite">${spoken(picture)}</p>`;
}

const markers = () => ['plain', 'bad'].map((kind) => svg`<marker id=${`tip-${kind}`} class=${kind} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z" /></marker>`);

function world(picture: Picture) {
  const here = picture.nodes.findIndex((node) => node.name === state.graphNode);
  return svg`${picture.lines.map((line, at) => edge(picture, line, at, here))}${picture.nodes.map((node, at) => box(node, at, at === here))}`;
}

function edge({ nodes, down }: Picture, line: Line, at: number, here: number) {
  const [from, to] = [nodes[line.from]!, nodes[line.to]!];
  const all = line.broken === line.count;
  const kind = line.broken === 0 ? '' : all ? ' broken' : ' partly';
  const on = line.from === here || line.to === here ? ' on' : '';
  const way = down ? below(from, to) : beside(from, to);
  const drawn = svg`<path class=${`edge${kind}${on}`} d=${way} stroke-width=${(1 + Math.log2(line.count)).toFixed(1)} marker-end=${`url(#tip-${line.broken ? 'bad' : 'plain'})`}><title>${sentence(nodes, line)}</title></path>`;
  // What is broken is asked about: it can be hit beside its thin line too.
  return line.broken ? svg`${drawn}<path class="hit" data-line=${at} d=${way}><title>${sentence(nodes, line)}</title></path>` : drawn;
}

/** From the side of one node to that of another, which is behind it. */
function beside(from: Placed, to: Placed): string {
  const way = to.x >= from.x ? 1 : -1;
  const [x1, x2] = [from.x + (WIDTH / 2) * way, to.x - (WIDTH / 2 + 2) * way];
  const bend = Math.max(40, Math.abs(x2 - x1) / 2) * way;
  return `M${x1} ${from.y}C${x1 + bend} ${from.y} ${x2 - bend} ${to.y} ${x2} ${to.y}`;
}

/** From the bottom of one node to the top of another, which is below it. */
function below(from: Placed, to: Placed): string {
  const way = to.y >= from.y ? 1 : -1;
  const [y1, y2] = [from.y + (HEIGHT / 2) * way, to.y - (HEIGHT / 2 + 2) * way];
  const bend = Math.max(24, Math.abs(y2 - y1) / 2) * way;
  return `M${from.x} ${y1}C${from.x} ${y1 + bend} ${to.x} ${y2 - bend} ${to.x} ${y2}`;
}

const sentence = (nodes: Placed[], line: Line) =>
  `${short(nodes[line.from]!.text)} → ${short(nodes[line.to]!.text)}: ${number(line.count)}${line.broken ? ` (${number(line.broken)} ${t('brokenEdges')}: ${line.why ? why(line.why) : ''})` : ''}`;

const box = (node: Placed, at: number, here: boolean) => svg`<g class=${`node ${node.kind}${node.broken ? ' bad' : ''}${here ? ' here' : ''}`} data-node=${at} transform=${`translate(${node.x - WIDTH / 2} ${node.y - HEIGHT / 2})`}>
  <title>${node.text}</title><rect width=${WIDTH} height=${HEIGHT} rx=${node.kind === 'app' ? 6 : HEIGHT / 2} /><text x=${WIDTH / 2} y=${HEIGHT / 2 + 4.5} text-anchor="middle">${clip(short(node.text))}</text></g>`;

const clip = (text: string) => (text.length > 25 ? `${text.slice(0, 24)}…` : text);

/** Where the keys are, and whom it calls. */
function spoken(picture: Picture): string {
  const at = picture.nodes.findIndex((node) => node.name === state.graphNode);
  const node = picture.nodes[at];
  if (!node) return '';
  const lines = picture.lines.filter((line) => line.from === at || line.to === at).slice(0, 12);
  return `${node.text}. ${lines.map((line) => sentence(picture.nodes, line)).join('. ')}`;
}

const table = ({ nodes, lines }: Picture) => html`<div class="scroll graph-table" tabindex="0" role="region" aria-label=${t('graphLabel')}><table>
  <thead><tr>${(['from.calls', 'to.called', 'endpoints', 'problem'] as const).map((word) => html`<th scope="col">${t(word)}</th>`)}</tr></thead>
  <tbody>${lines.map((line) => html`<tr><td><button class="plain" @click=${() => go(nodes[line.from]!)}>${nodes[line.from]!.text}</button></td><td><button class="plain" @click=${() => go(nodes[line.to]!)}>${nodes[line.to]!.text}</button></td><td>${number(line.count)}</td><td>${line.broken ? html`<button class="plain" @click=${() => void goAlong(line)}><span class="mark error">${icon('error')}</span> ${number(line.broken)}: ${line.why ? why(line.why) : ''}</button>` : nothing}</td></tr>`)}</tbody>
</table></div>`;

function toggleTable() {
  state.graphTable = !state.graphTable;
  changed();
}

function go(node: Placed) {
  state.graphNode = node.name;
  void reveal(node.pod, node.record);
}

/** Shows the record that a line is about: a consumer with whom it would call and why not, or a provider. */
async function goAlong(line: Line) {
  const picture = state.graph;
  const [from, to] = [picture?.nodes[line.from], picture?.nodes[line.to]];
  if (!from || !to) return;
  const [app, service, category] = from.kind === 'app' ? [from, to, 'consumers'] : [to, from, 'providers'];
  state.graphNode = app.name;
  const record = await recordOf(app.pod, service.text, category);
  await reveal(app.pod, record ?? app.record);
  show('detail');
}

// Moving about: the picture itself stays as it is, only its group is moved.

const element = () => document.getElementById('graph');
/** The part of the picture that is seen: it is larger, so that there is something to drag into sight. */
const frameOf = () => document.querySelector('.frame');

function place() {
  const of = element();
  const group = of?.querySelector('.world');
  if (!of || !group) return;
  const { clientWidth: width, clientHeight: height } = of;
  group.setAttribute('transform', `translate(${width / 2} ${height / 2}) scale(${view.zoom}) translate(${-view.x} ${-view.y})`);
}

function fit() {
  const of = element();
  const picture = state.graph;
  if (!of || !picture) return;
  const { left, top, width, height } = picture;
  const frame = frameOf()!.getBoundingClientRect();
  view = { x: left + width / 2, y: top + height / 2, zoom: Math.min(1.4, frame.width / width, frame.height / height) };
  place();
}

/** Below this the names cannot be read. */
const READABLE = 0.75;

/** Shows all of it; or, where that is too small to read and one node is looked at, that one and what is around it. */
function begin() {
  fit();
  const node = state.graph?.nodes.find(({ name }) => name === state.graphFocus);
  if (!node || view.zoom >= READABLE) return;
  view = { x: node.x, y: node.y, zoom: READABLE };
  place();
}

function zoom(by: number, at?: { x: number; y: number }) {
  const before = view.zoom;
  view.zoom = Math.min(3, Math.max(0.02, before * by));
  if (at) {
    view.x += at.x * (1 / before - 1 / view.zoom);
    view.y += at.y * (1 / before - 1 / view.zoom);
  }
  place();
}

/** A place of the screen, from the middle of the picture. */
function fromMiddle(event: MouseEvent) {
  const box = frameOf()!.getBoundingClientRect();
  return { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
}

function wheel(event: WheelEvent) {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY / 400), fromMiddle(event));
}

let pressed: { x: number; y: number; far: boolean } | null = null;

function down(event: PointerEvent) {
  if (event.button !== 0) return;
  pressed = { x: event.clientX, y: event.clientY, far: false };
}

function drag(event: PointerEvent) {
  if (!pressed) return;
  const of = event.currentTarget as SVGElement;
  const [x, y] = [event.clientX - pressed.x, event.clientY - pressed.y];
  if (!pressed.far && Math.hypot(x, y) < 4) return;
  if (!pressed.far) of.setPointerCapture?.(event.pointerId);
  pressed.far = true;
  // While it is dragged, what was drawn is moved as a whole; it is drawn anew when it is let go.
  of.style.transform = `translate(${x}px, ${y}px)`;
}

function up(event: PointerEvent) {
  const was = pressed;
  pressed = null;
  if (!was) return;
  if (was.far) {
    view.x -= (event.clientX - was.x) / view.zoom;
    view.y -= (event.clientY - was.y) / view.zoom;
    (event.currentTarget as SVGElement).style.transform = '';
    return place();
  }
  const line = (event.target as Element).closest<SVGElement>('[data-line]')?.dataset['line'];
  if (line !== undefined && state.graph?.lines[Number(line)]) return void goAlong(state.graph.lines[Number(line)]!);
  const of = (event.target as Element).closest<SVGElement>('[data-node]');
  const node = of ? state.graph?.nodes[Number(of.dataset['node'])] : undefined;
  if (!node) return;
  // The second click on a node leaves only what it is joined to.
  if (state.graphNode === node.name && state.detail) focusOn(state.graphFocus === node.name ? null : node.name);
  go(node);
}

/** Arrows go to the nearest neighbour in that direction, along the edges first. */
function key(event: KeyboardEvent) {
  const picture = state.graph;
  if (!picture) return;
  const at = Math.max(0, picture.nodes.findIndex((node) => node.name === state.graphNode));
  const here = picture.nodes[at];
  const arrows: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const arrow = arrows[event.key];
  if (arrow && here) {
    const next = towards(picture, at, arrow);
    if (next) state.graphNode = next.name;
    intoSight(next ?? here);
    changed();
  } else if (event.key === 'Enter' && here) go(here);
  else if ((event.key === 'f' || event.key === ' ') && here) focusOn(state.graphFocus === here.name ? null : here.name);
  else if (event.key === '+') zoom(1.25);
  else if (event.key === '-') zoom(0.8);
  else if (event.key === '0') fit();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function towards(picture: Picture, at: number, [dx, dy]: [number, number]): Placed | null {
  const here = picture.nodes[at]!;
  const joined = new Set(picture.lines.flatMap((line) => (line.from === at ? [line.to] : line.to === at ? [line.from] : [])));
  let best: Placed | null = null;
  let least = Infinity;
  picture.nodes.forEach((node, index) => {
    if (index === at) return;
    const [x, y] = [node.x - here.x, node.y - here.y];
    const [along, aside] = dx !== 0 ? [x * dx, Math.abs(y)] : [y * dy, Math.abs(x)];
    if (along < (dx !== 0 ? WIDTH / 2 : HEIGHT / 2)) return;
    const cost = along + 3 * aside - (dx !== 0 && joined.has(index) ? 1e6 : 0);
    if (cost < least) [best, least] = [node, cost];
  });
  return best;
}

function intoSight(node: Placed) {
  const box = frameOf()?.getBoundingClientRect();
  if (!box) return;
  const [x, y] = [(node.x - view.x) * view.zoom, (node.y - view.y) * view.zoom];
  if (Math.abs(x) > box.width / 2 - 60 || Math.abs(y) > box.height / 2 - 40) {
    [view.x, view.y] = [node.x, node.y];
    place();
  }
}

/** The picture as a file: what its style says on the page is written into it. */
function takeSvg() {
  const picture = state.graph;
  if (!picture) return;
  if (state.graphTable) toggleTable();
  requestAnimationFrame(() => {
    const of = element();
    if (!of) return;
    const copy = of.cloneNode(true) as SVGElement;
    const names = ['fill', 'stroke', 'font-size', 'font-family', 'stroke-dasharray', 'opacity'];
    const [own, copied] = [[...of.querySelectorAll('rect, path, text')], [...copy.querySelectorAll('rect, path, text')]];
    own.forEach((one, at) => {
      const style = getComputedStyle(one);
      for (const name of names) copied[at]!.setAttribute(name, style.getPropertyValue(name));
    });
    copy.querySelectorAll('.hit').forEach((one) => one.remove());
    copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    copy.setAttribute('viewBox', `${picture.left} ${picture.top} ${picture.width} ${picture.height}`);
    copy.setAttribute('width', String(picture.width));
    copy.setAttribute('height', String(picture.height));
    copy.querySelector('.world')?.removeAttribute('transform');
    for (const name of ['id', 'class', 'role', 'tabindex', 'aria-label', 'aria-describedby']) copy.removeAttribute(name);
    download('dubbo-graph.svg', new XMLSerializer().serializeToString(copy).replaceAll(/<!--.*?-->/g, ''), 'image/svg+xml');
  });
}

/** Keeps the picture in its frame when the frame changes. */
export const refitGraph = () => begin();
