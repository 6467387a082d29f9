// Keys, drops, pastes and selections of the whole page.
import { cancel, discard, load } from './app.ts';
import { changed, drawNow, show } from './desk.ts';
import { revertField, setEditing } from './editing.ts';
import { showMode } from './graph.ts';
import { find, firstVisible, look, rowOf, toggle } from './rows.ts';
import { activate, choose, chooseAt, problem, select } from './selection.ts';
import { offsetsIn } from './highlight.ts';
import { ROW, state } from './state.ts';
import type { LayerId } from './protocol.ts';

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function listen() {
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') return void escape(event.target);
    if (event.key === 'F8') {
      event.preventDefault();
      state.problemsOpen = true;
      void problem(state.problemAt + (event.shiftKey ? -1 : 1));
      return;
    }
    if (typing(event.target) || state.dialog !== 'none') return;
    if (event.key === '/') {
      event.preventDefault();
      focusFind();
    } else if (event.key === 'e' && state.pod !== null && state.live === 'off') {
      event.preventDefault();
      void setEditing(!state.editing);
    } else if (event.key === 'g' && state.summary) {
      showMode(state.mode === 'graph' ? 'tree' : 'graph', true);
    } else if (event.key === '?') {
      event.preventDefault();
      state.dialog = 'help';
      changed();
    }
  });

  addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    if (!state.dragging) {
      state.dragging = true;
      changed();
    }
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null && state.dragging) {
      state.dragging = false;
      changed();
    }
  });
  addEventListener('drop', (event) => {
    state.dragging = false;
    changed();
    const file = event.dataTransfer?.files[0];
    const text = event.dataTransfer?.getData('text/plain');
    if (!file && !text) return;
    event.preventDefault();
    void load(file ? { file } : { text: text ?? '' });
  });

  // A paste anywhere but into a field is a new text.
  addEventListener('paste', (event) => {
    if (event.defaultPrevented || typing(event.target)) return;
    const file = event.clipboardData?.files[0];
    const text = event.clipboardData?.getData('text/plain');
    if (!file && !text) return;
    event.preventDefault();
    void load(file ? { file } : { text: text ?? '' });
  });

  let frame = 0;
  document.addEventListener('selectionchange', () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => void chosen());
  });
}

export function focusFind() {
  show('services');
  requestAnimationFrame(() => document.querySelector<HTMLInputElement>('#find')?.select());
}

/** Leaves what is innermost, and goes where one was before: never nowhere. */
async function escape(target: EventTarget | null) {
  if (state.busy !== 'no') cancel();
  else if (state.dialog === 'discard') discard(false);
  else if (state.dialog !== 'none') closeDialog();
  else if (document.activeElement?.id === 'find') {
    if (state.find) find('');
    focusTree();
  } else if (target instanceof HTMLElement && target.closest('.record, .inline') && typing(target) && (await revertField())) return;
  else if (state.problemsOpen) {
    state.problemsOpen = false;
    drawNow();
    if (document.activeElement === document.body) focusTree();
  } else if (state.editing) await setEditing(false);
  changed();
}

function focusTree() {
  document.querySelector<HTMLElement>(state.mode === 'graph' ? '#graph' : '#tree')?.focus();
}

let opener: Element | null = null;

/** Notes where one was when a dialog opened. */
export function openedFrom(element: Element | null) {
  opener = element;
}

export function closeDialog() {
  if (state.dialog === 'discard') return discard(false);
  state.dialog = 'none';
  // Closed before it took the focus, it leaves the focus where it is.
  const focused = document.activeElement;
  const back = opener ?? (focused?.closest('.dialog') ? null : focused);
  drawNow();
  if (back instanceof HTMLElement && back !== document.body && back.isConnected) back.focus();
  else focusTree();
  opener = null;
}

async function chosen() {
  const selection = getSelection();
  if (!selection || selection.rangeCount === 0 || selection.isCollapsed) return;
  const range = selection.getRangeAt(0);
  const container = range.commonAncestorContainer;
  const element = (container instanceof Element ? container : container.parentElement)?.closest<HTMLElement>('[data-layer]');
  if (!element) return;
  const [start, end] = offsetsIn(element, range);
  if (end <= start) return;
  const layer = element.dataset['layer'] as LayerId;
  if (layer === 'source') await chooseAt(start);
  await select(layer, start, end);
}

/** A click into the source goes to the record that stands there. */
export async function sourceClicked(element: HTMLElement) {
  const selection = getSelection();
  if (!selection?.isCollapsed || selection.rangeCount === 0) return;
  const [start] = offsetsIn(element, selection.getRangeAt(0));
  if (!(await chooseAt(start)) && state.pod !== null) await select('source', start, start + 1);
}

/** The keys of a tree grid, as the ARIA practices have them. */
export function treeKey(event: KeyboardEvent) {
  const page = Math.max(1, Math.floor((event.currentTarget as HTMLElement).clientHeight / ROW) - 1);
  const row = rowOf(state.active);
  const moves: Record<string, number> = {
    ArrowDown: state.active + 1,
    ArrowUp: state.active - 1,
    PageDown: state.active + page,
    PageUp: state.active - page,
    Home: 0,
    End: state.total - 1,
  };
  const to = moves[event.key];
  if (to !== undefined) void activate(to);
  else if (event.key === 'ArrowRight' && row) void (row.open === false ? toggle(state.active, true) : row.open ? activate(state.active + 1) : undefined);
  else if (event.key === 'ArrowLeft' && row) void (row.open ? toggle(state.active, false) : parent());
  else if (event.key === 'Enter' || event.key === ' ') void activate(state.active, true);
  else if (event.key === '*') void look({ all: true });
  else return;
  event.preventDefault();
}

async function parent() {
  const depth = rowOf(state.active)?.depth ?? 0;
  for (let at = state.active - 1; at >= 0 && depth > 0; at--) {
    const row = rowOf(at);
    if (!row) break; // further than the window: the beginning of it is as good
    if (row.depth < depth) return activate(at);
  }
  if (depth > 0) await activate(Math.max(0, firstVisible() - 1));
}

export const chooseRecord = (record: number) => void (state.pod !== null && choose(state.pod, record));
