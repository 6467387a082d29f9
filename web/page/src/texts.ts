// The explanations of the codec's codes in both languages, as the build takes them from the codec.
import texts from './wasm/texts.json';
import { state } from './state.ts';

const at = () => (state.lang === 'zh' ? 1 : 0);
const problems = texts.problems as unknown as Record<string, [string, string][]>;
const obstacles = texts.obstacles as unknown as Record<string, string[]>;

/** Title and advice of a problem. */
export const explain = (code: string): [string, string] => problems[code]?.[at()] ?? [code, ''];

/** Why a pair does not match, or why a consumer finds no provider, in a few words. */
export const why = (code: string): string => obstacles[code]?.[at()] ?? explain(code)[0];
