#ifndef CMEMORYCOUNTS_H
#define CMEMORYCOUNTS_H

#include <stdint.h>

/// What a process has done with memory since it was started. With this library in `LD_PRELOAD`, the file that
/// `DEPOT_MEMORY_COUNTS` names holds it, and can be read at any time.
typedef struct {
    /// Blocks that were asked for, of any size.
    uint64_t blocks;
    /// Those of at least `MEMORY_COUNTS_LARGE` bytes.
    uint64_t large_blocks;
    /// Bytes that were copied from memory to memory, in copies of at least `MEMORY_COUNTS_COPY` bytes.
    uint64_t copied;
    /// Reads of a file or a socket that gave something and had at least `MEMORY_COUNTS_LARGE` bytes of room.
    uint64_t large_reads;
} memory_counts;

enum {
    MEMORY_COUNTS_LARGE = 65536,
    MEMORY_COUNTS_COPY = 4096,
};

#endif
