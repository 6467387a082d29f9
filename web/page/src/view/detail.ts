// Everything about one Pod and one record of it: verdict, problems, repairs, URL, layers, editing.
import { html, nothing } from 'lit-html';
import { live } from 'lit-html/directives/live.js';
import { changed, copy, download, number, t } from '../desk.ts';
import { copyOutput, edit, enterField, leaveField, outputText, setEditing, type, valueOf } from '../editing.ts';
import { select } from '../selection.ts';
import { chooseRecord } from '../keys.ts';
import { isWord, type Word } from '../messages.ts';
import type { Detail, LayerData, Output, Param, RecordData } from '../protocol.ts';
import { state, type OutputTab } from '../state.ts';
import { grpcurl } from '../take.ts';
import { about, explain } from '../texts.ts';
import { changes } from './changes.ts';
import { icon } from './icons.ts';
import { relations } from './relations.ts';

export function detailPane() {
  const detail = state.detail;
  if (!detail) return html`<div class="head"><h2>${t('detail')}</h2></div><div class="hollow"><p>${t('nothingSelected')}</p></div>`;
  return html`
    <div class="head">
      <h2 class="pod-name" title=${`${detail.namespace}/${detail.name}`}>${detail.bare ? t(`text.${state.summary?.name ?? 'annotation'}`) : html`<span class="muted">${detail.namespace}${detail.namespace ? '/' : ''}</span>${detail.name}`}</h2>
      ${detail.state && isWord(detail.state) ? html`<span class=${`tag ${detail.state}`}>${t(detail.state)}</span>` : nothing}
      <span class="grow"></span>
      ${state.summary?.live
        ? nothing
        : html`<button class="small" id="edit" aria-pressed=${state.editing} aria-keyshortcuts="e" @click=${() => void setEditing(!state.editing)}>${icon('edit')}<span>${state.editing ? t('stopEdit') : t('edit')}</span></button>`}
    </div>
    <div class="scroll" tabindex="0" aria-label=${t('detail')}>
      ${verdict(detail)} ${problems(detail)} ${detail.reported ? html`<p class="muted hint">${t('reported')}</p>` : nothing} ${repairs(detail)} ${record(detail)} ${state.editing ? editor(detail) : nothing} ${layers(detail)} ${records(detail)}
    </div>
  `;
}

function verdict(detail: Detail) {
  const { verdict, meter } = detail;
  const share = Math.min(1, meter.bytes / meter.limit);
  const level = meter.bytes > meter.limit ? 'error' : share > 0.9 ? 'warning' : 'good';
  const good = verdict.code === 'read';
  // A live registry sends no other annotation, and beside a bare one there is none.
  const measured = t(detail.bare || state.summary?.live ? 'meterOne' : 'meter');
  return html`
    <div class=${`card verdict ${verdict.code}`}>
      <p>${icon(good ? 'good' : verdict.code === 'refused' ? 'refused' : 'warning')}<span><b>${t(`verdict.${verdict.code}` as Word)}</b>${verdict.versions.length > 0 ? html` <span class="muted">${t('versionsAre')} dubbo-go ${verdict.versions.join(', ')}</span>` : nothing}</span></p>
      ${detail.same === null ? nothing : html`<p class=${`badge ${detail.same ? 'good' : 'warning'}`}>${icon(detail.same ? 'good' : 'warning')}<span>${detail.same ? t('same') : t('notSame')}</span></p>`}
      ${detail.reported
        ? nothing
        : html`<div class="meter">
            <span>${measured}</span><span class="mono">${number(meter.bytes)} / ${number(meter.limit)} ${t('bytes')}</span>
            <meter class=${level} aria-label=${measured} min="0" max="1" .value=${share}></meter>
          </div>`}
    </div>
  `;
}

function problems(detail: Detail) {
  // Of a Pod as a whole all are shown; of one of its records only what is about that.
  const mine = detail.problems.filter((one) => state.record === null || one.record === null || one.record === undefined || one.record === state.record);
  if (mine.length === 0) return nothing;
  return html`<ul class="findings">
    ${mine.map(
      (one) => html`<li class=${one.severity}>
        <span class=${`mark ${one.severity}`} role="img" aria-label=${t(one.severity)}>${icon(one.severity)}</span>
        <div><b>${explain(one.code)[0]}</b>${one.about.length > 0 ? html` <span class="mono">${one.about.map(about).join(', ')}</span>` : nothing}<p>${explain(one.code)[1]}</p></div>
        ${one.places ? html`<button class="small" @click=${() => point(one.places!)}>${one.offset}</button>` : nothing}
      </li>`,
    )}
  </ul>`;
}

