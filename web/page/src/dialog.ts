// What the dialogs show: a link to the Pod, and what differs from a text that was kept.
import { fragment } from './address.ts';
import { changed, model } from './desk.ts';
import type { Comparison } from './protocol.ts';
import { pack } from './share.ts';
import { state } from './state.ts';

/** A link to all Pods or to the one that is selected, with what is selected and looked for. */
export async function openShare(all = state.pod === null) {
  Object.assign(state, { dialog: 'share', shareAll: all, shareUrl: '', shareRefused: null, shareNote: null });
  changed();
  const request = all ? { do: 'share' } : { do: 'share', pod: state.pod };
  const answer = await model.ask<{ text?: string; pods: number; blanked: number; unread: number; refused?: string }>(request);
  if (answer.text === undefined) state.shareRefused = answer.refused === 'too-large' ? 'shareTooLarge' : 'shareRefused';
  else {
    state.shareUrl = `${location.href.split(/[?#]/)[0]}#${fragment({ p: await pack(answer.text), lang: state.lang })}`;
    state.shareNote = answer;
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
