/** Captions and gaps of the live session as rows in the order of their time. Pure. */

/**
 * The rows after another view: those that were kept, and what is new in it. The view keeps only the last captions, so a
 * page that was open all the time has more than it. Another session begins with no rows.
 */
export function mergeRows({ sessionId, rows }, view) {
  const kept = view.sessionId === sessionId ? rows : [];
  const byKey = new Map(kept.map((row) => [row.key, row]));
  for (const caption of view.captions) byKey.set(`caption-${caption.seq}`, { key: `caption-${caption.seq}`, kind: "caption", ...caption });
  for (const gap of view.gaps.filter((each) => lastsAtLeast(SHORTEST_LOSS_MS, each))) byKey.set(`gap-${gap.startMs}`, { key: `gap-${gap.startMs}`, kind: "gap", ...gap });
  return { sessionId: view.sessionId, rows: [...byKey.values()].sort(byTime) };
}

/** Each gap of a live session is a loss. A shorter one would be shown as 0 seconds; the overlay leaves it out too. */
const SHORTEST_LOSS_MS = 500;
/** A stored transcript does not tell losses from pauses of speech, which nobody misses. */
const SHORTEST_STORED_GAP_MS = 5_000;

function lastsAtLeast(leastMs, { startMs, endMs }) {
  return endMs - startMs >= leastMs;
}

function byTime(one, other) {
  return one.startMs - other.startMs || (one.seq ?? 0) - (other.seq ?? 0);
}

/** Segments and uncovered intervals of a stored transcript in the order of their time. */
export function transcriptRows({ segments, uncovered }) {
  const captions = segments.map(({ seq, start_ms, end_ms, text, speaker }) => ({
    key: `caption-${seq}`,
    kind: "caption",
    seq,
    startMs: start_ms,
    endMs: end_ms,
    text,
    speaker,
  }));
  const gaps = uncovered.map(({ start_ms, end_ms }) => ({ key: `gap-${start_ms}`, kind: "gap", startMs: start_ms, endMs: end_ms }));
  return [...captions, ...gaps.filter((gap) => lastsAtLeast(SHORTEST_STORED_GAP_MS, gap))].sort(byTime);
}

/** Whether a row is drawn already as it is now. */
export function isSame(row, drawn) {
  return drawn !== undefined && row.text === drawn.text && row.speaker === drawn.speaker && row.endMs === drawn.endMs;
}
