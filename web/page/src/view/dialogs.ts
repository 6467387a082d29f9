// Help, share and compare: small, modal, closed by Escape or their button.
import { html, nothing } from 'lit-html';
import { copy, number, plural, t } from '../desk.ts';
import { discard } from '../app.ts';
import { keep, openShare } from '../dialog.ts';
import { closeDialog, openedFrom } from '../keys.ts';
import type { Word } from '../messages.ts';
import type { Comparison } from '../protocol.ts';
import { state } from '../state.ts';
import { run } from './changes.ts';
import { icon } from './icons.ts';

export function dialogs() {
  if (state.dialog === 'none') return nothing;
  const [title, body] = {
    help: [t('help'), help],
    share: [t('shareTitle'), share],
    diff: [t('diffTitle'), diff],
    discard: [t('discardTitle'), discarding],
  }[state.dialog] as [string, () => unknown];
  requestAnimationFrame(focusFirst);
  return html`<div class="veil" @click=${outside}>
    <div class=${`dialog ${state.dialog}`} role="dialog" aria-modal="true" aria-label=${title} @keydown=${trap}>
      <div class="title"><h2>${title}</h2><button class="small icon" aria-label=${t('close')} @click=${closeDialog}>${icon('close')}</button></div>
      ${body()}
    </div>
  </div>`;
}

function focusFirst() {
  const dialog = document.querySelector('.dialog');
  if (!dialog || dialog.contains(document.activeElement)) return;
  openedFrom(document.activeElement);
  dialog.querySelector<HTMLElement>('button, input')?.focus();
}

function outside(event: Event) {
  if (event.target === event.currentTarget) closeDialog();
}

/** Keeps the focus inside. */
function trap(event: KeyboardEvent) {
  if (event.key !== 'Tab') return;
  const all = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('button, input, [tabindex="0"]')];
  const at = all.indexOf(document.activeElement as HTMLElement);
  const next = event.shiftKey ? at - 1 : at + 1;
  if (next >= 0 && next < all.length) return;
  event.preventDefault();
  all.at(event.shiftKey ? -1 : 0)?.focus();
}

const keys: [string, Word][] = [
  ['/', 'key./'],
  ['F8', 'key.F8'],
  ['← ↑ ↓ →', 'key.arrows'],
  ['e', 'key.e'],
  ['g', 'key.g'],
  ['*', 'key.*'],
  ['?', 'key.?'],
  ['Esc', 'key.Esc'],
];

const help = () => html`
  <p>${t('helpText')}</p>
  <p>${t('helpSigns')}</p>
  <dl class="keys">${keys.map(([key, word]) => html`<div><dt><kbd>${key}</kbd></dt><dd>${t(word)}</dd></div>`)}</dl>
  <p class="private">${icon('lock')} ${t('emptyPrivate')}</p>
`;

const discarding = () => html`
  <p>${t('discardText')} <b>${number(state.summary?.edited ?? 0)}</b></p>
  <p class="buttons"><button class="button primary" @click=${() => discard(false)}>${t('discardNo')}</button><button class="button" @click=${() => discard(true)}>${t('discardYes')}</button></p>
`;

const share = () => html`
  <div class="switch" role="group" aria-label=${t('shareTitle')}>
    <button aria-pressed=${!state.shareAll} ?disabled=${state.pod === null} @click=${() => void openShare(false)}>${t('shareOne')}</button><button aria-pressed=${state.shareAll} @click=${() => void openShare(true)}>${t('shareAll')}</button>
  </div>
  ${state.shareRefused
    ? html`<p>${t(state.shareRefused)}</p>`
    : html`<p>${t('shareText')}</p>
        <input class="mono" readonly aria-label=${t('shareTitle')} .value=${state.shareUrl} @focus=${(event: Event) => (event.target as HTMLInputElement).select()} />
        <p class="buttons"><button class="button primary" ?disabled=${!state.shareUrl} @click=${() => void copy(state.shareUrl)}>${icon('copy')} ${t('copy')}</button>${shareNote()}</p>`}
`;

function shareNote() {
  const { shareNote: of, shareUrl } = state;
  if (!of) return nothing;
  return html`<span class="muted">${number(of.pods)} ${plural(of.pods, 'pods')}, ${number(shareUrl.length)} ${t('bytes')}${of.blanked > 0 ? html`, ${number(of.blanked)} ${t('shareBlanked')}` : nothing}${of.unread > 0 ? html`, ${number(of.unread)} ${t('shareUnread')}` : nothing}</span>`;
}

/** A record that came or went, or what changed of an endpoint, parameter by parameter. */
function difference(one: Comparison['changes'][number]) {
  const name = one.key ?? one.pod;
  if (one.what === 'gone') return html`<del>${name}</del>`;
  if (one.what === 'new') return html`<ins>${name}</ins>`;
  if (one.runs) return html`${name}<span class="param"><i>${t('diffRewritten')}</i></span><span class="param">${one.runs.map(run)}</span>`;
  return html`${name}${one.params?.map(parameter)}`;
}

type Parameter = NonNullable<Comparison['changes'][number]['params']>[number];

/** What has no value before or after came or went as a whole. */
function parameter({ name, before, after }: Parameter) {
  if (after === null) return html`<span class="param"><del>${name} = ${before}</del></span>`;
  if (before === null) return html`<span class="param"><ins>${name} = ${after}</ins></span>`;
  return html`<span class="param">${name} = <del>${before}</del> <ins>${after}</ins></span>`;
}

function diff() {
  const comparison = state.comparison;
  return html`
    ${state.kept ? nothing : html`<p>${t('diffText')}</p>`}
    <p class="buttons"><button class="button" ?disabled=${!state.summary} @click=${() => void keep()}>${t('diffKeep')}</button></p>
    ${state.kept && !comparison ? html`<p role="status">${t('diffNext')}</p>` : nothing}
    ${comparison
      ? html`<p class="muted">${comparison.total === 0 ? t('diffNone') : nothing} ${number(comparison.same)} ${t(comparison.same === 1 ? 'diffSameOne' : 'diffSame')}</p>
          <div class="changes scroll" tabindex="0" role="region" aria-label=${t('diffTitle')}>${comparison.changes.map((one) => html`<p class=${`change ${one.what} mono`}><small>${one.pod}</small>${difference(one)}</p>`)}</div>`
      : nothing}
  `;
}
