// The tree grid: only the rows in sight exist, whatever the registry holds.
import { html, nothing } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { number, plural, t } from '../desk.ts';
import { firstVisible, rowOf, rowsAt, toggle } from '../rows.ts';
import { activate } from '../selection.ts';
import { isWord, type Word } from '../messages.ts';
import type { RowData } from '../protocol.ts';
import { treeKey } from '../keys.ts';
import { ROW, state } from '../state.ts';
import { explain } from '../texts.ts';
import { icon } from './icons.ts';

export const tree = () => html`
  <div
    id="tree"
    class="tree"
    role="treegrid"
    tabindex="0"
    aria-label=${t('services')}
    aria-rowcount=${state.total}
    aria-activedescendant=${rowOf(state.active) ? `row-${rowOf(state.active)!.id}` : nothing}
    ?hidden=${state.total === 0}
    @scroll=${() => void rowsAt(firstVisible())}
    @keydown=${treeKey}
    @click=${clicked}
  >
    <div class="sizer" role="presentation" .style=${`block-size:${state.total * ROW}px`}>
      <div class="window" role="presentation" .style=${`transform:translateY(${state.from * ROW}px)`}>
        ${repeat(state.rows, (row) => row.id, (row, at) => line(row, state.from + at))}
      </div>
    </div>
  </div>
`;

function clicked(event: Event) {
  const target = event.target as Element;
  const element = target.closest<HTMLElement>('[role="row"]');
  if (!element) return;
  const index = Number(element.dataset['index']);
  const row = state.rows[index - state.from];
  if (!row) return;
  if (row.open !== null && (target.closest('.twist') || row.pod === undefined)) {
    state.active = index;
    state.activeId = row.id;
    void toggle(index, !row.open);
  } else {
    void activate(index, true);
  }
}

const chosen = (row: RowData) => row.pod !== undefined && row.pod === state.pod && (row.record ?? null) === state.record;

const line = (row: RowData, index: number) => html`
  <div
    id=${`row-${row.id}`}
    class=${`row ${row.kind} d${row.depth}${index === state.active ? ' active' : ''}${chosen(row) ? ' chosen' : ''}${row.fresh ? ' fresh' : ''}${row.state === 'gone' ? ' gone' : ''}`}
    role="row"
    data-index=${index}
    aria-level=${row.depth + 1}
    aria-posinset=${row.pos}
    aria-setsize=${row.size}
    aria-rowindex=${index + 1}
    aria-selected=${chosen(row)}
    aria-expanded=${row.open === null ? nothing : row.open}
  >
    <span class="cell name" role="gridcell"><span class=${`twist${row.open ? ' open' : ''}`} aria-hidden="true">${row.open === null ? nothing : icon('chevron')}</span>${mark(row)}${name(row)}</span>
    <span class="cell where" role="gridcell" title=${row.in ?? ''}>${row.kind === 'pod' && row.why ? explain(row.why)[0] : (row.in ?? '')}</span>
    <span class="cell tags" role="gridcell">${tags(row)}</span>
  </div>
`;

const mark = (row: RowData) => (row.severity ? html`<span class=${`mark ${row.severity}`} role="img" aria-label=${t(row.severity)}>${icon(row.severity)}</span>` : nothing);

function name(row: RowData) {
  switch (row.kind) {
    case 'unread':
      return html`<span class="label">${t('unread')}</span>`;
    case 'role':
      return html`<span class=${`label role-${row.text}`}>${row.text && isWord(row.text) ? t(row.text) : row.text}</span><span class="count">${row.count}</span>`;
    case 'service': {
      const dot = (row.text ?? '').lastIndexOf('.');
      return html`${row.group ? html`<span class="group">${row.group}/</span>` : nothing}<span class="label" title=${row.text ?? ''}><bdi><span class="package">${row.text?.slice(0, dot + 1)}</span><b>${row.text?.slice(dot + 1)}</b></bdi></span>${row.version ? html`<span class="version">${row.version}</span>` : nothing}`;
    }
    case 'record':
      return html`<span class=${`dot ${row.category}`}></span><span class="label mono" title=${row.text ?? ''}>${row.interface ? row.interface.slice(row.interface.lastIndexOf('.') + 1) + ' ' : ''}${row.text}</span>`;
    default:
      return html`<span class="label mono" title=${row.text ?? ''}>${row.text || t('out.annotation')}</span>`;
  }
}

function tags(row: RowData) {
  const list: { text: string; kind: string; says: string }[] = [];
  const add = (text: string | null | undefined, kind: string, says = text ?? '') => text && list.push({ text, kind, says });
  if (row.kind === 'service') {
    const count = (n: number | undefined, kind: 'providers' | 'consumers', sign: string) => add(n ? `${number(n)} ${sign}` : null, kind, `${number(n ?? 0)} ${t(kind)}`);
    count(row.providers, 'providers', t('providers.short'));
    count(row.consumers, 'consumers', t('consumers.short'));
    add(row.unread ? `${number(row.unread)} ${t('unreadShort')}` : null, 'gone', `${number(row.unread ?? 0)} ${t('unreadLong')}`);
  }
  if (row.kind === 'endpoint' && row.verdict) add(t(row.verdict === 'refused' ? 'refusedShort' : 'notSelectedShort'), 'gone', t(`verdict.${row.verdict}` as Word));
  if (row.fresh) add(t('new'), 'new');
  if (row.state && isWord(row.state)) add(t(row.state), row.state);
  if (row.edited) add(t('edited'), 'edited');
  add(row.protocol, 'protocol');
  if (row.kind === 'record' && (row.category === 'directory' || row.category === 'broken')) add(t(row.category), row.category);
  if (row.weight !== null && row.weight !== undefined) add(`${t('weight')} ${row.weight}`, 'weight', `${t('weight')} ${number(row.weight)}: ${t('weightLong')}`);
  if (row.kind === 'pod' && row.records !== null && row.records !== undefined) add(`${row.records} ${plural(row.records, 'records')}`, 'plain');
  return list.map((tag) => html`<span class=${`tag ${tag.kind}`} title=${tag.says}>${tag.text}</span>`);
}
