// Differences as the model has them: what is gone is struck out, what is new stands out.
import { html } from 'lit-html';
import type { Change, Run } from '../protocol.ts';

export const changes = (list: Change[]) => html`<div class="changes">${list.map(([what, runs]) => html`<p class=${`change ${what} mono`}>${runs.map(run)}</p>`)}</div>`;

export const run = ([sign, text]: Run) => (sign === '=' ? html`<span>${text}</span>` : sign === '-' ? html`<del>${text}</del>` : html`<ins>${text}</ins>`);
