// Changes of a Pod, as the model makes them, and what they come to when they are written back.
import { changed, copy, lang, model, show } from './desk.ts';
import { isWord } from './messages.ts';
import type { Output, Summary } from './protocol.ts';
import { firstVisible, rowsAt } from './rows.ts';
import { choose, problemWindow } from './selection.ts';
import { state } from './state.ts';

type Operation = { op: string } & Record<string, unknown>;

export async function edit(operation: Operation) {
  await settled();
  state.draft = null;
  await apply(operation);
}

async function apply(operation: Operation) {
  if (state.pod === null) return;
  const summary = await model.ask<Summary>({ do: 'edit', pod: state.pod, record: state.record, ...operation });
  if (summary.refused) {
    const word = `refusal.${summary.refused}`;
    state.refusedEdit = isWord(word) ? word : 'refusal.no-record';
    changed();
    return;
  }
  state.refusedEdit = null;
  if (state.summary?.live) summary.live = state.summary.live;
  state.summary = summary;
  state.editing = true;
  await Promise.all([rowsAt(firstVisible(), true), problemWindow()]);
  let record = state.record;
  if (operation.op === 'move') record = operation['to'] as number;
  await choose(state.pod, record);
  const count = state.detail?.records.length ?? 0;
  if (record !== null && record >= count) await choose(state.pod, count > 0 ? count - 1 : null);
}

let next: { field: string; operation: Operation } | null = null;
let running: Promise<void> | null = null;

/** Takes what is typed into a field, letter by letter: what is shown, copied and taken back is what stands there. */
export function type(field: string, value: string, operation: Operation) {
  state.draft = { field, value };
  next = { field, operation };
  running ??= run();
  changed();
}

async function run() {
  while (next) {
    const { field, operation } = next;
    next = null;
    await apply({ ...operation, field });
  }
  running = null;
  if (!state.refusedEdit) state.draft = null;
  changed();
}

/** Waits for what was typed. */
async function settled() {
  while (running) await running;
}

/** Steps there were when the field was entered. */
let stepsBefore = 0;

export function enterField() {
  stepsBefore = state.detail?.edited?.steps ?? 0;
}

/** Leaves a field: what could not be taken does not stay in it. */
export function leaveField() {
  void settled().then(() => {
    state.draft = null;
    state.refusedEdit = null;
    changed();
  });
}

/** Gives a field back what stood in it when it was entered; false if that is what stands there. */
export async function revertField(): Promise<boolean> {
  const draft = state.draft !== null;
  await settled();
  const typed = (state.detail?.edited?.steps ?? 0) > stepsBefore;
  state.draft = null;
  state.refusedEdit = null;
  if (typed) await apply({ op: 'undo' });
  changed();
  return draft || typed;
}

/** What stands in a field: what is being typed, or what the model has. */
export const valueOf = (field: string, value: string) => (state.draft?.field === field ? state.draft.value : value);

export async function setEditing(editing: boolean) {
  if (state.pod === null) return;
  await settled();
  state.editing = editing;
  state.refusedEdit = null;
  state.draft = null;
  state.output = editing ? await model.ask<Output>({ do: 'output', pod: state.pod, lang: lang() }) : null;
  if (editing) show('detail');
  changed();
  requestAnimationFrame(() => {
    // The weight first: it is what is changed most.
    const fields = ['.params input[data-name="weight"]', '.params input', '.record .field input'];
    if (editing) fields.map((one) => document.querySelector<HTMLElement>(one)).find((one) => one !== null)?.focus();
    else if (document.activeElement === document.body) document.querySelector<HTMLElement>('#edit')?.focus();
  });
}

/** The text of the tab that is shown. */
export function outputText(out: Output): string {
  const { outputTab: tab } = state;
  return tab === 'kubectl' ? (out.kubectl.line ?? '') : tab === 'json' ? out.json : tab === 'merge' ? out.merge : out.annotation;
}

export async function copyOutput() {
  await settled();
  if (state.output) await copy(outputText(state.output));
}
