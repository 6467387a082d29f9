// What the dialogs show: a link to the Pod, and what differs from a text that was kept.
import { changed, model } from './desk.ts';
import type { Comparison } from './protocol.ts';
import { packed } from './share.ts';
import { state } from './state.ts';

export async function openShare() {
  state.dialog = 'share';
  state.shareUrl = '';
  state.shareRefused = state.pod === null ? 'shareSelect' : null;
  changed();
  if (state.pod === null) return;
  const answer = await model.ask<{ text?: string; blanked?: number; refused?: string }>({ do: 'share', pod: state.pod });
  if (answer.text === undefined) state.shareRefused = 'shareRefused';
  else {
    state.shareUrl = `${location.href.split(/[?#]/)[0]}#${await packed(answer.text)}`;
    state.shareBlanked = answer.blanked ?? 0;
  }
  changed();
}

export async function openDiff() {
  state.dialog = 'diff';
  if (state.kept && state.summary) state.comparison = await model.ask<Comparison>({ do: 'compare' });
  changed();
}

export async function keep() {
  await model.ask({ do: 'keep' });
  state.kept = true;
  state.comparison = null;
  changed();
}