function point(places: NonNullable<Detail['problems'][0]['places']>) {
  state.places = places;
  state.placesFrom = 'problem';
  changed();
}

function repairs(detail: Detail) {
  const steps = detail.repairs ?? [];
  if (steps.length === 0 || state.summary?.live) return nothing;
  return html`<div class="card">
    <div class="title"><h3>${t('repairs')}</h3><button class="button primary" @click=${() => void edit({ op: 'repair' })}>${t('repairAll')}</button></div>
    <ol class="steps">
      ${steps.map((step) => html`<li><b>${step.title}</b>${changes(step.changes)}</li>`)}
    </ol>
  </div>`;
}

function record(detail: Detail) {
  const of = detail.record;
  if (!of) return nothing;
  const parts = of.parts ?? [];
  return html`<div class=${`record${state.recordGone ? ' gone' : ''}`}>
    ${state.recordGone ? html`<p class="refusal" role="status">${icon('warning')} ${t('recordGone')}</p>` : nothing}
    ${of.url
      ? html`<h3>${of.service}</h3><p class="takes">${take(of)}</p>
          <p class="parts">
            ${parts.map((part) => html`<button class=${`part ${part.name}${lit(part.at) ? ' lit' : ''}`} @click=${() => void select('url', ...part.at)}><small>${isWord(part.name) ? t(part.name as Word) : part.name}</small><span class="mono">${part.text}</span></button>`)}
          </p>
          ${state.editing ? nothing : relations(detail.relations)} ${parameters(of)}`
      : state.editing ? nothing : html`<p class="mono key-only">${of.key}</p>`}
    ${state.editing ? whole(of) : nothing}
    ${state.refusedEdit ? html`<p class="refusal" role="alert">${icon('error')} ${t(state.refusedEdit)}</p>` : nothing}
  </div>`;
}

/** What can be copied of an endpoint. */
function take(of: RecordData) {
  const call = of.category === 'providers' ? grpcurl(of) : null;
  return html`<button class="small" @click=${() => void copy(of.url ?? '')}>${icon('copy')}<span>URL</span></button><button class="small" @click=${() => void copy(of.text ?? '')}>${icon('copy')}<span>${t('host')}</span></button>${call ? html`<button class="small" @click=${() => void copy(call)}>${icon('copy')}<span>grpcurl</span></button>` : nothing}`;
}

/** The record in one piece: its URL if it has one, else key and value as they are. */
function whole(of: RecordData) {
  const field = (word: Word, text: string, of: (value: string) => { op: string } & Record<string, unknown>) =>
    html`<label class="field"><small>${t(word)}</small><input class="mono" spellcheck="false" .value=${live(valueOf(word, text))} @focus=${enterField} @blur=${leaveField} @input=${(event: Event) => type(word, written(event), of(written(event)))} /></label>`;
  const { key = '', value = '' } = of;
  if (of.url !== undefined) return field('url', of.url, (url) => ({ op: 'url', url }));
  return html`${field('key', key, (key) => ({ op: 'record', key, value }))}${field('value', value, (value) => ({ op: 'record', key, value }))}`;
}

const written = (event: Event) => (event.target as HTMLInputElement).value;

const lit = (at: [number, number]) => {
  const url = state.placesFrom === 'url' || state.placesFrom === 'source' || state.placesFrom === 'base64' || state.placesFrom === 'json' || state.placesFrom === 'key' ? state.places?.url : undefined;
  const [start, end] = url ?? [];
  return start !== undefined && end !== undefined && start < at[1] && at[0] < end;
};

