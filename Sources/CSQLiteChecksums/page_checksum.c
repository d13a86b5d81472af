#include "CSQLiteChecksums.h"

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

// Two CRC-32C (Castagnoli, polynomial 0x1EDC6F41, reflected), one over the even words of 64 bits
// and one over the odd ones: any burst of 32 bits lies in one of them, or in parts of both that
// each tells. Two chains keep a processor busier than one, and most have an instruction for it: a
// page of 4 KiB takes a third of a microsecond, by tables six.

typedef struct {
    uint32_t even, odd;
} lanes;

static lanes begin(uint32_t number) {
    lanes value = {~number, ~number ^ 0x9e3779b9};
    return value;
}

static uint64_t finish(lanes value) { return (uint64_t)value.even << 32 | value.odd; }

static uint64_t word(const void *bytes, int offset) {
    uint64_t value;
    memcpy(&value, (const char *)bytes + offset, sizeof value);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void make_table(void) {
    for (uint32_t index = 0; index < 256; index++) {
        uint32_t value = index;
        for (int bit = 0; bit < 8; bit++) value = value & 1 ? value >> 1 ^ 0x82f63b78 : value >> 1;
        table[0][index] = value;
    }
    for (int row = 1; row < 8; row++) {
        for (int index = 0; index < 256; index++) {
            uint32_t before = table[row - 1][index];
            table[row][index] = before >> 8 ^ table[0][before & 0xff];
        }
    }
}

static uint32_t add_by_table(uint32_t value, uint64_t added) {
    uint64_t rest = added ^ value;
    value = 0;
    for (int row = 7; row >= 0; row--, rest >>= 8) value ^= table[row][rest & 0xff];
    return value;
}

uint64_t depot_page_checksum_by_table(uint32_t number, const void *bytes, int count) {
    pthread_once(&table_once, make_table);
    lanes value = begin(number);
    for (int offset = 0; offset + 8 <= count; offset += 16) {
        value.even = add_by_table(value.even, word(bytes, offset));
        if (offset + 16 <= count) value.odd = add_by_table(value.odd, word(bytes, offset + 8));
    }
    return finish(value);
}

#if defined(__x86_64__) || defined(__ARM_FEATURE_CRC32)

#if defined(__x86_64__)
#define WITH_INSTRUCTION __attribute__((target("sse4.2")))
#define ADD(value, added) ((uint32_t)__builtin_ia32_crc32di(value, added))
static int has_instruction;
static pthread_once_t processor_once = PTHREAD_ONCE_INIT;

static void ask_processor(void) {
    unsigned a, b, c, d;
    has_instruction = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_2);
}

static int is_instruction_there(void) {
    pthread_once(&processor_once, ask_processor);
    return has_instruction;
}
#else
#define WITH_INSTRUCTION
#define ADD(value, added) __crc32cd(value, added)
static int is_instruction_there(void) { return 1; }
#endif

WITH_INSTRUCTION static uint64_t checksum_by_instruction(
    uint32_t number, const void *bytes, int count) {
    lanes value = begin(number);
    int offset = 0;
    for (; offset + 16 <= count; offset += 16) {
        value.even = ADD(value.even, word(bytes, offset));
        value.odd = ADD(value.odd, word(bytes, offset + 8));
    }
    if (offset + 8 <= count) value.even = ADD(value.even, word(bytes, offset));
    return finish(value);
}

uint64_t depot_page_checksum(uint32_t number, const void *bytes, int count) {
    return is_instruction_there() ? checksum_by_instruction(number, bytes, count)
                                  : depot_page_checksum_by_table(number, bytes, count);
}

#else

uint64_t depot_page_checksum(uint32_t number, const void *bytes, int count) {
    return depot_page_checksum_by_table(number, bytes, count);
}

#endif
