// What is looked at, in the address: a view can be linked to, reloaded, and gone back to. It holds no text but what a
// shared link carries, behind the #, which browsers send to no server.
import { state, type Mode } from './state.ts';

export interface Place {
  /** Pods of a shared link, packed. */
  packed: string;
  mode: Mode;
  by: 'service' | 'pod' | '';
  find: string;
  filters: string[];
  /** `namespace/name` of the Pod, and its record by key or by place. */
  pod: string;
  key: string;
  record: number | null;
  lang: string;
}

const MODES: Mode[] = ['graph', 'changes'];

/** The Pods that came by a link and are still what is shown. */
let packed = '';

export function setPacked(text: string) {
  packed = text;
}

export function placeOf(fragment: string): Place {
  const parts = new URLSearchParams(fragment.replace(/^#/, ''));
  const record = parts.get('record');
  return {
    packed: parts.get('p') ?? '',
    mode: MODES.find((mode) => mode === parts.get('view')) ?? 'tree',
    by: parts.get('by') === 'pod' ? 'pod' : parts.get('by') === 'service' ? 'service' : '',
    find: parts.get('find') ?? '',
    filters: parts.getAll('f'),
    pod: parts.get('pod') ?? '',
    key: parts.get('key') ?? '',
    record: record !== null && /^\d{1,9}$/.test(record) ? Number(record) : null,
    lang: parts.get('lang') ?? '',
  };
}

/** The fragment of what is looked at now; `more` is what a link carries beside. */
export function fragment(more: Record<string, string> = packed ? { p: packed } : {}): string {
  const parts = new URLSearchParams(more);
  const { mode, summary, find, filters, detail, record } = state;
  if (mode !== 'tree') parts.set('view', mode);
  if (summary && summary.state !== 'empty' && summary.by === 'pod') parts.set('by', 'pod');
  if (state.langChosen) parts.set('lang', state.lang);
  if (find) parts.set('find', find);
  for (const filter of filters) parts.append('f', filter);
  if (detail && !detail.bare) {
    parts.set('pod', detail.namespace ? `${detail.namespace}/${detail.name}` : detail.name);
    if (record !== null && summary?.live && detail.record?.key) parts.set('key', detail.record.key);
    else if (record !== null) parts.set('record', String(record));
  }
  return parts.toString();
}

let timer = 0;

/** Writes the address; `push` makes it a step to come back to. */
export function remember(push = false) {
  clearTimeout(timer);
  if (push) write(true);
  // Browsers refuse an address that changes with every key.
  else timer = window.setTimeout(() => write(false), 200);
}

function write(push: boolean) {
  const text = fragment();
  if (text === location.hash.replace(/^#/, '')) return;
  const url = text ? `#${text}` : location.pathname + location.search;
  if (push) history.pushState(null, '', url);
  else history.replaceState(null, '', url);
}
