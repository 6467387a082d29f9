// The page as a whole: bar, three panes (tabs where it is narrow), problems, dialogs.
import { html, nothing } from 'lit-html';
import { guard } from 'lit-html/directives/guard.js';
import { cancel, clear, load, relabel } from '../app.ts';
import { showMode } from '../graph.ts';
import { changed, number, plural, show, t } from '../desk.ts';
import { openDiff, openShare } from '../dialog.ts';
import { clearFilters, find, look, openFilters } from '../rows.ts';
import { remember as rememberPlace } from '../address.ts';
import { focusFind } from '../keys.ts';
import { goLive, seek } from '../live.ts';
import { signIn } from '../signed.ts';
import { ARTICLE, troubled } from '../samples.ts';
import { state, type Mode, type Pane } from '../state.ts';
import { icon } from './icons.ts';
import { detailPane } from './detail.ts';
import { dialogs } from './dialogs.ts';
import { firstVisit } from './first.ts';
import { filters } from './filters.ts';
import { graphPane } from './graph.ts';
import { problemsBar } from './problems.ts';
import { sourcePane } from './source.ts';
import { timelinePane } from './timeline.ts';
import { tree } from './tree.ts';

export const page = () => html`
  ${bar()}
  <main class=${`panes${state.summary?.live ? ' streamed' : ''}${state.mode === 'graph' && state.summary ? ' graphed' : ''}${isFirstVisit() ? ' blank' : ''}`} data-pane=${state.pane}>
    ${tabs()}
    <section class="pane pane-source" id="pane-source" aria-label=${t('source')}>${sourcePane()}</section>
    <section class="pane pane-services" id="pane-services" aria-label=${t('services')}>${servicesPane()}</section>
    <section class="pane pane-detail" id="pane-detail" aria-label=${t('detail')}>${guard([state.detail, state.record, state.editing, state.output, state.outputTab, state.places, state.placesFrom, state.refusedEdit, state.draft, state.recordGone, state.lang, state.live, state.pod], detailPane)}</section>
  </main>
  ${guard([state.summary, state.problems, state.problemFrom, state.problemTotal, state.problemAt, state.problemsOpen, state.lang], problemsBar)} ${dialogs()}
  ${state.dragging ? html`<div class="drop"><div>${icon('open')}<p>${t('dropHere')}</p></div></div>` : nothing}
  <div class="toast" role="status" aria-live="polite">${state.toast ? html`<span>${state.toast}</span>` : nothing}</div>
`;

function skip(event: Event) {
  event.preventDefault();
  show('services');
  requestAnimationFrame(() => document.querySelector<HTMLElement>('#tree')?.focus());
}

const bar = () => html`
  <header class="bar">
    <a class="skip" href="#pane-services" @click=${skip}>${t('skip')}</a>
    <div class="brand">
      <svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" /><path d="M16 5.5 25 10.6v10.8L16 26.5 7 21.4V10.6z" /><path class="lid" d="M7.5 11 16 16l8.5-5M16 16v10" /></svg>
      <h1><b>Dubbo</b> <span>${t('title')}</span></h1>
      ${livePill()}
    </div>
    <nav class="actions" aria-label=${t('title')}>
      <button class="action" @click=${pick}>${icon('open')}<span>${t('open')}</span></button>
      <button class="action" @click=${() => sample('troubled')}>${icon('sample')}<span>${t('sample')}</span></button>
      <button class="action" @click=${focusFind} aria-keyshortcuts="/">${icon('find')}<span>${t('find')}</span></button>
      <button class="action" @click=${openDiff}>${icon('diff')}<span>${t('diff')}</span></button>
      <button class="action" @click=${() => void openShare()}>${icon('share')}<span>${t('share')}</span></button>
      <span class="rule"></span>
      <button class="action text" lang=${state.lang === 'zh' ? 'en' : 'zh-CN'} aria-label=${t('languageLabel')} @click=${switchLanguage}><span class="always">${t('language')}</span></button>
      <button class="action icon" aria-label=${t('themeLabel')} @click=${switchTheme}>${icon(state.theme === 'dark' ? 'sun' : 'moon')}</button>
      <button class="action icon" aria-label=${t('help')} aria-keyshortcuts="?" @click=${() => dialog('help')}>${icon('help')}</button>
    </nav>
    <input id="file" type="file" hidden @change=${picked} />
  </header>
`;

function dialog(which: 'help') {
  state.dialog = which;
  changed();
}

