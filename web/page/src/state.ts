// Everything the page knows, in one place. Views read it; only the actions of `app` write it.
import type { Comparison, Detail, Facets, Happened, Output, Places, ProblemData, RowData, SourceWindow, Summary } from './protocol.ts';
import type { Lang, Word } from './messages.ts';
import type { Picture } from './geometry.ts';

export type Pane = 'source' | 'services' | 'detail';
export type Mode = 'tree' | 'graph' | 'changes';
export type Dialog = 'none' | 'help' | 'share' | 'diff' | 'discard';
export type OutputTab = 'kubectl' | 'json' | 'merge' | 'annotation';
export type LiveState = 'off' | 'connecting' | 'connected' | 'lagging' | 'lost';
export type Busy = 'no' | 'reading' | 'decoding';

export const ROW = 32;

export const state = {
  lang: 'en' as Lang,
  /** The language was chosen here or came by a link: it belongs to the view, and to its address. */
  langChosen: false,
  theme: 'light' as 'light' | 'dark',
  pane: 'services' as Pane,
  mode: 'tree' as Mode,
  dialog: 'none' as Dialog,
  busy: 'no' as Busy,
  progress: 0,
  fileName: '',
  dragging: false,
  toast: '' as string,

  summary: null as Summary | null,
  /** What was pasted or opened was not taken. */
  refusal: null as { word: Word; bytes?: number; limit?: number; offset?: number | null; text?: string } | null,

  source: null as SourceWindow | null,
  total: 0,
  from: 0,
  rows: [] as RowData[],
  /** The active row: what it is, and where that stands. */
  activeId: '',
  active: 0,
  find: '',
  filters: [] as string[],
  filtersOpen: false,
  facets: null as Facets | null,

  graph: null as Picture | null,
  graphBusy: false,
  /** The node whose neighbours alone are shown, by its name. */
  graphFocus: null as string | null,
  /** The node that the keys are at. */
  graphNode: null as string | null,
  graphTable: false,

  pod: null as number | null,
  record: null as number | null,
  detail: null as Detail | null,
  /** The record that is shown is no longer there. */
  recordGone: false,
  output: null as Output | null,
  places: null as Places | null,
  /** Where the selection was made; none if it is that of the row. */
  placesFrom: null as string | null,
  editing: false,
  /** What is being typed into a field, which the model may not have yet. */
  draft: null as { field: string; value: string } | null,
  outputTab: 'kubectl' as OutputTab,
  refusedEdit: null as Word | null,

  problems: [] as ProblemData[],
  problemFrom: 0,
  problemTotal: 0,
  problemAt: -1,
  problemsOpen: false,

  live: 'off' as LiveState,
  /** Where the events of a live registry are, if there is one. */
  liveAddress: '',
  /** Why the watcher lags, in its own words. */
  liveWhy: null as string | null,
  /** The server wants a token. */
  signIn: false,
  paused: false,
  /** The last changes, the newest first. */
  timeline: [] as Happened[],
  past: null as number | null,

  shareAll: false,
  shareUrl: '',
  shareNote: null as { pods: number; blanked: number; unread: number } | null,
  shareRefused: null as Word | null,
  kept: false,
  comparison: null as Comparison | null,
};
