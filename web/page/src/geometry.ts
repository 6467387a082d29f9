// The size of a node of the graph, and what the layout makes of a graph. The Worker and the page share it.

export const WIDTH = 190;
export const HEIGHT = 34;

export interface Placed { name: string; kind: 'app' | 'service'; text: string; pod: number; record: number; x: number; y: number; calls: number; called: number; broken: number }
export interface Line { from: number; to: number; count: number; broken: number; why: string | null }
/** `down`: layers stand one below the other; side by side otherwise. */
export interface Picture { nodes: Placed[]; lines: Line[]; down: boolean; left: number; top: number; width: number; height: number; more: boolean }