function parameters(of: RecordData) {
  const params = of.params ?? [];
  return html`<table class="params" aria-label=${t('parameters')}>
      <thead><tr><th scope="col">${t('name')}</th><th scope="col">${t('value')}</th>${state.editing ? html`<th scope="col"><span class="hide">${t('removeParameter')}</span></th>` : nothing}</tr></thead>
      <tbody>${params.map((param) => (state.editing ? editable(param) : readable(param)))}${state.editing && of.category === 'providers' && !params.some((one) => one.name === 'weight') ? editable({ name: 'weight', value: '', twice: false, at: [0, 0] }, '100') : nothing}</tbody>
    </table>
    ${state.editing
      ? html`<form class="inline" @submit=${addParameter}>
          <input name="name" required aria-label=${`${t('addParameter')}: ${t('name')}`} placeholder=${t('name')} /><input name="value" aria-label=${`${t('addParameter')}: ${t('value')}`} placeholder=${t('value')} />
          <button class="small">${icon('plus')}<span>${t('addParameter')}</span></button>
        </form>`
      : nothing}`;
}

const readable = (param: Param) => html`<tr class=${lit(param.at) ? 'lit' : ''} @click=${() => void select('url', ...param.at)}>
  <th scope="row" class="mono"><button class="plain" @click=${(event: Event) => { event.stopPropagation(); void select('url', ...param.at); }}>${param.name}</button></th>
  <td class="mono">${param.value}${param.twice ? html` <span class="tag warning">${t('twice')}</span>` : nothing}</td>
</tr>`;

const editable = (param: Param, fallback = '') => html`<tr>
  <th scope="row" class="mono">${param.name}</th>
  <td><input class="mono" aria-label=${param.name} data-name=${param.name} placeholder=${fallback} .value=${live(valueOf(`=${param.name}`, param.value))} @focus=${enterField} @blur=${leaveField} @input=${(event: Event) => type(`=${param.name}`, written(event), { op: fallback && !written(event) ? 'without' : 'parameter', name: param.name, value: written(event) })} /></td>
  <td><button ?hidden=${fallback !== ''} class="small icon" aria-label=${`${t('removeParameter')}: ${param.name}`} @click=${() => void edit({ op: 'without', name: param.name })}>${icon('close')}</button></td>
</tr>`;

function addParameter(event: SubmitEvent) {
  event.preventDefault();
  const form = event.currentTarget as HTMLFormElement;
  const data = new FormData(form);
  void edit({ op: 'parameter', name: String(data.get('name')), value: String(data.get('value')) }).then(() => form.reset());
}

function layers(detail: Detail) {
  const all = (detail.layers ?? []).filter((layer) => layer.text !== '');
  if (all.length === 0) return nothing;
  return html`<div class="layers">
    <h3>${t('layers')} <small class="muted">${t('layersHint')}</small></h3>
    ${all.map(layer)}
  </div>`;
}

const layer = (one: LayerData) => html`<div class=${`layer ${one.id}`}>
  <h4>${t(`layer.${one.id}`)}${one.before + one.after > 0 ? html`<small class="muted">${number(one.before + 1)}–${number(one.before + one.text.length)} ${t('of')} ${number(one.before + one.text.length + one.after)}</small>` : nothing}</h4>
  <pre class="code" data-layer=${one.id} tabindex="0" role="region" aria-label=${t(`layer.${one.id}`)} .textContent=${one.text}></pre>
</div>`;

