#include "checked_file.h"

#include <stdint.h>
#include <string.h>

// A log is a header of 32 bytes and then frames: 24 bytes and a page each. A frame's last 8 bytes
// in front of the page are the sum of its first 8 and of the page, which begins with the sum of the
// frame before it, or of the log's header (sqlite.org/fileformat2.html, 4.2). A change of one word,
// or of the two that are added together, is always told: the sum before it and after it determine
// each other.

#define LOG_HEADER 32
#define FRAME_HEADER 24
#define SUM_SIZE 8
#define NONE INT64_MAX

typedef struct {
    uint32_t first, second;
} log_sum;

static uint32_t big_endian(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static log_sum stored(const unsigned char *at) {
    log_sum value = {big_endian(at), big_endian(at + 4)};
    return value;
}

static uint32_t as_it_lies(const unsigned char *at, int is_big_endian) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return is_big_endian ? value : __builtin_bswap32(value);
#else
    return is_big_endian ? __builtin_bswap32(value) : value;
#endif
}

static log_sum add(log_sum sum, const unsigned char *bytes, int count, int is_big_endian) {
    for (const unsigned char *end = bytes + count; bytes < end; bytes += 8) {
        sum.first += as_it_lies(bytes, is_big_endian) + sum.second;
        sum.second += as_it_lies(bytes + 4, is_big_endian) + sum.first;
    }
    return sum;
}

static int lower_read(checked_file *file, void *to, int count, sqlite3_int64 offset) {
    return file->lower->pMethods->xRead(file->lower, to, count, offset);
}

static void learn(checked_file *file, const unsigned char *header) {
    uint32_t magic = big_endian(header);
    file->page_size = (magic & ~1u) == 0x377f0682 ? checked_page_size(big_endian(header + 8)) : 0;
    file->is_big_endian = magic & 1;
}

void log_forget(checked_file *file) {
    file->page_size = 0;
    file->unsummed_from = NONE;
    file->written_end = -1;
}

/// Where the frame begins that has its page at an offset; -1 where no page begins there.
static sqlite3_int64 frame_start(checked_file *file, sqlite3_int64 offset) {
    sqlite3_int64 inside = (offset - LOG_HEADER) % (FRAME_HEADER + file->page_size);
    return offset > LOG_HEADER && inside == FRAME_HEADER ? offset - FRAME_HEADER : -1;
}

static int read_frame(checked_file *file, void *page, sqlite3_int64 start) {
    // From the sum of what is in front of it to its own end.
    int before = start == LOG_HEADER ? SUM_SIZE : SUM_SIZE + file->page_size;
    int size = before + FRAME_HEADER + file->page_size;
    int error = checked_scratch(file, size);
    if (error == SQLITE_OK) error = lower_read(file, file->scratch, size, start - before);
    if (error == SQLITE_IOERR_SHORT_READ) return SQLITE_CORRUPT;
    if (error != SQLITE_OK) return error;
    const unsigned char *header = file->scratch + before;
    log_sum sum = add(stored(file->scratch), header, 8, file->is_big_endian);
    sum = add(sum, header + FRAME_HEADER, file->page_size, file->is_big_endian);
    log_sum expected = stored(header + FRAME_HEADER - SUM_SIZE);
    int is_right = sum.first == expected.first && sum.second == expected.second;
    if (!is_right && start < file->unsummed_from) {
        sqlite3_log(
            SQLITE_CORRUPT, "the frame at byte %lld of the log does not match its checksum", start);
        return SQLITE_CORRUPT;
    }
    memcpy(page, header + FRAME_HEADER, file->page_size);
    return SQLITE_OK;
}

int log_read(checked_file *file, void *to, int count, sqlite3_int64 offset) {
    if (file->page_size == 0 && offset > LOG_HEADER) {
        unsigned char header[LOG_HEADER];
        int error = lower_read(file, header, sizeof header, 0);
        if (error != SQLITE_OK) return error;
        learn(file, header);
        // It has pages, so that it has a header, too.
        if (file->page_size == 0) return SQLITE_CORRUPT;
    }
    if (file->page_size && count == file->page_size) {
        sqlite3_int64 start = frame_start(file, offset);
        if (start >= 0) return read_frame(file, to, start);
    }
    return lower_read(file, to, count, offset);
}

/// A frame is written from its beginning, in one go or in parts; its header alone where its sum is
/// made anew.
static void note(checked_file *file, int count, sqlite3_int64 offset) {
    if (file->page_size == 0 || offset < LOG_HEADER) return;
    int frame_size = FRAME_HEADER + file->page_size;
    sqlite3_int64 start = offset - (offset - LOG_HEADER) % frame_size;
    if (offset == start) {
        if (start == file->unsummed_from) file->unsummed_from = start + frame_size;
    } else if (offset != file->written_end && start < file->unsummed_from) {
        file->unsummed_from = start;
    }
    file->written_end = offset + count;
}

int log_write(checked_file *file, const void *from, int count, sqlite3_int64 offset) {
    if (offset == 0 && count >= LOG_HEADER) {
        log_forget(file);
        learn(file, from);
    }
    note(file, count, offset);
    return file->lower->pMethods->xWrite(file->lower, from, count, offset);
}
