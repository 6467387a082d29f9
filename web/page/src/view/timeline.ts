// The last changes of a live registry, the newest first: when, which Pod, and what has come, gone or changed.
import { html, nothing } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { number, t } from '../desk.ts';
import { seek } from '../live.ts';
import { isWord } from '../messages.ts';
import type { Happened } from '../protocol.ts';
import { reveal } from '../selection.ts';
import { state } from '../state.ts';
import { explain } from '../texts.ts';
import { changes } from './changes.ts';

export function timelinePane() {
  const words = state.find.toLowerCase().split(/\s+/);
  const found = state.timeline.filter((one) => words.every((word) => textOf(one).includes(word)));
  if (found.length === 0) return html`<div class="hollow"><p>${t(state.timeline.length === 0 ? 'timelineNone' : 'nothingFound')}</p></div>`;
  return html`<ol class="timeline scroll" tabindex="0" aria-label=${t('timeline')}>${repeat(found, keyOf, item)}</ol>`;
}

/** What a search looks at. */
const textOf = (one: Happened) => [one.name, ...one.changes.flatMap(([, runs]) => runs.map(([, text]) => text))].join(' ').toLowerCase();

const keyOf = (one: Happened) => `${one.time} ${one.pod}`;

const clock = (time: number) => new Date(time).toLocaleTimeString(state.lang === 'zh' ? 'zh-CN' : 'en', { hour12: false });

const item = (one: Happened) => html`<li class=${`happened ${one.what}`}>
  <p class="title">
    <button class="plain" title=${t('timelineThen')} aria-label=${`${t('timelineThen')}: ${clock(one.time)}`} @click=${() => void seek(one.time)}><time>${clock(one.time)}</time></button>
    <span class=${`tag ${one.what}`}>${t(`happened.${one.what}`)}</span>
    <button class="plain mono" @click=${() => void reveal(one.pod, null)}>${one.name}</button>
  </p>
  ${one.facts.map(fact)} ${one.changes.length > 0 ? changes(one.changes) : nothing} ${one.more > 0 ? html`<p class="muted">+ ${number(one.more)}</p>` : nothing}
</li>`;

/** What else has changed of a Pod: readiness, label, what is reported of it. */
function fact([name, before, after]: [string, string, string]) {
  if (name === 'problem') return html`<p class="fact">${before ? html`<del>${explain(before)[0]}</del>` : html`<ins>${explain(after)[0]}</ins>`}</p>`;
  const said = (value: string) => (isWord(`${name}.${value}`) ? t(`${name}.${value}` as 'ready.yes') : value || t('none'));
  return html`<p class="fact">${name === 'label' ? html`<span class="mono">dubbo.io/label</span> ` : nothing}<s>${said(before)}</s> → <b>${said(after)}</b></p>`;
}
