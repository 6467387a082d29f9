// The text that was pasted: edited in place while it is small, else shown one Pod at a time.
import { html, nothing } from 'lit-html';
import { clear, load } from '../app.ts';
import { number, t } from '../desk.ts';
import type { Summary } from '../protocol.ts';
import { sourceClicked } from '../keys.ts';
import { state } from '../state.ts';
import { icon } from './icons.ts';

/** So many bytes, in few characters. */
const bytes = (count: number) => (count < 100_000 ? `${number(count)} ${t('bytes')}` : count < 10_000_000 ? `${number(Math.round(count / 1000))} kB` : `${number(Math.round(count / 1_000_000))} MB`);

/** What people call the text, and how it is written. */
const called = (summary: Summary) =>
  [t(`text.${summary.name}`), summary.format?.toUpperCase(), ...summary.coding.map((coding) => t(`coding.${coding}`)), summary.skipped > 0 && `${number(summary.skipped)} ${t('skippedLines')}`].filter(Boolean).join(' · ');

/** A pause in typing after which the text is read. */
const PAUSE_MS = 250;

export function sourcePane() {
  const { source, summary } = state;
  const whole = !source || source.whole;
  const live = summary?.live !== undefined;
  return html`
    <div class="head">
      <h2>${t('source')}</h2>
      ${summary && source && !live ? html`<span class="tag plain">${called(summary)}</span>` : nothing}
      ${source && !live ? html`<span class="muted size" title=${`${number(source.total)} ${t('bytes')}`}>${bytes(source.total)}</span>` : nothing}
      ${source && !whole ? html`<span class="muted">${t('from')} ${number(source.line)}${state.lang === 'zh' ? ' 行起' : ''}</span>` : nothing}
      <span class="grow"></span>
      ${source || state.refusal ? html`<button class="small" @click=${clear}>${icon('close')}<span>${t('clear')}</span></button>` : nothing}
    </div>
    ${live
      ? html`<div class="hollow"><p>${t('sourceLive')}</p></div>`
      : html`<pre
          id="source"
          class="code source"
          data-layer="source"
          role="textbox"
          tabindex="0"
          aria-multiline="true"
          aria-label=${t('sourceHint')}
          aria-readonly=${!whole}
          data-hint=${t('sourceHint')}
          spellcheck="false"
          autocapitalize="off"
          contenteditable=${whole ? 'plaintext-only' : 'false'}
          @input=${typed}
          @paste=${pasted}
          @click=${(event: Event) => void sourceClicked(event.currentTarget as HTMLElement)}
        ></pre>`}
  `;
}

let own = '';
let known: HTMLElement | null = null;
/** What the element holds may have been changed by hand. */
let touched = false;

/** Puts the text of the state into the element, unless it is there already. */
export function syncSource() {
  const element = document.getElementById('source');
  if (!element) return;
  const text = state.source?.text ?? '';
  if (own === text && known === element && !touched) return;
  if (document.activeElement === element && timer) return; // being typed
  touched = false;
  known = element;
  if (own === text && element.textContent === text) return;
  own = text;
  element.textContent = text;
}

let timer = 0;

function typed(event: Event) {
  const element = event.currentTarget as HTMLElement;
  touched = true;
  clearTimeout(timer);
  timer = window.setTimeout(() => {
    timer = 0;
    own = element.textContent ?? '';
    if (own.trim()) void load({ text: own });
    else clear();
  }, PAUSE_MS);
}

/** A paste over everything, or into nothing, is a new text; it never becomes elements. */
function pasted(event: ClipboardEvent) {
  const element = event.currentTarget as HTMLElement;
  const file = event.clipboardData?.files[0];
  const text = event.clipboardData?.getData('text/plain') ?? '';
  const all = (element.textContent ?? '').length === 0 || (getSelection()?.toString().length ?? 0) >= (element.textContent ?? '').length;
  if (!file && !all) return;
  event.preventDefault();
  void load(file ? { file } : { text });
}
