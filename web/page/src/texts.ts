// The explanations of the codec's codes in both languages, as the build takes them from the codec.
import texts from './wasm/texts.json';
import { say } from './messages.ts';
import type { About, Found } from './protocol.ts';
import { state } from './state.ts';

const at = () => (state.lang === 'zh' ? 1 : 0);
const problems = texts.problems as unknown as Record<string, [string, string][]>;
const obstacles = texts.obstacles as unknown as Record<string, string[]>;

/** Title and advice of a problem. */
export const explain = (code: string): [string, string] => problems[code]?.[at()] ?? [code, ''];

const phrases = texts.phrases as unknown as Record<string, string[]>;
const phrase = (name: string) => phrases[name]?.[at()] ?? name;

/** What stood at a place. */
function found(of: Found): string {
  const quote = (text: string) => (state.lang === 'zh' ? `“${text}”` : `"${text}"`);
  if (of === 'end') return texts.end[at()] ?? '';
  if ('byte' in of) return texts.bytes[of.byte]?.[at()] ?? '';
  return 'char' in of ? quote(of.char) : phrase(of.thing);
}

/** What a problem is about, in words. */
export function about(of: About): string {
  const chinese = state.lang === 'zh';
  if ('text' in of) return of.text;
  if ('instead' in of) return chinese ? `应写作 \`${of.instead}\`` : `write \`${of.instead}\``;
  if ('run' in of) return chinese ? `请运行 \`${of.run}\`` : `run \`${of.run}\``;
  if ('wrong' in of) return of.wrong[1] === null ? phrase(of.wrong[0]) : `\`${of.wrong[1]}\` ${phrase(of.wrong[0])}`;
  if ('obstacle' in of) {
    const { obstacle, asked, found } = of.obstacle;
    return why(obstacle) + (asked || found ? `: ${asked || say(state.lang, 'none')} ≠ ${found || say(state.lang, 'none')}` : '');
  }
  const { expected, found: there, at: place } = of.expected;
  const what = chinese ? `应为：${phrase(expected)}；实际：${found(there)}` : `expected ${phrase(expected)}, found ${found(there)}`;
  if (!place) return what;
  return chinese ? `${what}；位置：${phrase(place[1])}的字节 ${place[0]}` : `${what} at byte ${place[0]} of ${phrase(place[1])}`;
}

/** Why a pair does not match, or why a consumer finds no provider, in a few words. */
export const why = (code: string): string => obstacles[code]?.[at()] ?? explain(code)[0];