function pick() {
  document.querySelector<HTMLInputElement>('#file')?.click();
}

function picked(event: Event) {
  const input = event.target as HTMLInputElement;
  const file = input.files?.[0];
  input.value = '';
  if (file) void load({ file });
}

function sample(which: 'article' | 'troubled', mode?: Mode) {
  if (mode) showMode(mode);
  void load({ text: which === 'article' ? ARTICLE : troubled() });
}

function remember(name: string, value: string) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // storage may be forbidden
  }
}

function switchLanguage() {
  state.lang = state.lang === 'zh' ? 'en' : 'zh';
  state.langChosen = true;
  remember('lang', state.lang);
  rememberPlace(true);
  state.toast = '';
  void relabel();
}

function switchTheme() {
  state.theme = state.theme === 'dark' ? 'light' : 'dark';
  remember('theme', state.theme);
  changed();
}

const tabs = () => html`
  <div class="tabs" role="tablist">
    ${((state.live === 'off' ? ['source', 'services', 'detail'] : ['services', 'detail']) as Pane[]).map(
      (pane) => html`<button role="tab" aria-selected=${state.pane === pane} aria-controls=${`pane-${pane}`} @click=${() => show(pane)}>${t(pane)}</button>`,
    )}
  </div>
`;

function livePill() {
  if (state.live === 'off') return state.liveAddress ? html`<button class="small" @click=${goLive}>${icon('play')}<span>${t('goLive')}</span></button>` : nothing;
  const name = state.paused ? 'paused' : state.live;
  const span = state.summary?.live;
  return html`<span class="live live-${name}" role="status" title=${state.liveWhy ?? nothing}><i></i>${t(`live.${name}`)}</span>
    ${span
      ? html`<span class="past">
          <button class="small" @click=${() => void seek(state.paused ? null : Date.now())}>${icon(state.paused ? 'play' : 'pause')}<span>${state.paused ? t('resume') : t('pause')}</span></button>
          <input type="range" aria-label=${t('past')} min=${span.from} max=${end(span)} step=${STEP} .value=${String(state.past ?? end(span))} @input=${slid} />
          <time>${state.past === null ? t('now') : new Date(state.past).toLocaleTimeString(state.lang === 'zh' ? 'zh-CN' : 'en', { hour12: false })}</time>
        </span>`
      : nothing}`;
}

/** Milliseconds from one place of the slider to the next. */
const STEP = 1000;

/** The last place of the slider, which is now: a whole number of steps from the first. */
const end = ({ from, to }: { from: number; to: number }) => from + Math.ceil((to - from) / STEP) * STEP;

function slid(event: Event) {
  const input = event.target as HTMLInputElement;
  void seek(input.value === input.max ? null : Number(input.value));
}

/** Whether there is nothing yet, and nothing on its way. */
const isFirstVisit = () => state.live === 'off' && state.busy === 'no' && !state.refusal && (!state.summary || state.summary.state === 'empty');

