#include "CSQLiteChecksums.h"
#include "checked_file.h"

#include <string.h>

// SQLite reads and writes a database by whole pages, but for its header, which it looks at before
// it knows how large they are. That look is let through: it decides nothing but the size of the
// pages, and with a wrong one the first page does not match.

#define HEADER_SIZE 100
#define RESERVED_AT 20

static int lower_read(checked_file *file, void *to, int count, sqlite3_int64 offset) {
    return file->lower->pMethods->xRead(file->lower, to, count, offset);
}

static uint64_t sum(checked_file *file, const unsigned char *page, sqlite3_int64 offset) {
    return depot_page_checksum(
        (uint32_t)(offset / file->page_size + 1), page, file->page_size - DEPOT_CHECKSUM_BYTES);
}

static void put_sum(uint64_t sum, unsigned char *at) {
    for (int index = DEPOT_CHECKSUM_BYTES - 1; index >= 0; index--, sum >>= 8)
        at[index] = sum & 0xff;
}

static int compare(checked_file *file, const unsigned char *page, sqlite3_int64 offset) {
    unsigned char expected[DEPOT_CHECKSUM_BYTES];
    put_sum(sum(file, page, offset), expected);
    const unsigned char *found = page + file->page_size - DEPOT_CHECKSUM_BYTES;
    if (memcmp(expected, found, sizeof expected) == 0) return SQLITE_OK;
    sqlite3_log(
        SQLITE_CORRUPT, "page %lld does not match its checksum", offset / file->page_size + 1);
    return SQLITE_CORRUPT;
}

int database_page_size(const unsigned char *header) {
    if (memcmp(header, "SQLite format 3", 16) != 0) return 0;
    if (header[RESERVED_AT] != DEPOT_CHECKSUM_BYTES) return 0;
    unsigned size = (unsigned)header[16] << 8 | header[17];
    return checked_page_size(size == 1 ? 65536 : size);
}

int database_learn(checked_file *file) {
    unsigned char header[HEADER_SIZE];
    if (file->page_size) return SQLITE_OK;
    int error = lower_read(file, header, sizeof header, 0);
    if (error == SQLITE_IOERR_SHORT_READ) return SQLITE_OK;
    if (error == SQLITE_OK) file->page_size = database_page_size(header);
    return error;
}

static int read_page(checked_file *file, void *to, sqlite3_int64 offset) {
    int error = lower_read(file, to, file->page_size, offset);
    // Pages that the file is too short for are in the log, or gone.
    if (error == SQLITE_IOERR_SHORT_READ) return SQLITE_CORRUPT;
    return error == SQLITE_OK ? compare(file, to, offset) : error;
}

int database_read(checked_file *file, void *to, int count, sqlite3_int64 offset) {
    int size = file->page_size;
    if (size == 0 || offset + count <= HEADER_SIZE) {
        int error = lower_read(file, to, count, offset);
        // Made by another connection since this one was opened.
        if (error == SQLITE_OK && offset == 0 && count > HEADER_SIZE) {
            file->page_size = database_page_size(to);
            if (file->page_size) return database_read(file, to, count, offset);
        }
        return error;
    }
    int start = (int)(offset % size);
    if (start == 0 && count == size) return read_page(file, to, offset);
    if (start + count > size) return SQLITE_CORRUPT;
    int error = checked_scratch(file, size);
    if (error == SQLITE_OK) error = read_page(file, file->scratch, offset - start);
    if (error == SQLITE_OK) memcpy(to, file->scratch + start, count);
    return error;
}

int database_write(checked_file *file, const void *from, int count, sqlite3_int64 offset) {
    if (offset == 0 && count > HEADER_SIZE && file->page_size == 0) {
        file->page_size = database_page_size(from);
    }
    int size = file->page_size;
    if (size == 0 || count != size || offset % size != 0) {
        return file->lower->pMethods->xWrite(file->lower, from, count, offset);
    }
    int error = checked_scratch(file, size);
    if (error != SQLITE_OK) return error;
    // What SQLite has in memory stays as it is.
    memcpy(file->scratch, from, size);
    put_sum(sum(file, file->scratch, offset), file->scratch + size - DEPOT_CHECKSUM_BYTES);
    return file->lower->pMethods->xWrite(file->lower, file->scratch, size, offset);
}
