// Values and exceptions of what the wasm answers. It decides nothing.
import * as wasm from './codec.js';

export class CodecError extends Error {
  constructor({ message, ...rest }) {
    super(message);
    this.name = 'CodecError';
    Object.assign(this, rest);
  }
}

const language = (options) => options?.language ?? 'en';

function value(answer) {
  const { ok, error } = JSON.parse(answer);
  if (error) throw new CodecError(error);
  return ok;
}

function text(given, name) {
  if (typeof given !== 'string') throw new TypeError(`${name} must be a string`);
  return given;
}

export const decode = (annotation, options) => value(wasm.decode(text(annotation, 'annotation'), language(options)));

export function encode(records, options) {
  const keys = [];
  const values = [];
  for (const { key, url, value: of = '' } of records) {
    keys.push(key === undefined ? value(wasm.keyOf(text(url, 'key or url of a record'), language(options))) : text(key, 'key of a record'));
    values.push(text(of, 'value of a record'));
  }
  return wasm.encode(keys, values);
}

export const parseUrl = (url, options) => value(wasm.parseUrl(text(url, 'url'), language(options)));

export function problems(given, options) {
  const bytes = given instanceof Uint8Array ? given : new TextEncoder().encode(typeof given === 'object' && given !== null ? JSON.stringify(given) : text(given, 'text'));
  return value(wasm.problems(bytes, language(options)));
}