function records(detail: Detail) {
  if (detail.records.length < 2 && !state.editing) return nothing;
  const last = detail.records.length - 1;
  return html`<div class="records">
    <h3>${t('recordsOfPod')} <small class="muted">${number(detail.records.length)}</small></h3>
    <ol>
      ${detail.records.map(
        (one) => html`<li class=${one.record === state.record ? 'chosen' : ''}>
          <button class="plain" aria-current=${one.record === state.record ? 'true' : nothing} @click=${() => chooseRecord(one.record)}>
            <span class=${`dot ${one.category}`}></span><span class="mono">${one.interface ? html`<b>${one.interface.slice(one.interface.lastIndexOf('.') + 1)}</b> ${one.protocol}://${one.text}` : one.text}</span>
          </button>
          ${state.editing && one.record === state.record
            ? html`<span class="moves">
                <button class="small icon" aria-label=${t('moveUp')} ?disabled=${one.record === 0} @click=${() => void edit({ op: 'move', to: one.record - 1 })}>${icon('up')}</button>
                <button class="small icon" aria-label=${t('moveDown')} ?disabled=${one.record === last} @click=${() => void edit({ op: 'move', to: one.record + 1 })}>${icon('down')}</button>
                <button class="small icon" aria-label=${t('removeRecord')} @click=${() => void edit({ op: 'remove' })}>${icon('close')}</button>
              </span>`
            : nothing}
        </li>`,
      )}
    </ol>
    ${state.editing
      ? html`<form class="inline add" @submit=${addRecord}>
          <input name="interface" required placeholder=${t('interface')} aria-label=${`${t('addRecord')}: ${t('interface')}`} />
          <select name="category" aria-label=${`${t('addRecord')}: ${t('category')}`}>${(['providers', 'consumers', 'routers', 'configurators'] as const).map((one) => html`<option value=${one}>${t(one)}</option>`)}</select>
          <input name="url" required placeholder="dubbo://10.0.0.1:20880/a.B" aria-label=${`${t('addRecord')}: ${t('url')}`} />
          <button class="small">${icon('plus')}<span>${t('addRecord')}</span></button>
          <button class="small" type="button" @click=${() => void edit({ op: 'deduplicate' })}>${t('deduplicate')}</button>
        </form>`
      : nothing}
  </div>`;
}

function addRecord(event: SubmitEvent) {
  event.preventDefault();
  const form = event.currentTarget as HTMLFormElement;
  const data = new FormData(form);
  void edit({ op: 'add', record: state.detail?.records.length ?? 0, interface: String(data.get('interface')), category: String(data.get('category')), url: String(data.get('url')) }).then(() => form.reset());
}

function editor(detail: Detail) {
  return html`<div class="card editor">
    <div class="title">
      <h3>${t('writeBack')}</h3>
      <button class="small" ?disabled=${!detail.edited?.steps} @click=${() => void edit({ op: 'undo' })}>${icon('undo')}<span>${t('undo')}</span></button>
      <button class="small" ?disabled=${!detail.edited?.undone} @click=${() => void edit({ op: 'redo' })}>${icon('redo')}<span>${t('redo')}</span></button>
      <button class="small" ?disabled=${!detail.edited?.steps} @click=${() => void edit({ op: 'reset' })}>${t('reset')}</button>
    </div>
    ${detail.edited && detail.edited.changes.length > 0 ? html`<h4>${t('beforeAfter')}</h4>${changes(detail.edited.changes)}` : nothing} ${state.output ? output(state.output) : nothing}
  </div>`;
}

function output(out: Output) {
  const tabs: OutputTab[] = ['kubectl', 'json', 'merge', 'annotation'];
  const tab = state.outputTab;
  const refused = tab === 'kubectl' ? out.kubectl.refused : undefined;
  const file = tab === 'kubectl' ? out.kubectl.file : null;
  const text = outputText(out);
  return html`
    <div class="switch" role="group" aria-label=${t('writeBack')}>${tabs.map((one) => html`<button aria-pressed=${one === tab} @click=${() => choose(one)}>${t(`out.${one}`)}</button>`)}</div>
    ${refused !== undefined
      ? html`<p class="refusal">${icon('error')} ${out.bare ? t('outBare') : html`${explain(refused)[0]}${out.kubectl.about?.length ? html` (${out.kubectl.about.map(about).join(', ')})` : nothing}. ${explain(refused)[1]}`}</p>`
      : !out.changed && tab !== 'annotation' ? html`<p class="muted">${t('outNothing')}</p>` : html`<pre class="code out" tabindex="0" role="region" aria-label=${t(`out.${tab}`)} .textContent=${text}></pre>
          <p class="buttons">
            <button class="small" @click=${() => void copyOutput()}>${icon('copy')}<span>${t('copy')}</span></button>
            ${file ? html`<button class="small" @click=${() => download(file[0], file[1])}>${icon('down')}<span>${t('download')} ${file[0]}</span></button>` : nothing}
            ${tab === 'annotation' ? nothing : html`<small class="muted">${t('outSafe')}</small>`}
          </p>`}
  `;
}

function choose(tab: OutputTab) {
  state.outputTab = tab;
  changed();
}
