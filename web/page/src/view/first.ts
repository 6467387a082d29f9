// What a first visit sees: a picture of who calls whom, what Dubbo and the annotation are, and what each layer shows.
import { html, svg } from 'lit-html';
import { t } from '../desk.ts';
import { HEIGHT } from '../geometry.ts';
import type { Mode } from '../state.ts';
import { icon } from './icons.ts';

/** The beginning of the sample with problems: kind, name, place; and which calls which. */
const NODES: ['app' | 'service', string, number, number][] = [
  ['app', 'gateway', 0, 30], ['service', 'OrderService', 150, 30], ['app', 'order', 320, 30],
  ['service', 'UserService', 470, 4], ['app', 'user', 640, 4], ['service', 'PaymentService', 470, 58], ['app', 'payment', 640, 58],
];
const EDGES: [number, number, boolean][] = [[0, 1, false], [1, 2, false], [2, 3, false], [3, 4, false], [2, 5, true], [5, 6, false]];

const width = ([kind]: (typeof NODES)[number]) => (kind === 'app' ? 100 : 130);

const picture = () => html`<svg class="first-graph" viewBox="-4 -4 752 104" aria-hidden="true">
  ${EDGES.map(([from, to, broken]) => {
    const [a, b] = [NODES[from]!, NODES[to]!];
    const [x, y, u, v] = [a[2] + width(a), a[3] + HEIGHT / 2, b[2] - 3, b[3] + HEIGHT / 2];
    return svg`<path class=${broken ? 'edge broken' : 'edge'} d=${`M${x} ${y}C${x + 12} ${y} ${u - 12} ${v} ${u} ${v}`} stroke-width=${broken ? 2 : 3} />`;
  })}
  ${NODES.map((node) => {
    const [kind, text, x, y] = node;
    return svg`<g class=${`node ${kind}`}><rect x=${x} y=${y} width=${width(node)} height=${HEIGHT} rx=${kind === 'app' ? 7 : HEIGHT / 2} /><text x=${x + width(node) / 2} y=${y + HEIGHT / 2} text-anchor="middle" dominant-baseline="central">${text}</text></g>`;
  })}
</svg>`;

const WORDS = ['dubbo', 'annotation'] as const;
const LAYERS = ['source', 'base64', 'json', 'key', 'url'] as const;

export const firstVisit = (sample: (which: 'article' | 'troubled', mode?: Mode) => void, pick: () => void) => html`
  <div class="hollow empty">
    <button class="first-picture" @click=${() => sample('troubled', 'graph')}>
      ${picture()}
      <span>${t('firstPicture')} ${icon('chevron')}</span>
    </button>
    <h2>${t('emptyTitle')}</h2>
    <p>${t('emptyText')}</p>
    <p class="buttons">
      <button class="button primary" @click=${() => sample('article')}>${t('emptySample')}</button>
      <button class="button" @click=${() => sample('troubled')}>${t('emptyProblems')}</button>
      <button class="button" @click=${pick}>${t('emptyOpen')}</button>
    </p>
    <dl class="first">
      ${WORDS.map((word) => html`<div><dt>${t(`first.${word}`)}</dt><dd>${t(`first.${word}.text`)}</dd></div>`)}
      ${LAYERS.map((layer) => html`<div class=${`of-layer of-${layer}`}><dt>${t(`layer.${layer}`)}</dt><dd>${t(`first.${layer}.text`)}</dd></div>`)}
    </dl>
    <p class="private">${icon('lock')} ${t('emptyPrivate')}</p>
  </div>
`;
