/** One line of progress for any width. Pure. */
import { fit, widthOf } from "../text/safe.ts";
import type { Style } from "../text/style.ts";
import { figure, percent, roughDuration } from "../text/units.ts";

export interface Progress {
  /** 0 to 1. */
  readonly fraction: number;
  readonly epoch: number;
  /** null when not known. */
  readonly epochs: number | null;
  readonly loss: number | null;
  readonly accuracy: number | null;
  /** Milliseconds until it is done; null when there is nothing to guess from yet. */
  readonly remaining: number | null;
}

const widestBar = 32;
/** Narrow enough that everything fits a terminal of 60 columns. */
const narrowestBar = 8;

/** @param width columns the line may take */
export function progressLine(progress: Progress, width: number, style: Style): string {
  const fraction = Number.isFinite(progress.fraction) ? Math.min(1, Math.max(0, progress.fraction)) : 0;
  // 99.6 % is not "100 %": only the end is.
  const share = percent(Math.floor(fraction * 100) / 100).padStart(5);
  for (const rest of candidates(progress)) {
    const text = [share, ...rest].join("  ");
    const room = width - widthOf(text) - 1;
    if (room >= narrowestBar) return `${bar(fraction, Math.min(widestBar, room), style)} ${text}`;
  }
  return fit(share.trimStart(), Math.max(0, width), style.ellipsis);
}

/** What stands behind the percentage, from everything in full to nothing. */
function* candidates({ epoch, epochs, loss, accuracy, remaining }: Progress): Generator<readonly string[]> {
  const count = epochs === null ? `${epoch}` : `${epoch}/${epochs}`;
  const longEpoch = epoch === 0 ? [] : [`epoch ${count}`];
  const shortEpoch = epoch === 0 ? [] : [epochs === null ? `ep ${count}` : count];
  const lossText = loss === null ? [] : [`loss ${figure(loss)}`];
  const longAccuracy = accuracy === null ? [] : [`accuracy ${percent(accuracy, 1)}`];
  const shortAccuracy = accuracy === null ? [] : [`acc ${percent(accuracy, 1)}`];
  const time = remaining === null ? [] : [`${roughDuration(remaining)} left`];
  yield [...longEpoch, ...lossText, ...longAccuracy, ...time];
  yield [...shortEpoch, ...lossText, ...shortAccuracy, ...time];
  yield [...shortEpoch, ...shortAccuracy, ...time];
  yield [...shortEpoch, ...time];
  yield shortEpoch;
  yield [];
}

/** With Unicode the bar moves in half columns. */
function bar(fraction: number, width: number, style: Style): string {
  if (!style.unicode) {
    const full = Math.floor(fraction * (width - 2));
    return `[${"#".repeat(full)}${"-".repeat(width - 2 - full)}]`;
  }
  const halves = Math.floor(fraction * width * 2);
  const full = Math.floor(halves / 2);
  const half = halves % 2 === 1 ? "╸" : "";
  return style.accent("━".repeat(full) + half) + style.dim("─".repeat(width - full - half.length));
}
