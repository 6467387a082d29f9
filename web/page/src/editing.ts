// Changes of a Pod, as the model makes them, and what they come to when they are written back.
import { changed, lang, model, show } from './desk.ts';
import { isWord } from './messages.ts';
import type { Output, Summary } from './protocol.ts';
import { firstVisible, rowsAt } from './rows.ts';
import { choose, problemWindow } from './selection.ts';
import { state } from './state.ts';

export async function edit(operation: { op: string } & Record<string, unknown>) {
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

export async function setEditing(editing: boolean) {
  if (state.pod === null) return;
  state.editing = editing;
  state.refusedEdit = null;
  state.output = editing ? await model.ask<Output>({ do: 'output', pod: state.pod, lang: lang() }) : null;
  if (editing) show('detail');
  changed();
}
