// The shapes that the model in Rust answers with. It decides; these only say what to expect.

/** The codec's own: the page has the same codec, in a wasm of its own, and takes only the types of the package. */
import type { Found, Severity } from '../../../adapters/npm/package/index.d.ts';
export type { Found, Severity };
export type LayerId = 'source' | 'base64' | 'json' | 'key' | 'url';
export type Span = [number, number];
export type Places = Record<LayerId, number[]>;
/** `[sign, text]`, sign one of `=`, `-`, `+`. */
export type Run = ['=' | '-' | '+', string];
/** `[what, runs]`, what one of `text`, `new`, `gone`, `changed`. */
export type Change = [string, Run[]];

/** What people call a text, and how it was packed and written. */
export type TextName = 'empty' | 'annotation' | 'records' | 'urls' | 'metadata' | 'pods' | 'events' | 'dump' | 'describe' | 'table' | 'kubectl';
export type Coding = 'gzip' | 'utf-16' | 'string';

export interface Summary {
  state: 'empty' | 'ready' | 'problems' | 'refused';
  kind: 'empty' | 'annotation' | 'records' | 'pods' | 'events';
  name: TextName;
  format: 'json' | 'yaml' | null;
  coding: Coding[];
  /** Lines of other text between the objects. */
  skipped: number;
  /** The text is, byte for byte, what was given. */
  verbatim: boolean;
  bytes: number;
  pods: number;
  records: number;
  services: number;
  edited: number;
  errors: number;
  warnings: number;
  notes: number;
  by: 'service' | 'pod';
  rows: number;
  whole: boolean;
  why?: string;
  limit?: number;
  live?: { from: number; to: number; at: number | null; gone: number; revision: string; full: boolean };
  refused?: string;
}

export interface RowData {
  id: string;
  kind: 'unread' | 'service' | 'role' | 'endpoint' | 'pod' | 'record';
  depth: number;
  open: boolean | null;
  pos: number;
  size: number;
  text?: string;
  in?: string;
  count?: number;
  providers?: number;
  consumers?: number;
  unread?: number;
  group?: string | null;
  version?: string | null;
  protocol?: string;
  application?: string | null;
  weight?: number | null;
  category?: string;
  service?: string;
  interface?: string;
  severity?: Severity | null;
  why?: string | null;
  state?: string | null;
  verdict?: string;
  records?: number | null;
  pod?: number;
  record?: number;
  fresh?: boolean;
  edited?: boolean;
}

/** What a problem is about; names of phrases are those of the codec. */
export type About =
  | { text: string }
  | { instead: string }
  | { run: string }
  | { wrong: [string, string | null] }
  | { obstacle: { obstacle: string; asked: string; found: string } }
  | { expected: { expected: string; found: Found; at: [number, string] | null } };

export interface ProblemData {
  code: string;
  severity: Severity;
  about: About[];
  offset: number | null;
  pod?: number;
  record?: number | null;
  in?: string;
  line?: number;
  source?: Span | null;
  places?: Places | null;
}

export interface Part { name: string; text: string; at: Span }
export interface Param { name: string; value: string; twice: boolean; at: Span }

export interface RecordData extends Partial<RowData> {
  record: number;
  key?: string;
  value?: string;
  url?: string;
  interface?: string;
  parts?: Part[];
  params?: Param[];
}

export interface LayerData { id: LayerId; text: string; before: number; after: number }

export interface Detail {
  pod: number;
  name: string;
  namespace: string;
  uid: string;
  state: string | null;
  bare: boolean;
  /** A live registry reports problems of the annotation, and does not send it. */
  reported: boolean;
  verdict: { code: string; versions: string[] };
  same: boolean | null;
  meter: { bytes: number; limit: number };
  problems: ProblemData[];
  repairs: { title: string; changes: Change[] }[] | null;
  relations: Relations | null;
  records: RecordData[];
  record: RecordData | null;
  layers: LayerData[] | null;
  edited: { steps: number; undone: number; changes: Change[] } | null;
  refused?: string;
}

export interface SourceWindow {
  text: string;
  total: number;
  line: number;
  whole: boolean;
}

/** Whom a consumer would call, or who would call a provider. */
export interface Relations { calls: boolean; calling: number; never: number; pairs: Pair[] }

/** `share` in hundredths of a percent; `why` is an obstacle, what is asked for and what is there. */
export interface Pair { pod: number; record: number | null; in: string; address: string; share?: number; why?: [string, string, string] }

/** `[kind, name, pod, record]`; kind is `app` or `service`. */
export type GraphNode = ['app' | 'service', string, number, number];
/** `[from, to, endpoints, broken ones, why]`; from and to are places among the nodes. */
export type GraphEdge = [number, number, number, number, string | null];
export interface Graph { nodes: GraphNode[]; edges: GraphEdge[]; more: boolean }

/** A change of a Pod in a live registry; facts are `[ready | label | problem, before, after]`. */
export interface Happened { time: number; pod: number; name: string; what: 'new' | 'gone' | 'changed'; changes: Change[]; more: number; facts: [string, string, string][] }

/** The values of the fields that can be filtered by. */
export type Facets = Record<'ns' | 'app' | 'protocol' | 'group' | 'version', string[]>;

/** The cells of all rows, one after the other. */
export interface Table { columns: number; cells: string[] }

export interface Command { line?: string; file?: [string, string] | null; refused?: string; about?: About[] }

export interface Output {
  annotation: string;
  changed: boolean;
  json: string;
  merge: string;
  kubectl: Command;
  bare: boolean;
  refused?: string;
}

export interface Comparison {
  changes: { what: 'new' | 'gone' | 'changed' | 'rewritten'; pod: string; key: string | null; runs?: Run[]; params?: { name: string; before: string | null; after: string | null }[] }[];
  total: number;
  same: number;
  refused?: string;
}
