// Lights up places of text without touching the text: CSS Custom Highlights over the layers on the page.
import { state } from './state.ts';
import type { LayerId } from './protocol.ts';

const LAYERS: LayerId[] = ['source', 'base64', 'json', 'key', 'url'];

export function layerElement(layer: LayerId): HTMLElement | null {
  return document.querySelector(`[data-layer="${layer}"]`);
}

/** The node and offset of a character of an element's text. */
function point(element: Node, offset: number): [Node, number] | null {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let left = offset;
  let last: Text | null = null;
  while (walker.nextNode()) {
    last = walker.currentNode as Text;
    if (left <= last.data.length) return [last, left];
    left -= last.data.length;
  }
  return last ? [last, last.data.length] : null;
}

function rangeOf(element: Node, start: number, end: number): Range | null {
  const from = point(element, start);
  const to = point(element, end);
  if (!from || !to) return null;
  const range = document.createRange();
  range.setStart(...from);
  range.setEnd(...to);
  return range;
}

/** Where a selection stands in the text of a layer. */
export function offsetsIn(element: HTMLElement, range: Range): [number, number] {
  const before = document.createRange();
  before.setStart(element, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = before.toString().length;
  return [start, start + range.toString().length];
}

let lit: unknown[] = [];

/** Nothing is asked of the layout unless what is lit, or the text that it is in, is another one. */
export function light() {
  if (!('highlights' in CSS)) return;
  const now = [state.places, state.placesFrom, state.detail, state.record, state.source, state.pane, state.editing, layerElement('source')];
  if (now.every((one, at) => one === lit[at])) return;
  lit = now;
  CSS.highlights.clear();
  const places = state.places;
  if (!places) return;
  const name = state.placesFrom === 'problem' || (state.placesFrom === null && state.record === null) ? 'wrong' : state.placesFrom === null ? 'record' : 'chosen';
  const ranges: Range[] = [];
  for (const layer of LAYERS) {
    const [start, end] = places[layer] ?? [];
    const element = layerElement(layer);
    if (start === undefined || end === undefined || !element) continue;
    if (name === 'record' && layer !== 'source') continue; // the whole of it would say nothing
    const range = rangeOf(element, start, Math.max(end, start + 1));
    if (!range) continue;
    ranges.push(range);
    if (layer !== state.placesFrom) intoView(element, range, `${name} ${state.pod} ${state.record} ${layer} ${start}`);
  }
  CSS.highlights.set(name, new Highlight(...ranges));
}

const shown = new WeakMap<Element, string>();

/** Scrolls only the layer itself, and only when the place is another one. */
function intoView(element: HTMLElement, range: Range, key: string) {
  if (shown.get(element) === key) return;
  shown.set(element, key);
  const box = element.getBoundingClientRect();
  const place = range.getClientRects()[0];
  if (!place || (place.top >= box.top && place.bottom <= box.bottom)) return;
  element.scrollTop += place.top - box.top - box.height / 3;
}
