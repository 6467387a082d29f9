// The page's icons, drawn with strokes in the colour of the text.
import { svg } from 'lit-html';

const paths = {
  open: 'M3 7.5A1.5 1.5 0 0 1 4.500 6H9l2 2.500h8.500A1.500 1.500 0 0 1 21 10v7.500a1.500 1.500 0 0 1-1.500 1.500h-15A1.500 1.500 0 0 1 3 17.500zM12 16.500v-5m-2.500 2.500 2.500-2.500 2.500 2.500',
  sample: 'M9 3h6M10 3v6l-5.500 9.500A1.700 1.700 0 0 0 6 21h12a1.700 1.700 0 0 0 1.500-2.500L14 9V3M7.500 14.500h9',
  find: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4.500 4.500',
  diff: 'M8 4v10m0-10L5 7m3-3 3 3M16 20V10m0 10 3-3m-3 3-3-3',
  share: 'M14 5h5v5M19 5l-8 8M17 14v4a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1h4',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 3v2m0 14v2M3 12h2m14 0h2M5.600 5.600 7 7m10 10 1.400 1.400M5.600 18.400 7 17M17 7l1.400-1.400',
  moon: 'M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10z',
  help: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9.500 9.500a2.500 2.500 0 1 1 3.500 2.300c-.7.4-1 .8-1 1.700M12 16.800v.1',
  expand: 'M7 9l5-5 5 5M7 15l5 5 5-5',
  collapse: 'M7 4l5 5 5-5M7 20l5-5 5 5',
  lock: 'M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z',
  chevron: 'M9 6l6 6-6 6',
  error: 'M12 7v6m0 3.500v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z',
  warning: 'M12 9.500v4.500m0 2.800v.1M10.600 4.200 3 18a1.600 1.600 0 0 0 1.400 2.400h15.200A1.600 1.600 0 0 0 21 18L13.400 4.200a1.600 1.600 0 0 0-2.800 0z',
  note: 'M12 11v6m0-9.500v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z',
  refused: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.800 5.800l12.400 12.400',
  good: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 12.300l2.700 2.700L16 9.500',
  pause: 'M9 5v14M15 5v14',
  play: 'M8 5l11 7-11 7z',
  edit: 'M4 20l1-4L16 5l3 3L8 19z',
  close: 'M6 6l12 12M18 6 6 18',
  plus: 'M12 5v14M5 12h14',
  up: 'M12 19V5m0 0-5 5m5-5 5 5',
  down: 'M12 5v14m0 0-5-5m5 5 5-5',
  copy: 'M9 9h10v11H9zM15 9V5H5v11h4',
  undo: 'M8 5 4 9l4 4M4 9h10a5 5 0 0 1 0 10h-3',
} as const;

export type Icon = keyof typeof paths;

export const icon = (name: Icon) => svg`<svg class="ico" viewBox="0 0 24 24" aria-hidden="true"><path d=${paths[name]} /></svg>`;
