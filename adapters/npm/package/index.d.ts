/** In which language messages are. */
export interface Options {
  /** English by default. */
  language?: 'en' | 'zh';
}

/** A record of the registry: what one application provides or consumes. */
export interface DubboRecord {
  /** `/dubbo/<interface>/<category>/<escaped URL>`, or a directory above it. */
  key: string;
  /** Empty, as Dubbo writes it. */
  value: string;
  /** The interface that the key names. */
  interface: string | null;
  category: Category | null;
  /** The URL in the key, unescaped: what `parseUrl` takes apart. */
  url: string | null;
}

export type Category = 'providers' | 'consumers' | 'routers' | 'configurators';

/** A record to be written: a key as it is, or a URL, which gets the key under which Dubbo registers it. */
export type NewRecord = { key: string; value?: string } | { url: string; value?: string };

/** What is in an annotation. */
export interface DecodedAnnotation {
  records: DubboRecord[];
  /** What a strict reader would refuse, or dubbo-go would write otherwise. */
  warnings: Warning[];
}

export interface Warning {
  /** Never changes its meaning, such as `standard-alphabet`. */
  code: string;
  message: string;
  /** Index in the annotation. */
  offset: number;
  /** Byte in what the base64 holds; null if it is the base64 itself that is odd. */
  decodedOffset: number | null;
}

/** A Dubbo URL, taken apart. */
export interface DubboUrl {
  /** What stands before `://`, such as `dubbo` or `tri`. */
  protocol: string;
  /** What stands before `@`, as it is written; it may hold a password. */
  userinfo: string | null;
  /** A name or an address; an IPv6 address has no brackets. */
  host: string;
  port: number | null;
  /** Without its first slash: the interface, as a rule. */
  path: string;
  /** Names and values, unescaped, in their order; `new Map(url.parameters)` where each is there once. */
  parameters: [name: string, value: string][];
  service: {
    /** `[group/]interface[:version]` */
    key: string;
    interface: string;
    group: string | null;
    version: string | null;
  };
  /** When it is warm; 100 unless it says otherwise. */
  weight: number;
  /** False if it says that it takes no calls. */
  enabled: boolean;
}

/** What stood at a place: the end of the text, a byte, a character, or a kind of thing. */
export type Found = 'end' | { byte: number } | { char: string } | { thing: string };

export type Severity = 'error' | 'warning' | 'note';

/** Something that is wrong. */
export interface Problem {
  /** Never changes its meaning, such as `label-missing`. */
  code: string;
  severity: Severity;
  /** What happened here, in a sentence. */
  message: string;
  /** What follows from it, and the way out. */
  advice: string;
  /** The Pod that it is about, if it is about one. */
  namespace: string | null;
  pod: string | null;
  /** Index among the records of the Pod's annotation. */
  record: number | null;
  /** Index in the text that was given (of an object: in its JSON), or in the value of the Pod's annotation, as `place` says. */
  offset: number | null;
  place: 'text' | 'annotation';
  /** What would have been right, by a name that never changes. */
  expected: string | null;
  found: Found | null;
}

/** Why a text is refused. */
export class CodecError extends Error {
  /** Never changes its meaning: `not-base64`, `not-utf8`, `not-json`, `wrong-shape` or `url-malformed`. */
  readonly code: string;
  /** Index in the text that was given. */
  readonly offset: number;
  /** Byte in what the base64 of an annotation holds; null if it is the base64 itself that is wrong. */
  readonly decodedOffset: number | null;
  /** What would have been right, by a name that never changes, such as `port-number`. */
  readonly expected: string;
  readonly found: Found;
}

/**
 * Reads the value of the annotation `dubbo.io/annotation`: all that dubbo-go reads, with the same result, and the
 * standard alphabet and missing padding beside it.
 *
 * @throws {CodecError} at the place where it is none
 */
export function decode(annotation: string, options?: Options): DecodedAnnotation;

/**
 * Writes the value of an annotation, byte for byte as dubbo-go does.
 *
 * @throws {CodecError} if a URL of one of the records is none
 */
export function encode(records: Iterable<NewRecord>, options?: Options): string;

/**
 * Takes a Dubbo URL apart.
 *
 * @throws {CodecError} at the place where it is none
 */
export function parseUrl(url: string, options?: Options): DubboUrl;

/**
 * What is wrong with a Pod or a list of them, as an object or as what people paste and save: an annotation, Pods in JSON as
 * kubectl prints them, a saved watch, URLs. Bytes may be UTF-16. What cannot be read has a problem that says so: YAML wants
 * a parser of YAML before, whose object this takes, and gzip is not unpacked.
 */
export function problems(text: string | Uint8Array | object, options?: Options): Problem[];