function servicesPane() {
  const summary = state.summary;
  if (state.busy !== 'no') return busy();
  if (state.refusal) return refused();
  if (state.signIn) return tokenForm();
  if (isFirstVisit()) return firstVisit(sample, pick);
  if (!summary || summary.state === 'empty') return html`<div class="hollow" role="status"><div class="spinner" aria-hidden="true"></div><p>${t(state.live === 'lost' ? 'why.lost' : summary && state.live === 'connected' ? 'nothingHere' : 'why.connecting')}</p></div>`;
  const looking = state.find !== '' || state.filters.length > 0;
  const { mode } = state;
  const rows = mode === 'tree';
  const switches = (['service', 'pod'] as const).map(
    (by) => html`<button aria-pressed=${rows && summary.by === by} @click=${() => lookBy(by)}>${by === 'service' ? t('byService') : t('byPod')}</button>`,
  );
  return html`
    <div class="head">
      <div class="switch" role="group" aria-label=${t('services')}>${switches}<button aria-pressed=${mode === 'graph'} aria-keyshortcuts="g" @click=${() => showMode('graph', true)}>${t('graph')}</button>${summary.live ? html`<button aria-pressed=${mode === 'changes'} @click=${() => showMode('changes', true)}>${t('changes')}</button>` : nothing}</div>
      <label class="search">
        ${icon('find')}
        <input id="find" type="search" autocomplete="off" spellcheck="false" placeholder=${t('findHint')} aria-label=${t('find')} .value=${state.find} @input=${(event: Event) => find((event.target as HTMLInputElement).value)} @keydown=${findKey} />
      </label>
      ${!rows ? nothing : html`<button class="small icon" aria-label=${t('expand')} title=${t('expand')} @click=${() => void all(true)}>${icon('expand')}</button>
      <button class="small icon" aria-label=${t('collapse')} title=${t('collapse')} @click=${() => void all(false)}>${icon('collapse')}</button>`}
      <button class="small icon filter" aria-label=${t('filters')} title=${t('filters')} aria-pressed=${state.filtersOpen || state.filters.length > 0} aria-expanded=${state.filtersOpen} @click=${() => void openFilters()}>${icon('filter')}</button>
    </div>
    ${filters()} ${stale()}
    <p class="counts">
      <span><b>${number(summary.pods)}</b> ${plural(summary.pods, 'pods')}</span><span><b>${number(summary.services)}</b> ${plural(summary.services, 'servicesCount')}</span><span><b>${number(summary.records)}</b> ${plural(summary.records, 'records')}</span>
      ${summary.edited ? html`<span class="edited"><b>${number(summary.edited)}</b> ${t('edited')}</span>` : nothing}
    </p>
    ${mode === 'graph' ? graphPane() : mode === 'changes' ? timelinePane() : html`${state.total === 0 ? html`<div class="hollow"><p>${looking ? t('nothingFound') : t('nothingHere')}</p>${looking ? html`<button class="button" @click=${clearFilters}>${t('showAll')}</button>` : nothing}</div>` : nothing} ${tree()}`}
  `;
}

/** Asks for a token, which is sent with every request from then on. */
const tokenForm = () => html`
  <form class="hollow" @submit=${takeToken}>
    <p>${t('tokenHint')}</p>
    <input name="token" type="password" autocomplete="off" spellcheck="false" required aria-label=${t('token')} placeholder=${t('token')} />
    <button class="button">${t('signIn')}</button>
  </form>
`;

function takeToken(event: SubmitEvent) {
  event.preventDefault();
  const form = event.target as HTMLFormElement;
  signIn(String(new FormData(form).get('token')));
  form.reset();
  goLive();
}

/** Says why what is shown may not be what is. */
function stale() {
  if (state.live !== 'lagging' && state.live !== 'lost') return nothing;
  const word = state.live === 'lost' ? 'why.lost' : state.liveWhy === null ? 'why.behind' : 'why.lagging';
  return html`<p class="stale" role="status">${icon('warning')}<span>${t(word)}${state.liveWhy ? html` <span class="mono">${state.liveWhy}</span>` : nothing}</span></p>`;
}

function lookBy(by: 'service' | 'pod') {
  showMode('tree');
  void look({ by }).then(() => rememberPlace(true));
}

const all = (open: boolean) => look({ all: open });

function findKey(event: KeyboardEvent) {
  if (event.key !== 'ArrowDown' && event.key !== 'Enter') return;
  event.preventDefault();
  document.querySelector<HTMLElement>(state.mode === 'graph' ? '#graph' : '#tree')?.focus();
}

const busy = () => html`
  <div class="hollow" role="status" aria-live="polite">
    <div class="spinner" aria-hidden="true"></div>
    <p>${state.busy === 'reading' ? t('reading') : t('decoding')}${state.fileName ? html` <b>${state.fileName}</b>` : nothing}</p>
    <progress aria-label=${t(state.busy === 'reading' ? 'reading' : 'decoding')} max="1" value=${state.busy === 'reading' ? state.progress : nothing}></progress>
    <button class="button" @click=${cancel}>${t('cancel')} <kbd>Esc</kbd></button>
  </div>
`;

function refused() {
  const refusal = state.refusal!;
  return html`<div class="hollow refused" role="alert">
    ${icon('refused')}
    <h2>${t('refusedTitle')}</h2>
    <p>${t(refusal.word)}${refusal.bytes && refusal.limit && refusal.word === 'tooLarge' ? html`: <b>${number(refusal.bytes)}</b> ${t('of')} ${number(refusal.limit)} ${t('bytes')}` : nothing}${refusal.offset != null ? html` (${number(refusal.offset)})` : nothing}</p>
    ${refusal.text ? html`<pre>${refusal.text}</pre>` : nothing}
    <button class="button" @click=${clear}>${t('clear')}</button>
  </div>`;
}
