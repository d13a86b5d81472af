#ifndef CSQLITECHECKSUMS_H
#define CSQLITECHECKSUMS_H

#include <sqlite3.h>
#include <stdint.h>

// SQLite believes what it reads. A bit that flipped in a row or in an index gives another value and
// no error: of random single flips its own checks tell a half, and only when they are asked for. So
// a layer below it, a virtual file system between SQLite and the disk, keeps a checksum of each
// page in bytes that SQLite leaves free at the page's end (the header's byte 20 says how many), and
// compares it whenever the page is read: one that does not match is SQLITE_CORRUPT. It covers the
// page's number as well, so that a page in the place of another is told, too.
//
// A page in the write-ahead log has no such bytes to rely on: SQLite sums a frame up before it
// writes it, and would refuse a changed one after a crash. But that sum is there, 64 bits of it,
// chained to the frame before. SQLite compares it after a crash alone; here it is compared whenever
// the page is read.
//
// Certain is every flip of one bit, and of any bits within 32 that follow one another; of anything
// else one in 2^32 and less passes. Files without the free bytes are read and written as they are.
// Memory mapping is not offered: it would read past us.

/// Bytes at the end of each page that are kept free for a checksum.
#define DEPOT_CHECKSUM_BYTES 8

/// Puts itself between SQLite and its file systems, for every database of this process that is
/// opened from now on; asked again, on top of those that came since. Answers SQLITE_OK, or an
/// SQLite error.
int depot_checksums_install(void);

/// Has all pages of an attached database that is empty still written with checksums. Answers an
/// SQLite error where it is not.
int depot_checksums_begin(sqlite3 *database, const char *schema);

/// Whether pages of an attached database are checked: those of one whose header says so, or that
/// was begun so.
int depot_checksums_are_kept(sqlite3 *database, const char *schema);

/// The checksum of a page, of which `count` bytes, a multiple of 8, are covered.
uint64_t depot_page_checksum(uint32_t number, const void *bytes, int count);

/// The same, without the processor's instruction for it.
uint64_t depot_page_checksum_by_table(uint32_t number, const void *bytes, int count);

#endif
