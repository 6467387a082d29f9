// The last changes of a live registry: asked of the model while they are looked at, as often as one can follow.
import { changed, model } from './desk.ts';
import type { Happened } from './protocol.ts';
import { state } from './state.ts';

/** As many as are listed, and how often they are asked for at most. */
const LISTED = 100;
const AGAIN_MS = 500;

let timer = 0;

export async function showTimeline() {
  state.timeline = await model.ask<Happened[]>({ do: 'timeline', count: LISTED });
  changed();
}

/** Has them asked for again after a change. */
export function refreshTimeline() {
  if (state.mode !== 'changes' || timer) return;
  timer = window.setTimeout(() => {
    timer = 0;
    if (state.mode === 'changes' && state.summary?.live) void showTimeline();
  }, AGAIN_MS);
}
