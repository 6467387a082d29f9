// The page comes up: language, theme, what the address asks for, and the keys.
import { render } from 'lit-html';
import { navigate } from './app.ts';
import { changed, onDraw } from './desk.ts';
import { firstVisible, rowsAt } from './rows.ts';
import { light } from './highlight.ts';
import { listen } from './keys.ts';
import { keepForOffline } from './model.ts';
import { startLive } from './live.ts';
import { state } from './state.ts';
import { refitGraph } from './view/graph.ts';
import { page } from './view/page.ts';
import { syncSource } from './view/source.ts';

const root = document.getElementById('app') as HTMLElement;

function remembered(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage may be forbidden
  }
}

state.lang = (remembered('lang') ?? navigator.language).toLowerCase().startsWith('zh') ? 'zh' : 'en';
const dark = remembered('theme') ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
state.theme = dark === 'dark' ? 'dark' : 'light';

onDraw(() => {
  document.documentElement.lang = state.lang === 'zh' ? 'zh-CN' : 'en';
  document.documentElement.dataset['theme'] = state.theme;
  render(page(), root);
  syncSource();
  light();
});

listen();
changed();

addEventListener('resize', () => {
  void rowsAt(firstVisible());
  refitGraph();
});
addEventListener('popstate', () => void navigate());
addEventListener('beforeunload', (event) => {
  if (state.summary?.edited) event.preventDefault();
});

const live = document.querySelector<HTMLMetaElement>('meta[name="dubbo-live"]')?.content || (new URLSearchParams(location.search).has('live') ? 'v1/events' : '');
if (live) startLive(live);
void navigate();

// Works offline once loaded. A server that shows its registry live is there anyway.
if (!live) void keepForOffline();
