import { isUsable, type HealthRecord, type TrendDirection } from '@tenon/resources';

const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ARROWS = { improving: '↑ improving', stable: '→ stable', worsening: '↓ worsening', unknown: '-' } as const;
/** As many looks as a line has room for. */
const WIDTH = 40;

/** The latencies of looks as one bar each, in the order in which they were taken; the longest is the highest, and `×` is a look that failed. */
export function drawLooks(history: readonly HealthRecord[]): string {
  const shown = history.slice(0, WIDTH).toReversed();
  const longestMs = shown.reduce((longest, { latencyMs }) => Math.max(longest, latencyMs), 0);
  const bars = shown.map(({ health, latencyMs }) => {
    if (!isUsable(health)) return '×';
    const share = longestMs === 0 ? 0 : latencyMs / longestMs;
    return LEVELS[Math.min(LEVELS.length - 1, Math.floor(share * LEVELS.length))] ?? '';
  });
  return bars.join('');
}

/** Where health goes, for people. */
export function drawTrend(direction: TrendDirection): string {
  return ARROWS[direction];
}
