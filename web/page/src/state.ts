// Everything the page knows, in one place. Views read it; only the actions of `app` write it.
import type { Comparison, Detail, Output, Places, ProblemData, RowData, SourceWindow, Summary } from './protocol.ts';
import type { Lang, Word } from './messages.ts';

export type Pane = 'source' | 'services' | 'detail';
export type Dialog = 'none' | 'help' | 'share' | 'diff';
export type OutputTab = 'kubectl' | 'json' | 'merge' | 'annotation';
export type LiveState = 'off' | 'connecting' | 'connected' | 'lagging' | 'lost';
export type Busy = 'no' | 'reading' | 'decoding';

export const ROW = 32;

export const state = {
  lang: 'en' as Lang,
  theme: 'light' as 'light' | 'dark',
  pane: 'source' as Pane,
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
  active: 0,
  find: '',

  pod: null as number | null,
  record: null as number | null,
  detail: null as Detail | null,
  output: null as Output | null,
  places: null as Places | null,
  /** Where the selection was made; none if it is that of the row. */
  placesFrom: null as string | null,
  editing: false,
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
  past: null as number | null,

  shareUrl: '',
  shareBlanked: 0,
  shareRefused: null as Word | null,
  kept: false,
  comparison: null as Comparison | null,
};
