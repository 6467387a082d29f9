// What every part of the page uses: the model, the drawing, words and short messages. It knows no other part.
import { say, type Word } from './messages.ts';
import { Model } from './model.ts';
import { state, type Pane } from './state.ts';

export const model = new Model();

let draw = () => {};
let queued = false;

/** Draws once for all that changed in this turn. */
export function changed() {
  if (queued) return;
  queued = true;
  queueMicrotask(drawNow);
}

/** Draws at once, for what has to measure what was drawn. */
export function drawNow() {
  queued = false;
  draw();
}

export function onDraw(handler: () => void) {
  draw = handler;
}

export const t = (word: Word) => say(state.lang, word);
export const lang = () => state.lang;

export const number = (n: number) => n.toLocaleString(state.lang === 'zh' ? 'zh-CN' : 'en');

/** The word for that many; all of these English ones end in the same letter. */
export const plural = (n: number, word: Word) => (n === 1 && state.lang === 'en' ? t(word).replace(/s$/, '') : t(word));

let toastTimer = 0;
export function toast(word: Word) {
  state.toast = t(word);
  clearTimeout(toastTimer);
  toastTimer = window.setTimeout(() => {
    state.toast = '';
    changed();
  }, 2500);
  changed();
}

export function show(pane: Pane) {
  state.pane = pane;
  changed();
}

export async function copy(text: string) {
  toast((await copied(text)) ? 'copied' : 'copyFailed');
}

/** Copies a text; pages that came over plain http have no clipboard of their own, and copy what is selected. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement('textarea');
    const focused = document.activeElement;
    field.value = text;
    field.className = 'hide';
    document.body.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    if (focused instanceof HTMLElement) focused.focus();
    return done;
  }
}

export function download(name: string, text: string, type = 'application/json') {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
