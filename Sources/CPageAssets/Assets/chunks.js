// Where the chunks of one file are, and what a loss of each replica would cost it.

import { filePath, get } from "./api.js";

const pageSize = 1000;
/// So many chunks are looked at; a file of a terabyte has a million.
export const chunksMax = 4000;

/// - Returns: the file with its chunks, as many as are looked at.
export async function chunksOf(name) {
  let page = await get(filePath(name, "info"), { limit: pageSize });
  const found = { file: page.file, chunks: page.chunks, hasMore: page.hasMore };
  while (found.hasMore && found.chunks.length < chunksMax) {
    page = await get(filePath(name, "info"), { limit: pageSize, after: found.chunks.at(-1).id });
    found.chunks.push(...page.chunks);
    found.hasMore = page.hasMore;
  }
  return found;
}

/// Replicas whose copies count now: those that are away too long, or are being emptied, do not.
function counts(replica) {
  return !replica.state || !["lost", "draining", "refused"].includes(replica.state);
}

/// A row of the picture for each replica that holds something of it, in order of name.
export function rowsOf(chunks, overview) {
  const known = new Map((overview?.status.replicas ?? []).filter((one) => one.id).map((one) => [one.id, one]));
  const rows = new Map([...known.values()].map((one) => [one.id, { ...one, cells: new Map() }]));
  chunks.forEach((chunk, index) => {
    for (const { replica, state } of chunk.holdings) {
      if (!rows.has(replica)) {
        rows.set(replica, { id: replica, name: `replica ${replica.slice(0, 8)}`, cells: new Map() });
      }
      rows.get(replica).cells.set(index, state);
    }
  });
  return [...rows.values()].sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
}

/// The chunk that has the fewest good copies says how the file is.
export function healthOf({ file, chunks, hasMore }) {
  const copies = chunks.length === 0 ? file.level
    : Math.min(file.level, ...chunks.map((chunk) => chunk.counted ?? good(chunk).length));
  const state = copies === 0 ? "unreadable" : copies < file.level ? "degraded" : "whole";
  return { state, copies, isOfAll: !hasMore };
}

function good(chunk) { return chunk.holdings.filter((one) => one.state === "good"); }

/// Of each replica: chunks that would be lost without it, and those that would have one copy left.
export function lossesOf(chunks, rows) {
  const counted = new Set(rows.filter(counts).map((row) => row.id));
  return rows.filter((row) => row.cells.size > 0).map((row) => {
    const loss = { row, held: 0, lost: 0, lastCopies: 0, bytes: 0 };
    for (const chunk of chunks) {
      const holders = good(chunk).map((one) => one.replica).filter((id) => counted.has(id));
      if (!holders.includes(row.id)) continue;
      loss.held += 1;
      loss.bytes += chunk.length;
      if (holders.length === 1) loss.lost += 1;
      if (holders.length === 2) loss.lastCopies += 1;
    }
    return loss;
  });
}
