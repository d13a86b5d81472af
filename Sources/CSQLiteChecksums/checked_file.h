#ifndef CHECKED_FILE_H
#define CHECKED_FILE_H

#include <sqlite3.h>

/// A file that SQLite has open, and the same file one layer below. Used by one thread at a time, as
/// its connection is.
typedef struct {
    sqlite3_file base;
    sqlite3_file *lower;
    /// Of a database whose pages have checksums, or of a log; 0 where it is not known, or there are
    /// none.
    int page_size;
    /// Of a log: whether its sums take words as they lie, most significant byte first.
    int is_big_endian;
    /// Of a log: where what was written last ended.
    sqlite3_int64 written_end;
    /// Of a log: the first frame whose page was written again in place, by the transaction that is
    /// under way. Sums from there on are made anew at its end, and no one else reads these frames
    /// before.
    sqlite3_int64 unsummed_from;
    /// For what is read or written beyond what SQLite asks for.
    unsigned char *scratch;
    int scratch_size;
} checked_file;

/// SQLITE_OK, or SQLITE_NOMEM.
int checked_scratch(checked_file *file, int size);

/// A power of two that SQLite takes for the size of a page, or 0.
int checked_page_size(unsigned size);

/// What the header of a database says of its pages: their size where they have checksums, else 0.
int database_page_size(const unsigned char *header);
int database_learn(checked_file *file);
int database_read(checked_file *file, void *to, int count, sqlite3_int64 offset);
int database_write(checked_file *file, const void *from, int count, sqlite3_int64 offset);

int log_read(checked_file *file, void *to, int count, sqlite3_int64 offset);
int log_write(checked_file *file, const void *from, int count, sqlite3_int64 offset);
void log_forget(checked_file *file);

#endif
