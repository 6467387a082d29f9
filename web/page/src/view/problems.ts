// The problems of the whole text, the worst first.
import { html, nothing } from 'lit-html';
import { changed, number, plural, t } from '../desk.ts';
import { moreProblems, problem } from '../selection.ts';
import type { ProblemData, Severity } from '../protocol.ts';
import { state } from '../state.ts';
import { about, explain } from '../texts.ts';
import { icon } from './icons.ts';

export function problemsBar() {
  const summary = state.summary;
  if (!summary || summary.state === 'empty') return html`<footer class="problems"></footer>`;
  const count = (n: number, severity: Severity, word: 'errors' | 'warnings' | 'notes') =>
    n > 0 ? html`<span class=${`tally ${severity}`}>${icon(severity)} ${number(n)} <span class="word">${plural(n, word)}</span></span>` : nothing;
  const any = summary.errors + summary.warnings + summary.notes > 0;
  const behind = state.problemTotal - state.problemFrom - state.problems.length;
  return html`
    <footer class=${`problems${state.problemsOpen && any ? ' open' : ''}`} aria-label=${t('problems')}>
      <div class="strip">
        <button class="small fold" aria-expanded=${state.problemsOpen} ?disabled=${!any} @click=${fold}>
          <span class=${`twist${state.problemsOpen && any ? ' open' : ''}`}>${icon('chevron')}</span><b>${t('problems')}</b>
        </button>
        ${any ? html`${count(summary.errors, 'error', 'errors')} ${count(summary.warnings, 'warning', 'warnings')} ${count(summary.notes, 'note', 'notes')}` : html`<span class="tally good">${icon('good')} ${t('noProblems')}</span>`}
        <span class="grow"></span>
        ${any ? html`<button class="small" title=${t('nextLabel')} aria-keyshortcuts="F8" @click=${next}>${t('next')} <kbd>F8</kbd></button>` : nothing}
      </div>
      ${state.problemsOpen && any
        ? html`<ol class="list" tabindex="0" aria-label=${t('problems')}>
            ${state.problemFrom > 0 ? html`<li><button class="button" @click=${() => moreProblems(true)}>${t('more')} (${number(state.problemFrom)})</button></li>` : nothing}
            ${state.problems.map((one, at) => item(one, state.problemFrom + at))}
            ${behind > 0 ? html`<li><button class="button" @click=${() => moreProblems()}>${t('more')} (${number(behind)})</button></li>` : nothing}
          </ol>`
        : nothing}
    </footer>
  `;
}

function fold() {
  state.problemsOpen = !state.problemsOpen;
  changed();
}

function next() {
  state.problemsOpen = true;
  void problem(state.problemAt + 1);
}

const item = (one: ProblemData, at: number) => html`
  <li>
    <button class=${`problem${at === state.problemAt ? ' chosen' : ''}`} aria-current=${at === state.problemAt ? 'true' : nothing} @click=${() => void problem(at)}>
      <span class=${`mark ${one.severity}`} role="img" aria-label=${t(one.severity)}>${icon(one.severity)}</span>
      <span class="what"><b>${explain(one.code)[0]}</b>${one.about.length > 0 ? html` <span class="mono">${one.about.map(about).join(', ')}</span>` : nothing}<small>${explain(one.code)[1]}</small></span>
      <span class="where mono">${one.in ?? (one.line ? `${t('from')} ${one.line}${state.lang === 'zh' ? ' 行' : ''}` : '')}</span>
      <code class="code-name">${one.code}</code>
    </button>
  </li>
`;
