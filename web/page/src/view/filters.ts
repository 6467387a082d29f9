// Chips and lists by which the rows and the graph are filtered, and what can be taken away of what is left.
import { html, nothing } from 'lit-html';
import { t } from '../desk.ts';
import { isWord, type Word } from '../messages.ts';
import { clearFilters, filter } from '../rows.ts';
import type { Facets } from '../protocol.ts';
import { state } from '../state.ts';
import { takeTable } from '../take.ts';
import { icon } from './icons.ts';

const value = (field: string) => state.filters.find((one) => one.startsWith(`${field}:`))?.slice(field.length + 1) ?? '';

export function filters() {
  if (!state.filtersOpen) return chips();
  const fields = ['ns', 'app', 'protocol', 'group', 'version'] as const;
  return html`<div class="filters" role="group" aria-label=${t('filters')}>
    ${toggle('is', 'problem')} ${toggle('is', 'ready')} ${toggle('is', 'unready')} ${toggle('role', 'providers')} ${toggle('role', 'consumers')}
    ${fields.map((field) => choice(field, state.facets?.[field] ?? []))}
    <span class="take">${(['csv', 'json'] as const).map((form) => html`<button class="small" title=${t('takeTable')} @click=${() => void takeTable(form)}>${icon('down')}<span>${form.toUpperCase()}</span></button>`)}</span>
  </div>`;
}

/** What is filtered by, each with the way to take it away. */
function chips() {
  if (state.filters.length === 0) return nothing;
  return html`<div class="filters" role="group" aria-label=${t('filters')}>
    ${state.filters.map((one) => {
      const field = one.slice(0, one.indexOf(':'));
      const name = nameOf(field, one.slice(field.length + 1));
      return html`<button class="chip on" aria-label=${`${t('unfilter')}: ${name}`} @click=${() => filter(field, null)}>${name}${icon('close')}</button>`;
    })}
    <button class="small" @click=${clearFilters}>${t('showAll')}</button>
  </div>`;
}

/** What a filter is called: a condition by its name, a value beside that of its field. */
function nameOf(field: string, of: string): string {
  const words: Record<string, Word> = { problem: 'withProblems', ready: 'ready.yes', unready: 'unready', providers: 'providers', consumers: 'consumers' };
  const word = field === 'is' || field === 'role' ? words[of] : undefined;
  if (word) return t(word);
  const name = `filter.${field}`;
  return isWord(name) ? `${t(name)}: ${of}` : `${field}:${of}`;
}

const toggle = (field: 'is' | 'role', of: string) => {
  const on = value(field) === of;
  return html`<button class=${`chip${on ? ' on' : ''}`} aria-pressed=${on} @click=${() => filter(field, on ? null : of)}>${nameOf(field, of)}</button>`;
};

const choice = (field: keyof Facets, values: string[]) =>
  values.length === 0 && !value(field)
    ? nothing
    : html`<select class=${value(field) ? 'on' : ''} aria-label=${t(`filter.${field}`)} @change=${(event: Event) => filter(field, (event.target as HTMLSelectElement).value || null)}>
        <option value="">${t(`filter.${field}`)}</option>
        ${(values.includes(value(field)) || !value(field) ? values : [value(field), ...values]).map((one) => html`<option value=${one} ?selected=${one === value(field)}>${one}</option>`)}
      </select>`;
