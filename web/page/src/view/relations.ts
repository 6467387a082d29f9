// Whom a record would call or who would call it, with shares; and for each other pair the one reason.
import { html, nothing } from 'lit-html';
import { number, t } from '../desk.ts';
import { reveal } from '../selection.ts';
import type { Pair, Relations } from '../protocol.ts';
import { state } from '../state.ts';
import { why } from '../texts.ts';
import { icon } from './icons.ts';

export function relations(of: Relations | null) {
  if (!of || of.calling + of.never === 0) return nothing;
  const [calling, never] = [of.pairs.filter((pair) => !pair.why), of.pairs.filter((pair) => pair.why)];
  calling.sort((one, other) => (other.share ?? 0) - (one.share ?? 0));
  return html`<div class="relations">
    <h3>${t(of.calls ? 'wouldCall' : 'calledBy')} <small class="muted">${number(of.calling)}</small></h3>
    ${of.calling === 0 ? html`<p class="muted">${t(of.calls ? 'callsNone' : 'calledByNone')}</p>` : nothing}
    ${list(t(of.calls ? 'wouldCall' : 'calledBy'), calling)}
    ${more(of.calling, calling.length)}
    ${of.never > 0
      ? html`<h4>${t(of.calls ? 'neverCalls' : 'neverCalledBy')} <small class="muted">${number(of.never)}</small></h4>
          ${list(t(of.calls ? 'neverCalls' : 'neverCalledBy'), never)}
          ${more(of.never, never.length)}`
      : nothing}
  </div>`;
}

/** With this many pairs a list is scrolled, so that what stands below it is not far. */
const MANY = 5;

const list = (name: string, pairs: Pair[]) => (pairs.length > MANY ? html`<ul class="many" tabindex="0" aria-label=${name}>${pairs.map(row)}</ul>` : html`<ul>${pairs.map(row)}</ul>`);

const more = (all: number, shown: number) => (all > shown ? html`<p class="muted">+ ${number(all - shown)}</p>` : nothing);

const percent = (share: number) => `${(share / 100).toLocaleString(state.lang === 'zh' ? 'zh-CN' : 'en', { maximumFractionDigits: share < 1000 ? 1 : 0 })} %`;

const row = (pair: Pair) => html`<li class=${pair.why ? 'never' : 'calls'}>
  <button class="plain" @click=${() => void reveal(pair.pod, pair.record)}><span class="mono">${pair.address}</span> <span class="muted">${pair.in}</span></button>
  ${pair.why ? reason(pair.why) : html`<span class="portion"><meter min="0" max="10000" .value=${pair.share ?? 0} aria-label=${t('share.calls')}></meter><b>${percent(pair.share ?? 0)}</b></span>`}
</li>`;

/** The reason, and what is asked for beside what is there. */
const reason = ([code, asked, found]: [string, string, string]) => html`<span class="why"><b>${why(code)}</b>${asked || found ? html`<span class="values mono"><span>${asked || t('none')}</span>${icon('differs')}<span>${found || t('none')}</span></span>` : nothing}</span>`;
